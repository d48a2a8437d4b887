"""Pictures and masks by dice, and runs of the editing models with small random weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines import load
from pipelines.core.contract import Frame

RNG = np.random.default_rng(0)


def image(height: int = 128, width: int = 128) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


def blob(height: int = 128, width: int = 128) -> np.ndarray:
    """A random rectangle, white where to change."""
    mask = np.zeros((height, width), np.uint8)
    (a, b), (c, d) = np.sort(RNG.integers(0, height + 1, 2)), np.sort(RNG.integers(0, width + 1, 2))
    mask[a : b + 1, c : d + 1] = 255
    return mask


def run(name: str, **settings: Any) -> list[Frame]:
    return list(load(name).generate(**{"prompt": "a cat", "steps": 4, "seed": 3, **settings}))
