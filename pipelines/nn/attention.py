"""Multi-head attention that can also tell where it looked."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class Attention(nn.Module):
    """Attention of `x` to `source` (Vaswani et al. 2017, eq. 1), written out, since its weights are returned."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.keyvalue = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self, x: Float[Tensor, "b n w"], source: Float[Tensor, "b m w"], mask: Bool[Tensor, "b m"] | None = None
    ) -> tuple[Float[Tensor, "b n w"], Float[Tensor, "b n m"]]:
        """The attended values and the weights (mean over heads); masked positions of `source` get none."""
        q = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k, v = (s.unflatten(-1, (self.heads, -1)).transpose(1, 2) for s in self.keyvalue(source).chunk(2, dim=-1))
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None, :], -torch.inf)
        weights = scores.softmax(dim=-1)
        return self.out((weights @ v).transpose(1, 2).flatten(2)), weights.mean(1)
