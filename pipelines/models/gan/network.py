"""A generator and a discriminator of faces: residual blocks without normalisation, as R3GAN's (Huang et al. 2024);
with conditions, both know what is asked for (Mirza and Osindero 2014; projection: Miyato and Koyama 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

WIDTHS, DEPTHS = (160, 128, 64, 32), (2, 2, 1, 1)  # channels and blocks at 4, 8, 16 and 32 places
NOISE = 64
PATCH = 2  # pixels a side of a place at the finest, where blocks are


class Block(nn.Module):
    """x + a bottleneck of two 3 x 3 convolutions, which begins at nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.conv1, self.conv2 = nn.Conv2d(width, half, 3, padding=1), nn.Conv2d(half, width, 3, padding=1)
        for conv, gain in ((self.conv1, 1.0), (self.conv2, 0.0)):
            nn.init.kaiming_normal_(conv.weight, a=0.2)
            conv.weight.data.mul_(gain)
            nn.init.zeros_(conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.leaky_relu(self.conv1(F.leaky_relu(x, 0.2)), 0.2))


def levels(widths: Sequence[int], depths: Sequence[int]) -> nn.ModuleList:
    """So many blocks at each size."""
    return nn.ModuleList(nn.Sequential(*(Block(w) for _ in range(n))) for w, n in zip(widths, depths, strict=True))


class Conditions(nn.Module):
    """Several labels to one vector: the sum of an embedding each."""

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, width) for size in sizes)

    def forward(self, labels: Int[Tensor, "b k"]) -> Float[Tensor, "b w"]:
        return torch.stack([table(labels[:, i]) for i, table in enumerate(self.tables)]).sum(0)


class Generator(nn.Module):
    """Noise, and conditions where there are some, to a picture in [-1, 1] in one pass."""

    def __init__(self, sizes: Sequence[int] = ()) -> None:
        super().__init__()
        self.conditions = Conditions(sizes, NOISE) if sizes else None
        self.start = nn.Linear(NOISE * (2 if sizes else 1), 16 * WIDTHS[0])
        self.blocks = levels(WIDTHS, DEPTHS)
        self.change = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(WIDTHS, WIDTHS[1:], strict=False))
        self.last = nn.Conv2d(WIDTHS[-1], 3, 3, padding=1)

    def forward(self, z: Float[Tensor, "b d"], labels: Int[Tensor, "b k"] | None = None) -> Tensor:
        if self.conditions is not None:
            z = torch.cat([z, self.conditions(labels)], 1)
        h = self.start(z).unflatten(1, (WIDTHS[0], 4, 4))
        for level, block in enumerate(self.blocks):
            h = block(h)
            if level < len(self.change):
                h = F.interpolate(self.change[level](h), scale_factor=2, mode="bilinear")
        h = F.interpolate(F.leaky_relu(h, 0.2), scale_factor=PATCH, mode="bilinear")
        return self.last(h)  # unshuffled places would show as a grid for long


class Discriminator(nn.Module):
    """A picture to one number: how real it is, and how well it fits the conditions."""

    def __init__(self, sizes: Sequence[int] = ()) -> None:
        super().__init__()
        widths = WIDTHS[::-1]
        self.first = nn.Conv2d(3 * PATCH**2, widths[0], 3, padding=1)
        self.blocks = levels(widths, DEPTHS[::-1])
        self.change = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(widths, widths[1:], strict=False))
        self.features = nn.Linear(16 * widths[-1], 256)
        self.out = nn.Linear(256, 1)
        self.conditions = Conditions(sizes, 256) if sizes else None

    def forward(self, x: Float[Tensor, "b 3 64 64"], labels: Int[Tensor, "b k"] | None = None) -> Float[Tensor, " b"]:
        h = self.first(F.pixel_unshuffle(x, PATCH))
        for level, block in enumerate(self.blocks):
            h = block(h)
            if level < len(self.change):
                h = F.avg_pool2d(self.change[level](h), 2)
        h = F.leaky_relu(self.features(F.leaky_relu(h, 0.2).flatten(1)), 0.2)
        score = self.out(h)[:, 0]
        return score if self.conditions is None else score + (self.conditions(labels) * h).sum(1) / 16
