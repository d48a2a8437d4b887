"""ControlNet (Zhang et al. 2023) for the transformer: a trainable copy of its first half beside the frozen whole.

The copy reads the control at the picture's own tokens; what each of its blocks makes is added to the base's through a
projection that begins at zero, so a new ControlNet changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from pipelines.nn.dit import Block, Config, Transformer, Words, patchify

CELL = 16  # pixels of the control a side of a token
DEPTH = 3


class ControlNet(nn.Module):
    """Hints for the base's tokens from a control picture of 128 x 128 pixels in [0, 1]."""

    def __init__(self, config: Config = Config(), channels: int = 1) -> None:
        super().__init__()
        self.config, self.channels, width = config, channels, config.width
        self.look = nn.Sequential(
            nn.Conv2d(channels, 32, 4, stride=4), nn.SiLU(), nn.Conv2d(32, 64, 3, padding=1), nn.SiLU(), nn.Conv2d(64, width, 4, stride=4)
        )  # fmt: skip
        self.blocks = nn.ModuleList([Block(config) for _ in range(DEPTH)])
        self.gates = nn.ModuleList([nn.Linear(width, width) for _ in range(DEPTH)])
        for gate in self.gates:
            nn.init.zeros_(gate.weight)
            nn.init.zeros_(gate.bias)

    def copy(self, base: Transformer) -> None:
        """Begin as the base's first half."""
        for mine, its in zip(self.blocks, base.blocks, strict=False):
            mine.load_state_dict(its.state_dict())

    def read(self, tokens: Float[Tensor, "b q w"]) -> list[tuple[Tensor, Tensor]]:
        """The words' keys and values, once a run."""
        return [block.read(tokens) for block in self.blocks]

    def modulations(self, base: Transformer, t: Float[Tensor, " n"], words: Words) -> list[list[Tensor]]:
        """As the base's, by the copy's own layers."""
        return base.modulations(t, words.pooled, self.blocks)

    def forward(
        self, base: Transformer, z: Float[Tensor, "b c h w"], seen: Float[Tensor, "b n d"], words: list[tuple[Tensor, Tensor]], modulations: list[list[Tensor]]
    ) -> list[Float[Tensor, "b n d"]]:
        """Hints: none before the blocks, then one after each of the first half."""
        x = base.enter(patchify(z, self.config.patch)) + base.position + seen
        hints = [torch.zeros_like(x)]
        for block, gate, modulation, keysvalues in zip(self.blocks, self.gates, modulations, words, strict=False):
            x = block(x, modulation, keysvalues, None, None)
            hints.append(gate(x))
        return hints

    def see(self, control: Float[Tensor, "b c 128 128"]) -> Float[Tensor, "b n d"]:
        """The control as tokens, once a run."""
        return self.look(control).flatten(2).mT


def edges(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"]:
    """Canny's edges (Canny 1986), white on black."""
    return cv2.Canny(cv2.GaussianBlur(picture, (0, 0), 0.8), 60, 140)


def scribble(picture: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator | None = None) -> UInt8[np.ndarray, "h w"]:
    """Thick lines where the edges are; with `rng`, wobbly and incomplete as a hand's are."""
    lines = cv2.Canny(cv2.GaussianBlur(picture, (0, 0), 1.6), 50, 120)
    height, width = lines.shape
    if rng is not None:
        flow = rng.standard_normal((2, 6, 6)).astype(np.float32) * 2.0
        dx, dy = (cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC) for part in flow)
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        lines = cv2.remap(lines, x + dx, y + dy, cv2.INTER_LINEAR)
        kept = cv2.resize(rng.random((8, 8)).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) > rng.uniform(0.0, 0.45)
        lines = lines * kept.astype(np.uint8)
    size = 3 if rng is None else int(rng.integers(2, 5))
    return ((cv2.dilate(lines, np.ones((size, size), np.uint8)) > 96) * 255).astype(np.uint8)


def palette(picture: UInt8[np.ndarray, "h w 3"], cells: int = 8) -> UInt8[np.ndarray, "h w 3"]:
    """A coarse layout of colours: the mean of each cell."""
    height, width = picture.shape[:2]
    return cv2.resize(cv2.resize(picture, (cells, cells), interpolation=cv2.INTER_AREA), (width, height), interpolation=cv2.INTER_NEAREST)


PREPROCESSORS: dict[str, Callable[..., np.ndarray]] = {"edges": edges, "scribble": scribble, "palette": palette}
CHANNELS = {"edges": 1, "scribble": 1, "palette": 3}
