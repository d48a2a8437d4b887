"""More scenes, of which only latents are kept: what a base needs is samples. Numbers go on where `scenes` ends;
training ones only.

Beside latents and rows there is `map.npy` (int16, n x 64 x 2: what is at each of 8 x 8 places, and how deep, 0 to
255).
"""

from __future__ import annotations

import numpy as np

from pipelines.datasets import parts, scenes

FIRST, COUNT, PART = 30_000, 100_000, 64


def coarse_map(segment: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """What is at the 64 places of scenes, at the middle of each, and how deep: int16 (n, 64, 2), from maps (n, 64,
    64)."""
    step, start = scenes.MAP // 8, scenes.MAP // 16
    parts = [part[:, start::step, start::step] for part in (segment, depth)]
    return np.stack(parts, -1).astype(np.int16).reshape(len(parts[0]), 64, 2)


def draw_part(numbers: range) -> tuple[np.ndarray, list[dict], dict[str, np.ndarray]]:
    """Pictures, rows and coarse maps of the training scenes among some numbers."""
    found = [one for one in map(scenes.make, numbers) if one[3]["split"] == "train"]
    pictures, segment, depth = (np.stack([one[k] for one in found]) for k in range(3))
    return pictures, [one[3] for one in found], {"map": coarse_map(segment, depth)}


def build(count: int = COUNT) -> None:
    """Compose, draw and encode them (half an hour on two cores)."""
    parts.build("scenes-wide", [range(i, min(i + PART, FIRST + count)) for i in range(FIRST, FIRST + count, PART)],
        draw_part)  # fmt: skip
