"""Sky, land, light and weather, drawn: what a scene's things stand in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.datasets.scenes.canvas import AREAS, SIZE, XX, YY, Canvas, Colour, bump, wave

TIMES = ["dawn", "day", "sunset", "night"]
LANDS = ["hills", "mountains", "sea", "lake", "desert", "snow", "city", "meadow", "forest", "farm"]
WEATHERS = ["clear", "rain", "snow", "fog"]
SEASONS = ["spring", "summer", "autumn", "winter"]
SEASONAL = {"hills", "mountains", "lake", "meadow", "forest", "farm"}  # where a season changes what grows

SKIES = {
    "dawn": [((128, 150, 210), (244, 190, 190), (255, 226, 186)), ((150, 170, 220), (250, 205, 180), (255, 236, 200))],
    "day": [((58, 144, 232), (140, 200, 250), (220, 241, 255)), ((80, 170, 240), (160, 212, 250), (232, 246, 255))],
    "sunset": [((64, 44, 118), (216, 84, 104), (255, 176, 92)), ((92, 56, 132), (238, 110, 84), (255, 200, 110))],
    "night": [((8, 12, 42), (20, 30, 82), (54, 66, 130)), ((10, 10, 34), (30, 26, 78), (74, 62, 126))],
}
TINT = {"dawn": (1.02, 0.93, 0.9), "day": (1, 1, 1), "sunset": (1.0, 0.8, 0.72), "night": (0.42, 0.48, 0.72)}
GRASS = {"spring": (142, 202, 92), "summer": (112, 178, 78), "autumn": (196, 164, 82), "winter": (236, 242, 250)}
LEAVES = {
    "spring": [(120, 184, 92), (246, 172, 196), (250, 196, 212), (140, 196, 100)],
    "summer": [(58, 132, 74), (74, 148, 78), (46, 116, 70)],
    "autumn": [(222, 116, 44), (232, 166, 52), (190, 70, 44), (206, 140, 50)],
    "winter": [(214, 226, 236), (200, 214, 228)],
}


@dataclass
class Look:
    """What a scene looks like all over."""

    time: str
    land: str
    weather: str
    season: str
    horizon: float  # y of the horizon, in pixels
    shore: float  # y where the near bank begins, of sea and lake
    sun: tuple[float, float, float]  # x, y, radius of sun or moon
    haze: np.ndarray  # the colour of the distance

    def lit(self, colour: Colour, far: float | int = 0.0) -> np.ndarray:
        """A colour under this light, `far` in [0, 1] away."""
        base = np.asarray(colour, np.float32) * np.asarray(TINT[self.time], np.float32)
        if self.weather == "rain":
            base = base * 0.86 + base.mean() * 0.08
        return (base * (1 - 0.62 * far) + self.haze * 0.62 * far).clip(0, 255)


def sky(
    c: Canvas,
    r: np.random.Generator,
    time: str,
    weather: str,
    clouds: int,
    rainbow: bool,
    crescent: bool,
    land: str,
    season: str,
) -> Look:
    """Sky, sun or moon, stars, rainbow and clouds."""
    stops = [np.array(s, np.float32) for s in SKIES[time][r.integers(2)]]
    if weather in ("rain", "fog") or (weather == "snow" and time == "day"):
        grey = {"rain": (120, 130, 148), "fog": (205, 212, 218), "snow": (196, 208, 224)}[weather]
        dull = np.array(grey, np.float32) * (np.array(TINT[time]) if time != "day" else 1)
        stops = [s * 0.42 + dull * 0.58 for s in stops]
    horizon = float(r.uniform(118, 148))
    c.gradient([(0, stops[0]), (0.62 * horizon / SIZE, stops[1]), (1.05 * horizon / SIZE, stops[2]), (1, stops[2])])
    c.mark(np.ones((SIZE, SIZE), bool), 1.0, AREAS.index("sky"))
    low = time in ("dawn", "sunset")
    x, y = float(r.uniform(36, 220)), float(horizon - r.uniform(4, 26)) if low else float(r.uniform(26, 58))
    look = Look(
        time, land, weather, season, horizon, float(r.uniform(206, 220)), (x, y, 24.0 if low else 17.0), stops[2]
    )
    if time == "night" and weather in ("clear", "snow"):
        for _ in range(int(r.integers(28, 46))):
            c.ellipse(
                r.uniform(0, SIZE),
                r.uniform(0, horizon),
                *[r.choice([0.7, 1.0, 1.5], p=[0.5, 0.35, 0.15])] * 2,
                (246, 244, 222),
            )
    if weather in ("clear", "snow") or (weather == "fog" and low):
        _sun(c, look, crescent)
    if rainbow:
        away = np.hypot(XX - 128, YY - (horizon + 46))
        for k, band in enumerate(
            [(238, 86, 92), (246, 156, 76), (250, 220, 92), (110, 198, 112), (88, 152, 236), (146, 104, 214)]
        ):
            inside = np.clip(3.6 - np.abs(away - (146 - 6.6 * k)), 0, 1) * 0.62
            c.blend(inside * (horizon + 10 > YY), band)
            c.mark((inside > 0.2) & (horizon + 10 > YY), None, AREAS.index("rainbow"))
    for _ in range(clouds):
        _cloud(c, r, look, stops)
    return look


def _sun(c: Canvas, look: Look, crescent: bool) -> None:
    x, y, radius = look.sun
    if look.time == "night":
        c.blend(0.32 * bump(x, y, 30), (190, 200, 235))
        c.ellipse(x, y, radius, radius, (244, 240, 216), None, "moon")
        if crescent:
            behind = c.rgb[max(0, int(y - radius - 8)), int(x)].astype(float)
            c.ellipse(x + 8, y - 4, radius * 0.86, radius * 0.86, behind)
        else:
            for dx, dy, s in ((-5, -4, 4), (5, 3, 3), (-3, 7, 2.4)):
                c.ellipse(x + dx, y + dy, s, s, (224, 220, 198))
        return
    disc = {"dawn": (255, 236, 186), "day": (255, 240, 140), "sunset": (255, 214, 110)}[look.time]
    c.blend(0.55 * bump(x, y, 44 if look.time != "day" else 30), disc)
    c.ellipse(x, y, radius, radius, disc, None, "sun")


def _cloud(c: Canvas, r: np.random.Generator, look: Look, stops: list[np.ndarray]) -> None:
    """A heap of discs with a flat foot, lit from above."""
    x, y, s = r.uniform(0, SIZE), r.uniform(16, look.horizon * 0.62), r.uniform(0.6, 1.25)
    white = {"dawn": (255, 232, 226), "day": (255, 255, 255), "sunset": (255, 176, 150), "night": (74, 84, 136)}[
        look.time
    ]
    top = np.array(white, np.float32) * (0.72 if look.weather == "rain" else 1)
    foot = top * 0.78 + stops[1] * 0.22
    heaps = [(-26, 0, 13), (-11, -8, 17), (8, -11, 19), (25, -2, 14)]
    mask = np.zeros((SIZE, SIZE), np.uint8)
    for dx, dy, radius in heaps:
        cv2.circle(
            mask,
            (round(16 * (x + dx * s)), round(16 * (y + (dy + r.uniform(-3, 3)) * s))),
            round(16 * radius * s),
            255,
            -1,
            cv2.LINE_AA,
            4,
        )
    alpha = mask.astype(np.float32) / 255 * np.clip(y + 7 * s - YY + 0.5, 0, 1)
    down = np.clip((YY - (y - 22 * s)) / (30 * s), 0, 1)[..., None]
    c.blend(alpha * 0.96, top * (1 - down) + foot * down)
    c.mark(alpha > 0.5, None, AREAS.index("cloud"))


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
    c: Canvas, x: float | int, y: float | int, h: float | int, colour: np.ndarray, bark: np.ndarray, depth: float | int
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
            conifer(c, x, y, size, k.lit((48, 104, 78), far), k.season == "winter" or k.land == "snow", 0.2 + 0.6 * far)
        else:
            colours = LEAVES[k.season]
            leafy(
                c, x, y, size, k.lit(colours[r.integers(len(colours))], far), k.lit((112, 80, 60), far), 0.2 + 0.6 * far
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
    c.polygon([(x, base), (x, base - 24), (x + w / 2, base - 40), (x + w, base - 24), (x + w, base)], wall, 0.5, "city")
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


def weather(c: Canvas, r: np.random.Generator, k: Look) -> None:
    """What falls, or hangs, in front of everything."""
    if k.weather == "fog":
        pale = np.array((222, 228, 232), np.float32) * (np.array(TINT[k.time]) * 0.9 + 0.1)
        drift = 0.08 * np.sin(YY / 17 + 2.2 * np.sin(XX / 60 + r.uniform(0, 6)))
        c.blend(np.clip(0.1 + 0.6 * c.depth**0.8 + drift, 0, 0.78).astype(np.float32), pale)
    elif k.weather == "rain":
        layer = np.zeros((SIZE, SIZE), np.uint8)
        for _ in range(64):
            x, y, s = r.uniform(-10, SIZE + 30), r.uniform(-20, SIZE), r.uniform(13, 22)
            cv2.line(
                layer,
                (round(16 * x), round(16 * y)),
                (round(16 * (x - s * 0.28)), round(16 * (y + s))),
                255,
                1 + (r.random() < 0.4),
                cv2.LINE_AA,
                4,
            )
        c.blend(layer.astype(np.float32) / 255 * 0.55, (206, 218, 238) if k.time != "night" else (140, 156, 200))
    elif k.weather == "snow":
        layer = np.zeros((SIZE, SIZE), np.uint8)
        for _ in range(84):
            x, y, radius = r.uniform(0, SIZE), r.uniform(0, SIZE), r.choice([1.3, 2.0, 3.1], p=[0.4, 0.4, 0.2])
            cv2.circle(layer, (round(16 * x), round(16 * y)), round(16 * radius), 255, -1, cv2.LINE_AA, 4)
        c.blend(layer.astype(np.float32) / 255 * 0.92, (252, 253, 255) if k.time != "night" else (208, 216, 240))
