"""A small U-Net in pixels, as DDPM's: residual blocks that know the noise level, attention where it is coarse."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

WIDTHS = (48, 96, 160, 192)  # at 32, 16, 8 and 4 places
PATCH = 2  # pixels a side of a place at the finest


def embed_time(t: Float[Tensor, " b"], width: int = 128) -> Float[Tensor, "b w"]:
    """Sines and cosines of 1000 t (Vaswani et al. 2017)."""
    rates = torch.exp(-math.log(10_000) * torch.arange(width // 2, device=t.device) / (width // 2))
    angle = 1000 * t[:, None] * rates
    return torch.cat([angle.sin(), angle.cos()], 1)


class Block(nn.Module):
    """A residual block whose second normalisation is scaled and shifted by the noise level (FiLM)."""

    def __init__(self, inputs: int, width: int, time: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(8, inputs), nn.GroupNorm(8, width)
        self.conv1, self.conv2 = nn.Conv2d(inputs, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.time = nn.Linear(time, 2 * width)
        self.skip = nn.Conv2d(inputs, width, 1) if inputs != width else nn.Identity()
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.time(time)[:, :, None, None].chunk(2, 1)
        return self.skip(x) + self.conv2(F.silu(self.norm2(h) * (1 + scale) + shift))


class Attention(nn.Module):
    """Self-attention over all places, four heads."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.qkv = nn.GroupNorm(8, width), nn.Conv2d(width, 3 * width, 1)
        self.out = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = (part.flatten(2).unflatten(1, (4, c // 4)).mT for part in self.qkv(self.norm(x)).chunk(3, 1))
        seen = F.scaled_dot_product_attention(q, k, v)
        return x + self.out(seen.mT.reshape(b, c, h, w))


class UNet(nn.Module):
    """x_t and t to a prediction of noise, data or v. Two by two pixels are one place, to save time."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        time = 4 * widths[0]
        self.time = nn.Sequential(nn.Linear(128, time), nn.SiLU(), nn.Linear(time, time), nn.SiLU())
        self.first = nn.Conv2d(3 * PATCH**2, widths[0], 3, padding=1)
        self.down, self.up, self.shrink, self.grow = (nn.ModuleList() for _ in range(4))
        for a, b in zip((widths[0], *widths), widths, strict=False):
            self.down.append(nn.ModuleList([Block(a, b, time), Block(b, b, time)]))
            self.shrink.append(nn.Conv2d(b, b, 3, 2, 1))
        self.shrink[-1] = nn.Identity()
        self.middle = nn.ModuleList([Block(widths[-1], widths[-1], time), Block(widths[-1], widths[-1], time)])
        self.see = nn.ModuleList([Attention(widths[-2]), Attention(widths[-1]), Attention(widths[-1])])
        for a, b in zip(widths[::-1], (*widths[-2::-1], widths[0]), strict=True):
            self.up.append(nn.ModuleList([Block(2 * a, a, time), Block(a, b, time)]))
            self.grow.append(nn.Conv2d(b, b, 3, padding=1))
        self.last = nn.Sequential(
            nn.GroupNorm(8, widths[0]), nn.SiLU(), nn.Conv2d(widths[0], 3 * PATCH**2, 3, padding=1)
        )
        nn.init.zeros_(self.last[-1].weight)
        nn.init.zeros_(self.last[-1].bias)

    def forward(self, x: Float[Tensor, "b 3 h w"], t: Float[Tensor, " b"]) -> Float[Tensor, "b 3 h w"]:
        time = self.time(embed_time(t).to(x.dtype))
        h, kept, levels = self.first(F.pixel_unshuffle(x, PATCH)), [], len(self.down)
        for level, (blocks, shrink) in enumerate(zip(self.down, self.shrink, strict=True)):
            for block in blocks:
                h = block(h, time)
            if level >= levels - 2:
                h = self.see[level - levels + 2](h)
            kept.append(h)
            h = shrink(h)
        h = self.middle[1](self.see[2](self.middle[0](h, time)), time)
        for level, (blocks, grow) in enumerate(zip(self.up, self.grow, strict=True)):
            h = torch.cat([h, kept.pop()], 1)
            for block in blocks:
                h = block(h, time)
            h = grow(F.interpolate(h, scale_factor=2) if level < levels - 1 else h)
        return F.pixel_shuffle(self.last(h), PATCH)
