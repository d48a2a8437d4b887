"""A causal transformer with rotary positions, a prefix that it reads first, and a cache of keys and values for writing
one step at a time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

KVCache = list[tuple[Tensor, Tensor]]  # keys and values so far, (b, heads, n, d) each, a block


def rotary_angles(begin: int, n: int, dim: int, device: torch.device | str) -> Float[Tensor, "n r"]:
    """How far each position from `begin` on turns each of dim / 2 pairs."""
    return torch.arange(begin, begin + n, device=device)[:, None] * 10_000 ** -torch.linspace(
        0, 1, dim // 2, device=device
    )


def apply_rotary(x: Float[Tensor, "b h n d"], turns: Float[Tensor, "n r"]) -> Float[Tensor, "b h n d"]:
    """Rotary positions (Su et al. 2021): each pair of numbers turned by its position's angle, so that only differences
    count."""
    a, b = x.chunk(2, dim=-1)
    cos, sin = turns.cos().to(x), turns.sin().to(x)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class Block(nn.Module):
    """Causal attention, then an MLP (pre-norm)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(
        self, x: Float[Tensor, "b n w"], turns: Tensor, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The block's output, and keys and values with the past's before them."""
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind()
        q, k = (apply_rotary(F.normalize(part, dim=-1) * part.shape[-1] ** 0.5, turns) for part in (q, k))
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        h = F.scaled_dot_product_attention(q, k, v, is_causal=past is None)
        x = x + self.out(h.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm2(x)))), (k, v)


class CausalTransformer(nn.Module):
    """Blocks one after the other; each position sees itself and those before."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.dim = width // heads
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)

    def forward(
        self, x: Float[Tensor, "b n w"], cache: KVCache | None = None
    ) -> tuple[Float[Tensor, "b n w"], KVCache]:
        """With a cache, the x are what comes after it, one position at a time."""
        turns = rotary_angles(cache[0][0].shape[2] if cache else 0, x.shape[1], self.dim, x.device)
        kept = []
        for i, block in enumerate(self.blocks):
            x, keysvalues = block(x, turns, cache[i] if cache else None)
            kept.append(keysvalues)
        return self.norm(x), kept
