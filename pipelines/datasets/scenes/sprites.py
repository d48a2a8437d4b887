"""Sprites: Fluent Emoji 3D (MIT), cut to what can be seen, in other colours, mirrored, and with lit windows."""

from __future__ import annotations

import functools
import json

import cv2
import numpy as np
from PIL import Image

from pipelines import datasets as data
from pipelines.datasets.scenes.kinds import PAINT, TONES, Kind

# The body whose colour is exchanged, where it is not the commonest hue: its hue in OKLab, degrees
BODY_HUE = {"house": 68, "tulip": 345, "rose": 20, "flower": 355, "mushroom": 22, "bus": 60, "truck": 80, "tram": 22,
"cupcake": 345, "lantern": 25,
            "gift": 90, "sailboat": 72, "alarm clock": 22, "butterfly": 40, "tractor": 160, "motorcycle": 22,
            "bicycle": 10, "speedboat": 40, "canoe": 45}  # fmt: skip

GREY_BODY = {"mouse"}  # where the body is grey though something else is more colourful


@functools.cache
def files() -> dict[str, str]:
    """Paths of the pictures by emojibase's label, in small letters."""
    table = json.loads((data.node_modules() / "emojibase-data" / "en" / "data.json").read_text())
    folder = data.node_modules() / "@lobehub" / "fluent-emoji-3d" / "assets"
    there = {path.stem.replace("-fe0f", ""): str(path) for path in folder.glob("*.webp")}
    found: dict[str, str] = {}
    for sign in table:
        for form in [sign, *sign.get("skins", [])]:
            key = form["hexcode"].replace("-FE0F", "").lower()
            if key in there:
                found.setdefault(form["label"].lower(), there[key])
    return found


def label(kind: Kind, gender: str, tone: str) -> str:
    """emojibase's label of a kind, of a person's gender ("man", "woman") and skin tone ("" is the yellow one)."""
    name = kind.sprite.replace("{person}", gender).lower()
    toned = f"{name}: {tone} skin tone" if tone else name
    return toned if toned in files() else name


@functools.lru_cache(2500)
def sprite(kind: Kind, colour: str = "", gender: str = "woman", tone: str = "") -> np.ndarray:
    """RGBA as uint8 (h, w, 4), cut to its alpha, in its own colours or in one of PAINT."""
    rgba = np.asarray(Image.open(files()[label(kind, gender, tone)]).convert("RGBA"))
    ys, xs = np.where(rgba[..., 3] > 12)
    rgba = rgba[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    return recolour(rgba, colour, BODY_HUE.get(kind.name), kind.name in GREY_BODY) if colour else rgba


def check() -> None:
    """Raises KeyError where a kind has no picture."""
    from pipelines.datasets.scenes.kinds import KINDS

    for kind in KINDS:
        for gender in ("man", "woman") if kind.gendered else ("",):
            for tone in ("", *TONES) if kind.colours == "tone" else ("",):
                files()[label(kind, gender, tone)]


def to_oklab(rgb: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1] to OKLab (Ottosson 2020): lightness, a, b."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lms = np.cbrt(linear @ np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451,
    0.1073969566],
                                     [0.0883024619, 0.2817188376, 0.6299787005]]).T)  # fmt: skip
    return lms @ np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
                           [0.0259040371, 0.7827717662, -0.8086757660]]).T  # fmt: skip


def to_srgb(lab: np.ndarray) -> np.ndarray:
    """The inverse, clipped to [0, 1]."""
    lms = (
        lab
        @ np.array(
            [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
        ).T
    ) ** 3
    linear = lms @ np.array([[4.0767416621, -3.3077115913, 0.2309699292], [-1.2684380046, 2.6097574011, -0.3413193965],
                             [-0.0041960863, -0.7034186147, 1.7076147010]]).T  # fmt: skip
    linear = linear.clip(0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055).clip(0, 1)


def recolour(rgba: np.ndarray, colour: str, hue: float | int | None = None, grey: bool = False) -> np.ndarray:
    """Give the body, the pixels around the commonest hue (or around `hue`; of grey sprites, the greys),
    another colour.

    Shading stays; whites, outlines and other hues are kept.
    """
    lab = to_oklab(rgba[..., :3].astype(np.float32) / 255)
    alpha = rgba[..., 3].astype(np.float32) / 255
    lightness, chroma, angle = (
        lab[..., 0],
        np.hypot(lab[..., 1], lab[..., 2]),
        np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360,
    )
    weight = alpha * chroma * (chroma > 0.04)
    if grey or (hue is None and weight.sum() < 0.035 * alpha.sum()):  # a grey thing
        body = (
            np.clip((0.97 - lightness) / 0.08, 0, 1)
            * np.clip((lightness - 0.2) / 0.1, 0, 1)
            * np.clip((0.075 - chroma) / 0.03, 0, 1)
        )
    else:
        if hue is None:
            counts = np.bincount((angle[chroma > 0.04] // 5).astype(int), weight[chroma > 0.04], 72)
            hue = 5 * int(np.argmax(sum(np.roll(counts, k) for k in range(-3, 4)))) + 2.5
        away = np.abs((angle - hue + 180) % 360 - 180)
        body = np.clip((46 - away) / 16, 0, 1) * np.clip((chroma - 0.02) / 0.03, 0, 1)
    area = body * alpha
    if area.sum() < 1:
        return rgba
    mean_l, mean_c = (float((part * area).sum() / area.sum()) for part in (lightness, chroma))
    to_l, to_c, to_h = PAINT[colour]
    shade = np.clip((lightness - mean_l) * (0.75 if 0.4 < to_l < 0.9 else 0.5), -0.35, 0.25)
    new_c = to_c * np.clip(chroma / max(mean_c, 0.03), 0.6, 1.3) if mean_c > 0.05 else np.full_like(chroma, to_c)
    new = np.stack([to_l + shade, new_c * np.cos(np.radians(to_h)), new_c * np.sin(np.radians(to_h))], -1)
    out = lab * (1 - body[..., None]) + new * body[..., None]
    return np.concatenate([(to_srgb(out) * 255).round().astype(np.uint8), rgba[..., 3:]], -1)


def glow(rgba: np.ndarray) -> np.ndarray:
    """How much each pixel is a window: the pale blues of glass, (h, w) in [0, 1]."""
    hsv = cv2.cvtColor(np.ascontiguousarray(rgba[..., :3]), cv2.COLOR_RGB2HSV).astype(np.float32)
    hue = np.clip((22 - np.abs(hsv[..., 0] - 102)) / 6, 0, 1)
    return hue * np.clip((hsv[..., 1] - 80) / 40, 0, 1) * np.clip((hsv[..., 2] - 140) / 40, 0, 1) * rgba[..., 3] / 255


def without_water(rgba: np.ndarray) -> np.ndarray:
    """A boat without the strip of blue that its sprite swims in."""
    hsv = cv2.cvtColor(np.ascontiguousarray(rgba[..., :3]), cv2.COLOR_RGB2HSV)
    low = np.arange(len(rgba))[:, None] > 0.6 * len(rgba)
    wet = low & (np.abs(hsv[..., 0].astype(int) - 106) < 9) & (hsv[..., 1] > 110) & (hsv[..., 2] > 150)
    dry = np.where(cv2.dilate(wet.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, 0, rgba[..., 3])
    rows = np.where((dry > 60).sum(1) > 3)[0]
    return np.ascontiguousarray(np.concatenate([rgba[..., :3], dry[..., None]], -1)[: rows.max() + 1])
