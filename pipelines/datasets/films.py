"""Scenes that move, of which only latents are kept: 16 frames each, with their motion (see scenes.film)."""

from __future__ import annotations

import random

import numpy as np

from pipelines.datasets import parts
from pipelines.datasets.scenes import captions, film, split_of
from pipelines.models.video.movement import Clock

COUNT, PART = 6000, 20


def make(number: int) -> tuple[np.ndarray, dict]:
    """Clip `number`, uint8 (16, 256, 256, 3), and its row."""
    frames, row = film.render(number, Clock(loop=number % 3 == 0))
    text, names = captions.caption(row, random.Random(number))
    return frames, {"split": split_of(row, film.FIRST + number), "caption": text, "names": names, **row}


def draw_part(numbers: range) -> tuple[np.ndarray, list[dict], dict[str, np.ndarray]]:
    """The clips of some numbers, and their rows."""
    found = [make(number) for number in numbers]
    return np.stack([frames for frames, _ in found]), [row for _, row in found], {}


def build(count: int = COUNT) -> None:
    """Render and encode them (twenty minutes on two cores)."""
    parts.build("films", [range(i, min(i + PART, count)) for i in range(0, count, PART)], draw_part)
