"""Pictures of any kind, so that what people bring survives the autoencoder: dead leaves (Lee et al. 2001: shapes of all
sizes that cover each other, with natural pictures' statistics) and crops of the photographs that scikit-image brings
along.
"""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from PIL import Image

from pipelines.datasets import SIZE

PHOTOGRAPHS = [
    "motorcycle_left.png", "hubble_deep_field.jpg", "rocket.jpg", "brick.png", "grass.png", "gravel.png", "ihc.png",
    "retina.jpg", "coins.png", "color.png",
]  # fmt: skip
HELD_OUT = ["astronaut.png", "coffee.png", "chelsea.png", "camera.png"]


@functools.cache
def photograph(name: str) -> np.ndarray:
    """One of scikit-image's photographs: uint8 (h, w, 3)."""
    return np.asarray(Image.open(Path(skimage.data.__file__).parent / name).convert("RGB"))


def dead_leaves(rng: np.random.Generator, size: int = SIZE) -> np.ndarray:
    """Discs, ellipses and polygons of power-law sizes, in related colours, some shaded, the large ones first."""
    image = np.empty((size, size, 3), np.uint8)
    image[:] = rng.integers(0, 256, 3)
    palette = rng.integers(0, 256, (int(rng.integers(3, 9)), 3))
    n = int(rng.integers(30, 260))
    radii = np.sort((rng.pareto(1.6, n) + 0.25) * size * 0.022)[::-1].clip(2, size * 0.6)
    for radius in radii:
        colour = (palette[rng.integers(len(palette))] + rng.normal(0, 14, 3)).clip(0, 255).tolist()
        x, y = rng.uniform(-0.1 * size, 1.1 * size, 2)
        if rng.random() < 0.5:
            axes = (max(1, round(16 * radius)), max(1, round(16 * radius * rng.uniform(0.3, 1))))
            cv2.ellipse(
                image, (round(16 * x), round(16 * y)), axes, rng.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA, 4
            )
        else:
            turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
            points = np.stack([x + radius * np.cos(turns), y + radius * np.sin(turns)], 1)
            cv2.fillPoly(image, [np.round(16 * points).astype(np.int32)], colour, cv2.LINE_AA, 4)
    shade = cv2.resize(
        rng.normal(1, 0.12, (int(rng.integers(2, 9)),) * 2).astype(np.float32),
        (size, size),
        interpolation=cv2.INTER_CUBIC,
    )
    image = (image * shade[..., None]).clip(0, 255).astype(np.uint8)
    return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 2.0)) if rng.random() < 0.3 else image


def crop(rng: np.random.Generator, picture: np.ndarray, size: int = SIZE) -> np.ndarray:
    """A square part of a photograph, of any size, mirrored or not."""
    side = int(min(picture.shape[:2]) * rng.uniform(0.3, 1))
    y, x = (int(rng.integers(0, n - side + 1)) for n in picture.shape[:2])
    part = cv2.resize(
        picture[y : y + side, x : x + side],
        (size, size),
        interpolation=cv2.INTER_AREA if side > size else cv2.INTER_CUBIC,
    )
    return part[:, ::-1] if rng.random() < 0.5 else part


def draw(rng: np.random.Generator, n: int) -> np.ndarray:
    """n pictures, half of them photographs: uint8 (n, 256, 256, 3)."""
    names = rng.choice(PHOTOGRAPHS, n)
    return np.stack([crop(rng, photograph(name)) if rng.random() < 0.5 else dead_leaves(rng) for name in names])


def held_out(size: int = SIZE) -> np.ndarray:
    """The held-out photographs, the largest square of each: uint8 (n, size, size, 3)."""
    found = []
    for name in HELD_OUT:
        picture = photograph(name)
        side = min(picture.shape[:2])
        y, x = ((n - side) // 2 for n in picture.shape[:2])
        found.append(cv2.resize(picture[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_AREA))
    return np.stack(found)
