"""Ten lands, drawn: what a scene's things stand in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pipelines.datasets.scenes.canvas import AREAS, SIZE, XX, YY, Canvas, Colour, wave
from pipelines.datasets.scenes.sky import LANDS, SEASONAL, SEASONS, TIMES, WEATHERS, Look, sky, weather

__all__ = ["DRAW", "LANDS", "SEASONAL", "SEASONS", "TIMES", "WEATHERS", "Look", "sky", "weather"]
GRASS = {"spring": (142, 202, 92), "summer": (112, 178, 78), "autumn": (196, 164, 82), "winter": (236, 242, 250)}
LEAVES = {
    "spring": [(120, 184, 92), (246, 172, 196), (250, 196, 212), (140, 196, 100)],
    "summer": [(58, 132, 74), (74, 148, 78), (46, 116, 70)],
    "autumn": [(222, 116, 44), (232, 166, 52), (190, 70, 44), (206, 140, 50)],
    "winter": [(214, 226, 236), (200, 214, 228)],
}


def conifer(
    c: Canvas, x: float | int, y: float | int, h: float | int, colour: np.ndarray, snowy: bool, depth: float | int
) -> None:
    """A fir of three tiers, its right side in shade."""
    trunk = colour * 0.45
    c.polygon(
        [(x - h * 0.05, y), (x + h * 0.05, y), (x + h * 0.05, y - h * 0.2), (x - h * 0.05, y - h * 0.2)],
        trunk,
        depth,
        "trees",
    )
    for k, (low, high, half) in enumerate(((0.12, 0.55, 0.3), (0.36, 0.78, 0.24), (0.6, 1.0, 0.17))):
        a, b, w = y - h * low, y - h * high, h * half
        c.polygon([(x - w, a), (x + w, a), (x, b)], colour * (0.9 + 0.07 * k), depth, "trees")
        c.polygon([(x, a), (x + w, a), (x, b)], colour * (0.74 + 0.07 * k))
        if snowy:
            c.polygon(
                [(x - w * 0.5, (a + b) / 2), (x + w * 0.5, (a + b) / 2), (x, b)],
                np.minimum(colour * 0.3 + 170 * colour.max() / 150, 250),
            )


def leafy(
    c: Canvas,
    x: float | int,
    y: float | int,
    h: float | int,
    colour: np.ndarray,
    bark: np.ndarray,
    depth: float | int,
) -> None:
    """A round tree, lit from the left."""
    c.polygon(
        [(x - h * 0.06, y), (x + h * 0.06, y), (x + h * 0.03, y - h * 0.45), (x - h * 0.03, y - h * 0.45)],
        bark,
        depth,
        "trees",
    )
    c.ellipse(x, y - h * 0.66, h * 0.3, h * 0.34, colour * 0.82, depth, "trees")
    c.ellipse(x - h * 0.05, y - h * 0.7, h * 0.24, h * 0.27, colour)
    c.ellipse(x - h * 0.1, y - h * 0.77, h * 0.11, h * 0.12, np.minimum(colour * 1.13, 255))


def _trees(
    c: Canvas,
    r: np.random.Generator,
    k: Look,
    curve: np.ndarray,
    n: int,
    h: Sequence[float | int],
    far: float | int,
    firs: float | int,
) -> None:
    """A row of trees on a curve, from left to right."""
    for x in np.sort(r.uniform(-6, SIZE + 6, n)):
        y, size = float(curve[int(np.clip(x, 0, 255))]) + 2, r.uniform(*h)
        if r.random() < firs or k.season == "winter":
            conifer(
                c, x, y, size, k.lit((48, 104, 78), far), k.season == "winter" or k.land == "snow", 0.2 + 0.6 * far
            )
        else:
            colours = LEAVES[k.season]
            leafy(
                c,
                x,
                y,
                size,
                k.lit(colours[r.integers(len(colours))], far),
                k.lit((112, 80, 60), far),
                0.2 + 0.6 * far,
            )


def _peaks(
    c: Canvas,
    r: np.random.Generator,
    k: Look,
    base: float | int,
    n: int,
    height: Sequence[float | int],
    far: float | int,
    snow: float | int,
) -> None:
    """Mountains: each a lit and a shaded side, some with snow on top."""
    lit, shade = k.lit((142, 146, 168), far), k.lit((100, 106, 138), far)
    white, grey = k.lit((250, 252, 255), far * 0.6), k.lit((206, 216, 234), far * 0.6)
    spots = (np.arange(n) + r.uniform(-0.25, 0.25, n) + 0.5) * SIZE / n
    for x in spots[np.argsort(r.random(n))]:
        h = r.uniform(*height)
        w = h * r.uniform(0.85, 1.15)
        top = base - h
        foot = x + w * 0.12
        c.polygon([(x - w, base), (x, top), (foot, base)], lit, 0.45 + 0.5 * far, "mountains")
        c.polygon([(foot - 1, base), (x, top), (x + w, base)], shade, 0.45 + 0.5 * far, "mountains")
        if h > snow:
            cut = 0.34
            left, right, mid = x - w * cut, x + w * cut, x + w * 0.12 * cut
            y = top + h * cut
            c.polygon(
                [
                    (x, top),
                    (left, y),
                    (left + w * 0.1, y - h * 0.05),
                    (left + w * 0.2, y + h * 0.06),
                    (mid, y - h * 0.04),
                ],
                white,
            )
            c.polygon(
                [
                    (x, top),
                    (mid, y - h * 0.04),
                    (mid + w * 0.1, y + h * 0.05),
                    (right - w * 0.1, y - h * 0.06),
                    (right, y),
                ],
                grey,
            )


def _ground(c: Canvas, k: Look, curve: np.ndarray, colour: Colour, far: float | int, area: str) -> None:
    """A slope that is brightest at its edge."""
    c.below(
        curve,
        np.minimum(k.lit(colour, far) * 1.06, 255),
        k.lit(colour, max(far - 0.35, 0)) * 0.86,
        (0.2 + 0.6 * far, 0.02),
        area,
    )


def _grass(k: Look) -> tuple[Colour, str]:
    return GRASS[k.season], "snow" if k.season == "winter" else "grass"


def _tufts(c: Canvas, r: np.random.Generator, k: Look, top: float | int, n: int, colour: Colour) -> None:
    for _ in range(n):
        y = top + (SIZE - top) * r.random() ** 0.8
        x, s = r.uniform(0, SIZE), 2.5 + 6 * (y - top) / (SIZE - top)
        blade = k.lit(colour)
        for dx in (-0.5, 0, 0.5):
            c.polygon([(x + dx * s - 0.6, y), (x + dx * s + 0.6, y), (x + dx * s * 1.9, y - s)], blade)


def _flowers(c: Canvas, r: np.random.Generator, k: Look, top: float | int, n: int) -> None:
    petals = [(255, 255, 255), (250, 214, 80), (240, 110, 140), (178, 120, 226), (236, 84, 74)]
    for y in np.sort(top + (SIZE - top) * r.random(n)):
        s = 1.6 + 2.6 * (y - top) / (SIZE - top)
        c.ellipse(r.uniform(0, SIZE), y, s, s * 0.85, k.lit(petals[r.integers(5)]))


def hills(c: Canvas, r: np.random.Generator, k: Look) -> None:
    colour, area = _grass(k)
    h = k.horizon
    _ground(c, k, wave(r, h - 14, 15, 3), tuple(v * 0.92 for v in colour), 0.8, "hills")
    middle = wave(r, h + 10, 12, 3)
    _ground(c, k, middle, colour, 0.42, "hills")
    _trees(c, r, k, middle, int(r.integers(3, 8)), (16, 26), 0.42, 0.4)
    _ground(c, k, wave(r, h + 44, 9, 3), tuple(v * 0.96 for v in colour), 0.06, area)
    if k.season != "winter":
        _tufts(c, r, k, h + 60, 9, tuple(v * 0.78 for v in colour))


def mountains(c: Canvas, r: np.random.Generator, k: Look) -> None:
    colour, area = _grass(k)
    h = k.horizon
    _peaks(c, r, k, h + 16, 5, (40, 76), 0.75, 60)
    _peaks(c, r, k, h + 24, 3, (70, 112), 0.3, 0 if k.season == "winter" else 72)
    slope = wave(r, h + 18, 8, 3)
    _ground(c, k, slope, tuple(v * 0.9 for v in colour), 0.3, area)
    _trees(c, r, k, slope, int(r.integers(6, 14)), (15, 26), 0.3, 0.9)
    _ground(c, k, wave(r, h + 46, 7, 3), colour, 0.05, area)


def _water(
    c: Canvas,
    r: np.random.Generator,
    k: Look,
    top: float | int,
    bottom: float | int,
    deep: Colour,
    pale: Colour,
) -> None:
    """Water between two heights, with the light of sun or moon on it and a few crests."""
    flat = np.full(SIZE, top)
    c.below(flat, k.lit(pale, 0.55), k.lit(deep), (0.85, 0.12), "water", bottom - top)
    x = k.sun[0]
    if k.weather in ("clear", "snow") and k.time != "day":
        light = {"dawn": (255, 226, 180), "sunset": (255, 190, 110), "night": (226, 228, 240)}[k.time]
        for row in np.arange(top + 3, bottom, 6.5):
            half = (5 + 16 * (row - top) / max(bottom - top, 1)) * r.uniform(0.7, 1.2)
            shift = r.uniform(-4, 4)
            c.ellipse(x + shift, row, half, 1.5, light)
    for _ in range(int(r.integers(10, 18))):
        row = top + 6 + (bottom - top - 8) * r.random()
        near = (row - top) / max(bottom - top, 1)
        half = 5 + 15 * near * r.uniform(0.6, 1.2)
        c.ellipse(r.uniform(0, SIZE), row, half, 0.8 + 0.7 * near, np.minimum(k.lit(pale) * 1.08, 255))


def sea(c: Canvas, r: np.random.Generator, k: Look) -> None:
    h = k.horizon
    _water(c, r, k, h, k.shore + 14, (34, 104, 176), (110, 186, 226))
    shore = wave(r, k.shore, 4, 3)
    c.below(shore - 4, k.lit((238, 248, 252)), k.lit((238, 248, 252)), (0.14, 0.14), "water", 10)
    c.below(shore, k.lit((222, 196, 144)), k.lit((244, 220, 166)), (0.12, 0.02), "sand", 26)


def lake(c: Canvas, r: np.random.Generator, k: Look) -> None:
    colour, area = _grass(k)
    h = k.horizon
    if r.random() < 0.6:
        _peaks(c, r, k, h + 6, 4, (34, 80), 0.6, 56)
    else:
        _ground(c, k, wave(r, h - 16, 16, 3), tuple(v * 0.9 for v in colour), 0.7, "hills")
    far = wave(r, h - 2, 4, 3)
    _ground(c, k, far, tuple(v * 0.86 for v in colour), 0.5, area)
    _trees(c, r, k, far + 2, int(r.integers(8, 16)), (14, 26), 0.5, 0.55)
    top = round(h + 8)
    mirror = c.rgb[max(0, 2 * top - SIZE) : top][::-1].astype(np.float32)
    blue = k.lit((70, 140, 190))
    down = np.linspace(0.35, 0.82, len(mirror))[:, None, None]
    c.rgb[top : top + len(mirror)] = (mirror * (1 - down) + blue * down).astype(np.uint8)
    c.mark(top <= YY, 0.72 - 0.6 * np.clip((YY - top) / (SIZE - top), 0, 1), AREAS.index("water"))
    for _ in range(int(r.integers(8, 14))):
        row = r.uniform(top + 5, k.shore)
        c.ellipse(r.uniform(0, SIZE), row, r.uniform(8, 24), 0.8, np.minimum(k.lit((150, 200, 226)), 255))
    _ground(c, k, wave(r, k.shore + 4, 5, 3), colour, 0.04, area)


def desert(c: Canvas, r: np.random.Generator, k: Look) -> None:
    h = k.horizon
    if r.random() < 0.45:
        for x in r.uniform(0, SIZE, int(r.integers(1, 4))):
            w, t = r.uniform(18, 34), r.uniform(16, 34)
            c.polygon(
                [(x - w, h + 10), (x - w * 0.7, h - t), (x + w * 0.7, h - t), (x + w, h + 10)],
                k.lit((196, 116, 84), 0.5),
                0.8,
                "mountains",
            )
            c.polygon(
                [(x + w * 0.2, h + 10), (x + w * 0.3, h - t), (x + w * 0.7, h - t), (x + w, h + 10)],
                k.lit((164, 92, 74), 0.5),
            )
    _ground(c, k, wave(r, h - 4, 12, 2), (232, 190, 122), 0.75, "sand")
    for base, far in ((h + 22, 0.3), (h + 58, 0.02)):
        x0, rise = r.uniform(60, 200), r.uniform(14, 24)
        x = np.arange(SIZE)
        crest = base - rise * np.exp(-np.abs(x - x0) / 70) + 3 * np.sin(x / 34 + r.uniform(0, 6))
        _ground(c, k, crest, (240, 200, 130), far, "sand")
        side = (
            np.clip((YY - crest) + 0.5, 0, 1)
            * np.clip((XX - x0 - (YY - crest) * 1.1) / 3, 0, 1)
            * np.clip(1 - (YY - crest) / 60, 0, 1)
        )
        c.blend(0.26 * side, k.lit((170, 116, 76)))


def snow(c: Canvas, r: np.random.Generator, k: Look) -> None:
    h = k.horizon
    if r.random() < 0.5:
        _peaks(c, r, k, h + 10, 4, (34, 84), 0.6, 30)
    _ground(c, k, wave(r, h - 4, 14, 3), (222, 232, 246), 0.55, "snow")
    middle = wave(r, h + 20, 9, 3)
    _ground(c, k, middle, (234, 241, 251), 0.3, "snow")
    _trees(c, r, k, middle, int(r.integers(3, 9)), (18, 32), 0.25, 1.0)
    _ground(c, k, wave(r, h + 50, 7, 3), (246, 250, 255), 0.03, "snow")


def _houses(
    c: Canvas,
    r: np.random.Generator,
    k: Look,
    height: Sequence[float | int],
    far: float | int,
    width: Sequence[float | int],
    base: float | int,
) -> None:
    walls = [(140, 152, 178), (176, 156, 142), (118, 130, 156), (196, 182, 166), (160, 120, 112), (96, 118, 140)]
    x = r.uniform(-12, 0)
    while x < SIZE:
        w, h = r.uniform(*width), r.uniform(*height)
        top, wall = base - h, k.lit(walls[r.integers(len(walls))], far)
        c.polygon([(x, base), (x, top), (x + w, top), (x + w, base)], wall, 0.4 + 0.5 * far, "city")
        c.polygon([(x + w * 0.78, base), (x + w * 0.78, top), (x + w, top), (x + w, base)], wall * 0.86)
        if far < 0.6:
            for wy in np.arange(top + 6, base - 8, 11):
                for wx in np.arange(x + 4, x + w * 0.78 - 5, 9):
                    on = k.time in ("night", "sunset") and r.random() < (0.62 if k.time == "night" else 0.3)
                    glass = (255, 222, 128) if on else k.lit((196, 218, 236), far)
                    c.polygon([(wx, wy), (wx + 4.6, wy), (wx + 4.6, wy + 6), (wx, wy + 6)], glass)
        x += w + (0 if r.random() < 0.7 else r.uniform(2, 8))


def city(c: Canvas, r: np.random.Generator, k: Look) -> None:
    h = k.horizon + 20
    _houses(c, r, k, (50, 108), 0.75, (18, 32), h)
    _houses(c, r, k, (34, 84), 0.2, (26, 44), h)
    flat = np.full(SIZE, h)
    pave = (226, 230, 238) if k.season == "winter" else (176, 178, 184)
    c.below(flat, k.lit(pave), k.lit(pave), (0.4, 0.02), "road", 60)
    road = h + 30
    c.below(np.full(SIZE, road - 4), k.lit((140, 142, 150)), k.lit((140, 142, 150)), (0.3, 0.3), "road", 10)
    c.below(np.full(SIZE, road), k.lit((86, 90, 100)), k.lit((74, 77, 88)), (0.28, 0.02), "road", 60)
    shift = r.uniform(0, 60)
    middle = (road + SIZE) / 2
    for x in np.arange(-60 + shift, SIZE + 40, 60):
        c.polygon(
            [(x, middle + 2.5), (x + 34, middle + 2.5), (x + 35, middle - 2.5), (x + 3, middle - 2.5)],
            k.lit((236, 232, 214)),
        )


def meadow(c: Canvas, r: np.random.Generator, k: Look) -> None:
    colour, area = _grass(k)
    h = k.horizon
    far = wave(r, h + 2, 6, 3)
    _ground(c, k, far, tuple(v * 0.92 for v in colour), 0.6, area)
    _trees(c, r, k, far, int(r.integers(3, 9)), (14, 24), 0.6, 0.15)
    _ground(c, k, wave(r, h + 30, 6, 2), colour, 0.1, area)
    if k.season == "winter":
        return
    _tufts(c, r, k, h + 44, 16, tuple(v * 0.78 for v in colour))
    _flowers(c, r, k, h + 30, 46 if k.season != "autumn" else 10)


def forest(c: Canvas, r: np.random.Generator, k: Look) -> None:
    colour, area = _grass(k)
    h = k.horizon
    back = np.full(SIZE, h + 18.0)
    _ground(c, k, wave(r, h - 6, 5, 3), (70, 118, 84) if k.season != "winter" else (190, 206, 220), 0.65, "trees")
    _trees(c, r, k, back - 6, 17, (44, 68), 0.55, 0.5)
    _ground(c, k, wave(r, h + 14, 4, 3), tuple(v * 0.74 for v in colour), 0.4, area)
    _trees(c, r, k, back + 4, 9, (70, 104), 0.22, 0.5)
    _ground(c, k, wave(r, h + 30, 5, 3), tuple(v * 0.86 for v in colour), 0.05, area)
    if k.season != "winter":
        _tufts(c, r, k, h + 50, 12, tuple(v * 0.62 for v in colour))


def farm(c: Canvas, r: np.random.Generator, k: Look) -> None:
    colour, area = _grass(k)
    h = k.horizon
    _ground(c, k, wave(r, h - 4, 8, 3), tuple(v * 0.9 for v in colour), 0.7, "hills")
    x, base, w = r.uniform(20, 176), h + 16, 52
    wall, roof, white = (
        k.lit((196, 62, 54), 0.12),
        k.lit((120, 72, 66) if k.season != "winter" else (240, 246, 252), 0.12),
        k.lit((246, 240, 232), 0.1),
    )
    _ground(c, k, wave(r, h + 12, 3, 2), colour, 0.4, area)
    c.polygon(
        [(x, base), (x, base - 24), (x + w / 2, base - 40), (x + w, base - 24), (x + w, base)], wall, 0.5, "city"
    )
    c.polygon(
        [
            (x - 4, base - 22),
            (x + w / 2, base - 43),
            (x + w + 4, base - 22),
            (x + w + 4, base - 27),
            (x + w / 2, base - 48),
            (x - 4, base - 27),
        ],
        roof,
    )
    lamp = (255, 222, 128) if k.time == "night" else white
    c.polygon([(x + 18, base), (x + 18, base - 17), (x + 34, base - 17), (x + 34, base)], white)
    c.polygon([(x + 20, base), (x + 20, base - 15), (x + 32, base - 15), (x + 32, base)], wall * 0.8)
    c.polygon([(x + 22, base - 24), (x + 22, base - 32), (x + 30, base - 32), (x + 30, base - 24)], lamp)
    crop = {"spring": (150, 190, 90), "summer": (232, 200, 96), "autumn": (190, 144, 84), "winter": (226, 234, 246)}[
        k.season
    ]
    top = h + 34
    c.below(np.full(SIZE, top), k.lit(crop, 0.2), k.lit(crop), (0.3, 0.02), "field", 60)
    vanish = r.uniform(60, 200)
    for j in np.arange(-14, 15):
        a, b = vanish + j * 14, vanish + j * 52
        c.polygon([(a, top), (a + 4, top), (b + 20, SIZE), (b, SIZE)], k.lit(tuple(v * 0.86 for v in crop)))
    for x in np.arange(-8, SIZE + 10, 26):  # a fence
        c.polygon(
            [(x, top + 4), (x, top - 11), (x + 3, top - 13), (x + 6, top - 11), (x + 6, top + 4)],
            k.lit((240, 234, 224)),
        )
    for y in (top - 8, top - 2):
        c.polygon([(0, y), (SIZE, y), (SIZE, y + 2.6), (0, y + 2.6)], k.lit((226, 218, 206)))


DRAW: dict[str, Callable[[Canvas, np.random.Generator, Look], None]] = {
    "hills": hills, "mountains": mountains, "sea": sea, "lake": lake, "desert": desert, "snow": snow, "city": city,
    "meadow": meadow,
    "forest": forest, "farm": farm,
}  # fmt: skip
