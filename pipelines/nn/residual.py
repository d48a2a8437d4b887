"""Convolutional residual blocks that autoencoders, readers and image towers are built of."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """x + conv(silu(conv(silu(norm x)))), the second convolution zero at the start (He et al., 2016, pre-activation)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.silu(self.conv1(F.silu(self.norm(x)))))


class Bottleneck(nn.Module):
    """The same with 1 x 1 convolutions around a 3 x 3 one of half the width: a quarter of the time on a CPU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.down = nn.Conv2d(width, width // 2, 1)
        self.conv = nn.Conv2d(width // 2, width // 2, 3, padding=1)
        self.up = nn.Conv2d(width // 2, width, 1)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.up(F.relu(self.conv(F.relu(self.down(self.norm(x))))))
