"""Sprites in a picture: with the light that falls on them, what they stand on, and how much of each is seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from pipelines.datasets.scenes import land, sprites
from pipelines.datasets.scenes.canvas import AREAS, SIZE, XX, YY, Canvas
from pipelines.datasets.scenes.kinds import KINDS

INDEX = {kind.name: i for i, kind in enumerate(KINDS)}
# on things; at night they are lit more than the land is (sky.TINT), or they would vanish in it
LIGHT = {"dawn": (1.0, 0.93, 0.9), "day": (1, 1, 1), "sunset": (0.98, 0.83, 0.78), "night": (0.84, 0.86, 1.0)}
LIT = {
    "car", "jeep", "taxi", "police car", "ambulance", "fire truck", "bus", "van", "pickup truck", "truck", "train",
    "tram", "house", "castle", "church",
    "school", "hospital", "factory", "skyscraper", "airplane", "helicopter", "ship", "cruise ship", "rocket", "UFO",
    "lantern",
}  # fmt: skip

Facts = dict[str, Any]


class Standing(NamedTuple):
    """A sprite (h, w, 4), the middle and the foot of where it stands, its height and width in pixels, its depth, and
    what is under it: a shadow, water, the sky or nothing."""

    image: np.ndarray
    x: float
    y: float
    h: float
    w: float
    depth: float
    how: str | None


def place(
    c: Canvas, things: Sequence[Standing], owners: Sequence[int], facts: Facts, k: land.Look | None
) -> list[Facts]:
    """Lay sprites over the canvas, the farthest first,
    with what they stand on; say how much of each is seen in the end."""
    stamp = np.full((SIZE, SIZE), -1, np.int16)
    light, shadow = LIGHT[k.time] if k else (1, 1, 1), 0.3 if k and k.time != "night" else 0.22
    areas = []
    for i, (image, x, y, h, w, depth, how) in enumerate(things):
        lit = np.array(light, np.float32)
        s = cv2.resize(
            image,
            (max(2, round(w)), max(2, round(h))),
            interpolation=cv2.INTER_AREA if h < image.shape[0] else cv2.INTER_CUBIC,
        )
        rgb, alpha = s[..., :3].astype(np.float32) * lit, s[..., 3].astype(np.float32) / 255
        if k is not None and k.time == "night":
            on = sprites.glow(s)[..., None] if facts["groups"][owners[i]]["kind"] in LIT else 0.0
            rgb = rgb * (1 - on) + np.array((255, 214, 112), np.float32) * on
        if k is not None:
            rgb = rgb * (1 - 0.3 * depth) + k.haze * 0.3 * depth if how != "sky" else rgb
        if how == "shadow":
            lean = (
                0.0 if k is None or k.time == "night" else float(np.clip((x - k.sun[0]) / SIZE, -0.5, 0.5)) * 0.5 * w
            )
            spread = np.exp(
                -1.6 * (((XX - x - lean) / (0.52 * w)) ** 2 + ((YY - y + 0.01 * h) / (0.02 * h + 0.055 * w)) ** 2)
            )
            c.blend(shadow * 1.4 * spread, np.array((24, 28, 48), np.float32))
        elif how == "water":
            _stamp(
                c, rgb[::-1], alpha[::-1] * np.linspace(0.42, 0.0, len(alpha))[:, None] ** 1.2, x, y + len(alpha) - 1
            )
        x0, y0 = _stamp(c, rgb, alpha, x, y)
        part = (
            slice(max(y0, 0), max(min(y0 + len(alpha), SIZE), 0)),
            slice(max(x0, 0), max(min(x0 + alpha.shape[1], SIZE), 0)),
        )
        solid = alpha[part[0].start - y0 : part[0].stop - y0, part[1].start - x0 : part[1].stop - x0] > 0.5
        stamp[part][solid] = i
        c.depth[part][solid] = depth
        c.segment[part][solid] = len(AREAS) + INDEX[facts["groups"][owners[i]]["kind"]]
        areas.append((max(int((alpha > 0.5).sum()), 1), [x0, y0, x0 + alpha.shape[1], y0 + len(alpha)]))
    return [
        {
            "group": owners[i],
            "box": [int(np.clip(v, 0, SIZE)) for v in box],
            "depth": round(float(things[i].depth), 3),
            "seen": round(float((stamp == i).sum() / area), 3),
        }
        for i, (area, box) in enumerate(areas)
    ]


def _stamp(c: Canvas, rgb: np.ndarray, alpha: np.ndarray, x: float | int, y: float | int) -> tuple[int, int]:
    """Blend a sprite whose foot is at (x, y); its upper left corner."""
    h, w = alpha.shape
    x0, y0 = round(x - w / 2), round(y) - h
    xa, ya, xb, yb = max(x0, 0), max(y0, 0), min(x0 + w, SIZE), min(y0 + h, SIZE)
    if xb > xa and yb > ya:
        a = alpha[ya - y0 : yb - y0, xa - x0 : xb - x0, None]
        c.rgb[ya:yb, xa:xb] = (
            c.rgb[ya:yb, xa:xb] * (1 - a) + rgb[ya - y0 : yb - y0, xa - x0 : xb - x0].clip(0, 255) * a + 0.5
        ).astype(np.uint8)
    return x0, y0
