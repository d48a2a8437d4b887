"""Distributions in the plane, of zero mean and unit scale, and points that people give. No torch."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Float

from pipelines.media.points import Points, standardise

CELLS = 12  # parts of a distribution that a model can miss, where it has no modes of its own


def ring(n: int, r: np.random.Generator) -> Points:
    """Eight Gaussians on a circle: modes that a GAN drops."""
    angle = r.integers(8, size=n) * (np.pi / 4)
    return 1.4 * np.stack([np.cos(angle), np.sin(angle)], 1) + 0.08 * r.standard_normal((n, 2))


def moons(n: int, r: np.random.Generator) -> Points:
    """Two half circles, one inside the other's bend."""
    angle, upper = r.uniform(0, np.pi, n), r.random(n) < 0.5
    x = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], 1) * np.where(upper, 1, -1)[:, None]
    return x + 0.07 * r.standard_normal((n, 2))


def spiral(n: int, r: np.random.Generator) -> Points:
    """Two arms: a thin curve that needs much bending."""
    angle, side = 3.4 * np.pi * np.sqrt(r.uniform(0.03, 1, n)), r.choice([-1.0, 1.0], n)
    x = (side * angle)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return x / 6 + 0.06 * r.standard_normal((n, 2))


def checkerboard(n: int, r: np.random.Generator) -> Points:
    """Every second square of four by four: sharp edges everywhere."""
    column = r.integers(4, size=n)
    row = 2 * r.integers(2, size=n) + column % 2
    return np.stack([column, row], 1) + r.random((n, 2)) - 2


def letters(n: int, r: np.random.Generator) -> Points:
    """The word "ink", as it is written."""
    sheet = np.zeros((96, 192), np.uint8)
    cv2.putText(sheet, "ink", (14, 74), cv2.FONT_HERSHEY_DUPLEX, 2.6, 255, 9, cv2.LINE_AA)
    y, x = np.nonzero(sheet > 127)
    picks = r.integers(len(x), size=n)
    return (np.stack([x[picks], -y[picks]], 1) + r.random((n, 2))) / 40


SHAPES: dict[str, Callable[[int, np.random.Generator], Points]] = {
    "ring": ring,
    "moons": moons,
    "spiral": spiral,
    "checkerboard": checkerboard,
    "letters": letters,
}


def draw(name: str, n: int, seed: int, given: Float[np.ndarray, "k 2"] | None = None) -> Points:
    """n points of a distribution; of `given` ones, each with a little noise, since a point alone has no density."""
    r = np.random.default_rng([seed, n])
    if given is None:
        return standardise(SHAPES[name](n, r))
    x = standardise(given)
    return x[r.integers(len(x), size=n)] + 0.04 * r.standard_normal((n, 2)).astype(np.float32)


def parts(name: str, x: Points) -> Float[np.ndarray, "k 2"]:
    """The centres of the parts that a model may miss: a ring's modes, else clusters of the points (k-means)."""
    k = 8 if name == "ring" else min(CELLS, len(x))
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-3)
    return cv2.kmeans(np.float32(x), k, None, stop, 5, cv2.KMEANS_PP_CENTERS)[2]
