"""How near each place of a picture is, read from its latents by a small convolutional network that scenes taught."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from pipelines.nn import weights
from pipelines.nn.residual import Bottleneck


class DepthReader(nn.Module):
    """Latents on 16 x 16 places to a map of 64 x 64, 1 where it is nearest and 0 at the sky."""

    def __init__(self, channels: int = 12, width: int = 192, blocks: int = 6) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.Sequential(*[Bottleneck(width) for _ in range(blocks)])
        self.up = nn.Sequential(nn.Conv2d(width, 4 * 96, 1), nn.PixelShuffle(2), Bottleneck(96), Bottleneck(96))
        self.leave = nn.Sequential(nn.SiLU(), nn.Conv2d(96, 4 * 32, 3, padding=1), nn.PixelShuffle(2), nn.SiLU(),
            nn.Conv2d(32, 1, 3, padding=1))  # fmt: skip

    def forward(self, z: Float[Tensor, "b c 16 16"]) -> Float[Tensor, "b 64 64"]:
        return self.logits(z).sigmoid()

    def logits(self, z: Float[Tensor, "b c 16 16"]) -> Float[Tensor, "b 64 64"]:
        """The same before the sigmoid: to learn."""
        return self.leave(self.up(F.silu(self.blocks(self.enter(z)))))[:, 0]


def build(config: dict[str, Any]) -> DepthReader:
    """The reader of a bundle's configuration."""
    return DepthReader(**config)


def load_depth_reader(device: str) -> DepthReader:
    """The bundled reader."""
    return weights.cached(("depth", device), lambda: weights.open_bundle("depth", build).to(device))
