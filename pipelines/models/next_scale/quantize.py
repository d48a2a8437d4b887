"""Multi-scale residual quantisation: each scale says, on a finer grid, what the ones before it left over (Tian et al.
2024, algorithm 1), with finite scalars (Mentzer et al. 2023) in place of a codebook.

A cell's residual is turned onto the principal axes of its scale, and each coordinate takes the nearest of a few
levels. Axes and levels are statistics of the data (Karhunen-Loeve; Lloyd 1982), shared by all places of a scale:
nothing is trained, every level is in use, and codes of one cell are uncorrelated, so that they may be predicted
beside each other.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

SIDES = (1, 2, 3, 4, 6, 8)  # tokens a side; a token is 2 x 2 cells of the latent's grid
PATCH = 2
LEVELS = 9


def resize(x: Float[Tensor, "b c h w"], side: int) -> Float[Tensor, "b c s s"]:
    """To a coarser grid by means, to a finer one by cubic interpolation."""
    if x.shape[-1] == side:
        return x
    return F.interpolate(x, (side, side), mode="area" if side < x.shape[-1] else "bicubic")


class MultiScaleQuantizer(nn.Module):
    """Latents (c channels, 16 x 16) as codes on grids of 2, 4, 6, 8, 12 and 16 cells a side, c codes a cell."""

    def __init__(self, channels: int = 12, levels: int = LEVELS, side: int = 16) -> None:
        super().__init__()
        self.side, n = side, len(SIDES)
        self.register_buffer("axes", torch.eye(channels).repeat(n, 1, 1))  # (scales, channels, coordinates)
        self.register_buffer("spread", torch.ones(n, channels))
        self.register_buffer("levels", torch.linspace(-2, 2, levels).repeat(n, 1))

    @torch.no_grad()
    def fit(self, z: Float[Tensor, "n c h w"]) -> None:
        """Take axes, standard deviations and levels from some latents, scale by scale."""
        total = torch.zeros_like(z)
        for k in range(len(SIDES)):
            rest = resize(z - total, PATCH * SIDES[k]).permute(0, 2, 3, 1).flatten(0, 2)
            variance, self.axes[k] = torch.linalg.eigh(rest.T @ rest / len(rest))
            self.spread[k] = variance.clamp_min(1e-8).sqrt()
            self.levels[k] = fit_levels((rest @ self.axes[k] / self.spread[k]).flatten(), self.levels.shape[1])
            total = total + self.decode(self.nearest(z - total, k), k)

    def nearest(self, rest: Float[Tensor, "b c h w"], k: int) -> Int[Tensor, "b s s c"]:
        """The codes of what is left, at scale k."""
        y = resize(rest, PATCH * SIDES[k]).permute(0, 2, 3, 1) @ self.axes[k] / self.spread[k]
        middles = (self.levels[k, 1:] + self.levels[k, :-1]) / 2
        return torch.bucketize(y.contiguous(), middles)

    def decode(self, codes: Int[Tensor, "b s s c"], k: int) -> Float[Tensor, "b c h w"]:
        """What codes of scale k add to the latent."""
        y = self.levels[k][codes] * self.spread[k] @ self.axes[k].T
        return resize(y.permute(0, 3, 1, 2), self.side)

    def encode(
        self, z: Float[Tensor, "b c h w"], noise: float = 0.0
    ) -> Iterator[tuple[Float[Tensor, "b c h w"], Int[Tensor, "b s s c"]]]:
        """At each scale the sum so far and the codes of what it leaves. A share up to `noise` of each sample's
        codes is altered before it is added, so that later scales are seen to mend it (Han et al. 2024, "bitwise
        self-correction")."""
        total, share = torch.zeros_like(z), noise * torch.rand(len(z), 1, 1, 1, device=z.device)
        last = self.levels.shape[1] - 1
        for k in range(len(SIDES)):
            codes = self.nearest(z - total, k)
            yield total, codes
            if noise:
                moved = codes + torch.randint_like(codes, 2) * 2 - 1
                strange = torch.where(
                    torch.rand(codes.shape, device=z.device) < 0.25, torch.randint_like(codes, last + 1), moved
                )
                altered = torch.rand(codes.shape, device=z.device) < share
                codes = torch.where(altered, strange.clamp(0, last), codes)
            total = total + self.decode(codes, k)

    def forward(self, z: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Latents through their codes."""
        *_, (total, codes) = self.encode(z)
        return total + self.decode(codes, len(SIDES) - 1)


def fit_levels(values: Float[Tensor, " n"], count: int, rounds: int = 60) -> Float[Tensor, " k"]:
    """The levels of least squared error for some numbers (Lloyd 1982)."""
    values = values[:: max(1, len(values) // 200_000)].sort().values
    levels = values[((torch.arange(count) + 0.5) / count * len(values)).long()]
    for _ in range(rounds):
        index = torch.bucketize(values, (levels[1:] + levels[:-1]) / 2)
        sums = torch.zeros(count).index_add_(0, index, values)
        counts = torch.bincount(index, minlength=count)
        levels = torch.where(counts > 0, sums / counts.clamp_min(1), levels)
    return levels
