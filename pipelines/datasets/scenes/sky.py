"""Sky, light and weather, drawn: what hangs over a scene and falls in it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.datasets.scenes.canvas import AREAS, SIZE, XX, YY, Canvas, Colour, bump

TIMES = ["dawn", "day", "sunset", "night"]
LANDS = ["hills", "mountains", "sea", "lake", "desert", "snow", "city", "meadow", "forest", "farm"]
WEATHERS = ["clear", "rain", "snow", "fog"]
SEASONS = ["spring", "summer", "autumn", "winter"]
SEASONAL = {"hills", "mountains", "lake", "meadow", "forest", "farm"}  # where a season changes what grows

SKIES = {
    "dawn": [
        ((128, 150, 210), (244, 190, 190), (255, 226, 186)),
        ((150, 170, 220), (250, 205, 180), (255, 236, 200)),
    ],
    "day": [((58, 144, 232), (140, 200, 250), (220, 241, 255)), ((80, 170, 240), (160, 212, 250), (232, 246, 255))],
    "sunset": [((64, 44, 118), (216, 84, 104), (255, 176, 92)), ((92, 56, 132), (238, 110, 84), (255, 200, 110))],
    "night": [((8, 12, 42), (20, 30, 82), (54, 66, 130)), ((10, 10, 34), (30, 26, 78), (74, 62, 126))],
}
TINT = {"dawn": (1.02, 0.93, 0.9), "day": (1, 1, 1), "sunset": (1.0, 0.8, 0.72), "night": (0.42, 0.48, 0.72)}


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
    drift: float = 0.0,
) -> Look:
    """Sky, sun or moon, stars, rainbow and clouds, these `drift` pixels further to the right."""
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
        _cloud(c, r, look, stops, drift)
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


def _cloud(c: Canvas, r: np.random.Generator, look: Look, stops: list[np.ndarray], drift: float) -> None:
    """A heap of discs with a flat foot, lit from above."""
    x, y, s = r.uniform(0, SIZE) + drift, r.uniform(16, look.horizon * 0.62), r.uniform(0.6, 1.25)
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


def weather(c: Canvas, r: np.random.Generator, k: Look, frame: int = 0) -> None:
    """What falls, or hangs, in front of everything: in a clip, at a frame; it is the same again after 16."""
    if k.weather == "fog":
        pale = np.array((222, 228, 232), np.float32) * (np.array(TINT[k.time]) * 0.9 + 0.1)
        drift = 0.08 * np.sin(YY / 17 + 2.2 * np.sin(XX / 60 + r.uniform(0, 6)))
        c.blend(np.clip(0.1 + 0.6 * c.depth**0.8 + drift, 0, 0.78).astype(np.float32), pale)
    elif k.weather == "rain":
        layer = np.zeros((SIZE, SIZE), np.uint8)
        for _ in range(64):
            x, y, s = r.uniform(-10, SIZE + 30), r.uniform(-20, SIZE), r.uniform(13, 22)
            y = (y + 20 + frame * (SIZE + 20) / 4) % (SIZE + 20) - 20 if frame else y
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
            y = (y + frame * SIZE / 16) % SIZE
            cv2.circle(layer, (round(16 * x), round(16 * y)), round(16 * radius), 255, -1, cv2.LINE_AA, 4)
        c.blend(layer.astype(np.float32) / 255 * 0.92, (252, 253, 255) if k.time != "night" else (208, 216, 240))
