"""A canvas that knows what it shows: colour, depth and the area or thing at every pixel."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

SIZE = 256
AREAS = [
    "ground colour",
    "sky",
    "cloud",
    "sun",
    "moon",
    "mountains",
    "hills",
    "water",
    "sand",
    "snow",
    "grass",
    "field",
    "road",
    "city",
    "trees",
    "rainbow",
]
YY, XX = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
_SHIFT = 4

Colour = Sequence[float | int] | np.ndarray  # 0 to 255 a channel


class Canvas:
    """`rgb` uint8 (256, 256, 3); `depth` from 0, near, to 1, the sky; `segment` an index into AREAS, then into the
    kinds."""

    def __init__(self) -> None:
        self.rgb = np.zeros((SIZE, SIZE, 3), np.uint8)
        self.depth = np.ones((SIZE, SIZE), np.float32)
        self.segment = np.zeros((SIZE, SIZE), np.uint16)

    def mark(self, mask: np.ndarray, depth: np.ndarray | float | None, area: int | None) -> None:
        """Say what lies where `mask` is true."""
        if depth is not None:
            self.depth[mask] = depth[mask] if isinstance(depth, np.ndarray) else depth
        if area is not None:
            self.segment[mask] = area

    def blend(self, alpha: np.ndarray, colour: Colour) -> None:
        """Lay a colour, or a picture, over what is there by an alpha (256, 256) in [0, 1]."""
        a = alpha[..., None]
        self.rgb[:] = (self.rgb * (1 - a) + np.asarray(colour, np.float32) * a + 0.5).astype(np.uint8)

    def gradient(self, stops: list[tuple[float | int, Colour]]) -> None:
        """Fill from top to bottom through colours at heights in [0, 1]."""
        t = np.linspace(0, 1, SIZE)
        column = np.stack([np.interp(t, [s for s, _ in stops], [c[k] for _, c in stops]) for k in range(3)], -1)
        self.rgb[:] = (column[:, None] + np.zeros((1, SIZE, 1)) + 0.5).astype(np.uint8)

    def below(
        self,
        curve: np.ndarray,
        top: Colour,
        bottom: Colour,
        depth: Sequence[float | int],
        area: str,
        fade: float | int = 90,
    ) -> None:
        """Fill all that lies below a curve (256,), from one colour at the curve to another `fade` pixels lower."""
        alpha = np.clip(YY - curve + 0.5, 0, 1)
        down = np.clip((YY - curve) / fade, 0, 1)[..., None]
        self.blend(alpha, np.asarray(top, np.float32) * (1 - down) + np.asarray(bottom, np.float32) * down)
        t = np.clip((YY - curve) / np.maximum(SIZE - curve, 1), 0, 1)
        self.mark(alpha > 0.5, depth[0] + (depth[1] - depth[0]) * t, AREAS.index(area))

    def polygon(
        self,
        points: Sequence[Sequence],
        colour: Colour,
        depth: float | int | None = None,
        area: str | None = None,
    ) -> None:
        """A filled polygon with smooth edges."""
        at = np.round(np.array(points) * 2**_SHIFT).astype(np.int32)
        cv2.fillPoly(self.rgb, [at], _bgr(colour), cv2.LINE_AA, _SHIFT)
        if depth is not None:
            cv2.fillPoly(self.depth, [at], depth, cv2.LINE_8, _SHIFT)
        if area is not None:
            cv2.fillPoly(self.segment, [at], AREAS.index(area), cv2.LINE_8, _SHIFT)

    def ellipse(
        self,
        x: float | int,
        y: float | int,
        rx: float | int,
        ry: float | int,
        colour: Colour,
        depth: float | int | None = None,
        area: str | None = None,
    ) -> None:
        """A filled ellipse with smooth edges."""
        centre, axes = (
            (round(x * 2**_SHIFT), round(y * 2**_SHIFT)),
            (max(1, round(rx * 2**_SHIFT)), max(1, round(ry * 2**_SHIFT))),
        )
        cv2.ellipse(self.rgb, centre, axes, 0, 0, 360, _bgr(colour), -1, cv2.LINE_AA, _SHIFT)
        if depth is not None:
            cv2.ellipse(self.depth, centre, axes, 0, 0, 360, depth, -1, cv2.LINE_8, _SHIFT)
        if area is not None:
            cv2.ellipse(self.segment, centre, axes, 0, 0, 360, AREAS.index(area), -1, cv2.LINE_8, _SHIFT)

    def line(self, a: Sequence[float | int], b: Sequence[float | int], colour: Colour, width: int = 1) -> None:
        """A line with smooth edges."""
        (x0, y0), (x1, y1) = a, b
        start, end = (round(x0 * 2**_SHIFT), round(y0 * 2**_SHIFT)), (round(x1 * 2**_SHIFT), round(y1 * 2**_SHIFT))
        cv2.line(self.rgb, start, end, _bgr(colour), width, cv2.LINE_AA, _SHIFT)


def _bgr(colour: Colour) -> tuple[float, ...]:
    return tuple(float(min(max(v, 0), 255)) for v in colour)


def wave(r: np.random.Generator, base: float | int, height: float | int, rough: int, slow: float = 1.0) -> np.ndarray:
    """A rolling line (256,) around `base`: a sum of `rough` sines, each weaker than the one before."""
    x, y = np.arange(SIZE), np.full(SIZE, float(base))
    for k in range(1, rough + 1):
        y += height / k * np.sin(x * k * slow * 2 * np.pi / SIZE * r.uniform(0.6, 1.4) + r.uniform(0, 2 * np.pi))
    return y


def bump(x: float | int, y: float | int, r: float | int) -> np.ndarray:
    """A soft round light (256, 256) in [0, 1]."""
    return np.exp(-((XX - x) ** 2 + (YY - y) ** 2) / (2 * r * r))
