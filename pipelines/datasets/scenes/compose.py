"""Scenes composed without end: `draw_facts` says what a picture shows,
`render` shows it. Both depend on the number alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pipelines.datasets.scenes import land, sprites
from pipelines.datasets.scenes.canvas import SIZE, XX, YY, Canvas
from pipelines.datasets.scenes.kinds import (
    BY_NAME,
    COLOURS,
    EVERYDAY,
    HELD_OUT_COLOUR,
    HELD_OUT_LAND,
    KINDS,
    SWIMMERS,
    TONES,
    Kind,
)
from pipelines.datasets.scenes.place import Standing, place

# The autoencoder's encoder is a convolution of stride 16: a sprite of one size has the same latents wherever it stands
# on this grid. The generator then has one drawing of it to learn, and not as many as there are offsets and sizes.
CELL = 16
LENGTHS = np.array([80, 112, 160])  # of a thing's longer side, beside what fills a plain picture
GROUNDS = {
    "white": (255, 255, 255), "grey": (206, 209, 214), "black": (30, 30, 38), "red": (224, 96, 92), "orange": (255,
    202, 144), "yellow": (255, 234, 160),
    "green": (186, 226, 184), "teal": (146, 212, 206), "blue": (172, 212, 250), "purple": (208, 196, 245),
    "pink": (255, 208, 218), "brown": (164, 126, 100),
}  # fmt: skip
BOATS = {
    "sailboat",
    "canoe",
    "speedboat",
    "ship",
    "cruise ship",
    "rower",
    "swimmer",
}  # their sprites bring water along
HEADS = {
    "baby",
    "boy",
    "girl",
    "man",
    "woman",
    "old man",
    "old woman",
    "Santa",
    "eye",
    "lips",
}  # no shoulders to stand on the lower edge
WHOLE = {"man": "man standing", "woman": "woman standing"}  # in a landscape people are seen whole

Facts = dict[str, Any]


_POOLS = {place: [k for k in KINDS if k.place == place] for place in ("ground", "sky", "water", "alone", "people")}


def _pick(r: np.random.Generator, kinds: Sequence[Kind]) -> Kind:
    """One of them: what people name every day three times as often as the rest."""
    weight = np.array([1.0 if k.name in EVERYDAY else 0.3 for k in kinds])
    return kinds[int(r.choice(len(kinds), p=weight / weight.sum()))]


def _snap(v: float | int) -> float:
    """The nearest line of the grid of cells."""
    return float(round(v / CELL) * CELL)


def _length(h: float | int) -> float:
    """The nearest of the lengths that things come in."""
    return float(LENGTHS[np.abs(np.log(LENGTHS / h)).argmin()])


def draw_facts(number: int) -> Facts:
    """What picture `number` shows,
    before it is laid out: JSON's types only. Every 50th combines what no training picture does."""
    r = np.random.default_rng([number, 0])
    facts = _plain(r) if r.random() < 0.4 else _landscape(r)
    if number % 50 == 0:
        _combine(r, facts)
    for group in facts["groups"]:
        kind = BY_NAME[group["kind"]]
        if group["colour"] is None:
            group["colour"] = _colour(r, kind)
    return facts


def _group(r: np.random.Generator, kind: Kind, counts: Sequence[float | int]) -> Facts:
    return {
        "kind": kind.name, "count": 1 + int(r.choice(3, p=counts)), "colour": None,
        "gender": str(r.choice(["man", "woman"])) if kind.gendered else "",
        "tone": "" if kind.colours != "tone" or r.random() < 0.25 else str(r.choice(TONES)),
        "facing": ("right" if r.random() < 0.25 else "left") if kind.front else "",  # mirrored seldom: two ways blend
    }  # fmt: skip


def _colour(r: np.random.Generator, kind: Kind) -> str:
    """ "" is the sprite's own colour."""
    hues = COLOURS.get(kind.colours, [])
    return "" if not hues or r.random() < (0.45 if kind.colours == "fur" else 0.15) else str(r.choice(hues))


def _plain(r: np.random.Generator) -> Facts:
    """One thing, or two or three of a kind, large, on a ground of one colour."""
    kind = _pick(r, KINDS)
    group = _group(r, kind, (0.86, 0.08, 0.06) if kind.place != "people" else (1, 0, 0))
    group["colour"] = _colour(r, kind)
    grounds = [g for g in GROUNDS if g != group["colour"] or g not in ("white", "black")]
    ground = "white" if "white" in grounds and r.random() < 0.22 else str(r.choice(grounds))
    return {"mode": "plain", "ground": ground, "graded": bool(r.random() < 0.5), "groups": [group]}


def _landscape(r: np.random.Generator) -> Facts:
    """Up to three groups of things in a landscape."""
    time, where = str(r.choice(land.TIMES, p=[0.16, 0.4, 0.22, 0.22])), str(r.choice(land.LANDS))
    weather = str(r.choice(land.WEATHERS, p=[0.64, 0.13, 0.13, 0.1]))
    season = str(r.choice(land.SEASONS, p=[0.2, 0.42, 0.2, 0.18])) if where in land.SEASONAL else "summer"
    if weather == "snow" and where in land.SEASONAL and r.random() < 0.85:
        season = "winter"
    facts = {
        "mode": "scene", "time": time, "land": where, "weather": weather, "season": season,
        "clouds": int(r.integers(2, 5)) if weather == "rain" else int(r.choice([0, 1, 2, 3], p=[0.3, 0.3, 0.25,
        0.15])),
        "rainbow": bool(time == "day" and weather in ("clear", "rain") and r.random() < 0.14),
        "crescent": bool(r.random() < 0.5), "groups": [],
    }  # fmt: skip
    n, used = int(r.choice(4, p=[0.06, 0.56, 0.28, 0.1])), set()
    for _ in range(n):
        kind = _choose(r, where, used)
        used.add(kind.place if kind.place == "people" else kind.name)
        counts = (1, 0, 0) if kind.place == "people" else (0.78, 0.14, 0.08) if n < 3 else (1, 0, 0)
        facts["groups"].append(_group(r, kind, counts))
    return facts


def _choose(r: np.random.Generator, where: str, used: set[str]) -> Kind:
    """A kind that may be here: most of the time one that is at home."""
    wet = where in ("sea", "lake")
    places = (
        {"ground": 0.62, "sky": 0.14, "people": 0.14, "alone": 0.1}
        if not wet
        else {"water": 0.46, "ground": 0.26, "sky": 0.14, "people": 0.14}
    )
    while True:
        pool = _POOLS[str(r.choice(list(places), p=list(places.values())))]
        home = [k for k in pool if where in k.lands]
        kind = _pick(r, home if home and r.random() < 0.5 else pool)
        if kind.name in used or kind.place in used or (kind.name in SWIMMERS and not wet):
            continue
        if kind.place == "alone" and kind.name.endswith(("hand", "hands", "face", "finger")):
            continue
        return kind


def _combine(r: np.random.Generator, facts: Facts) -> None:
    """Put a held-out pair into these facts."""
    if facts["mode"] == "scene":
        name, facts["land"] = sorted(HELD_OUT_LAND)[r.integers(len(HELD_OUT_LAND))]
        facts["season"] = "summer"
        facts["groups"] = [_group(r, BY_NAME[name], (1, 0, 0))]
    else:
        name, colour = sorted(HELD_OUT_COLOUR)[r.integers(len(HELD_OUT_COLOUR))]
        facts["groups"] = [{**_group(r, BY_NAME[name], (1, 0, 0)), "colour": colour}]


def held_out(facts: Facts) -> bool:
    """Whether a held-out pair is in these facts."""
    lands = any((g["kind"], facts.get("land")) in HELD_OUT_LAND for g in facts["groups"])
    return lands or any((g["kind"], g["colour"]) in HELD_OUT_COLOUR for g in facts["groups"])


def render(number: int, facts: Facts) -> tuple[Canvas, list[Facts]]:
    """The picture, and each thing in it: its group, box (x0, y0, x1, y1) in pixels,
    and the share of it that can be seen."""
    r, c = np.random.default_rng([number, 1]), Canvas()
    return (c, _render_plain(r, c, facts)) if facts["mode"] == "plain" else (c, _render_landscape(r, c, facts))


def _image(group: Facts, whole: bool, afloat: bool) -> np.ndarray:
    kind = BY_NAME[group["kind"]]
    if whole and kind.name in WHOLE:
        kind = replace(kind, sprite=WHOLE[kind.name])
    image = sprites.sprite(kind, group["colour"], group["gender"], group["tone"])
    if afloat and kind.name in BOATS:
        image = sprites.without_water(image)
    return image[:, ::-1] if group["facing"] == "right" else image


def _render_plain(r: np.random.Generator, c: Canvas, facts: Facts) -> list[Facts]:
    draw_ground(c, r, facts)
    things, owners = stand_alone(r, facts)
    return place(c, things, owners, facts, None)


def draw_ground(c: Canvas, r: np.random.Generator, facts: Facts) -> None:
    """One colour, or a gradient of it."""
    base = np.array(GROUNDS[facts["ground"]], np.float32)
    dark = base * 0.86 if facts["ground"] != "black" else base + 26
    c.gradient([(0, base), (1, base)])
    if facts["graded"]:
        if r.random() < 0.5:
            c.gradient([(0, base), (1, dark)])
        else:
            c.blend(np.clip((np.hypot(XX - 128, YY - 128) - 70) / 140, 0, 1), dark)


def stand_alone(r: np.random.Generator, facts: Facts) -> tuple[list[Standing], list[int]]:
    """What stands on a plain ground, and which group each is of."""
    group = facts["groups"][0]
    kind, n = BY_NAME[group["kind"]], group["count"]
    image = _image(group, False, False)
    h0, w0 = image.shape[:2]
    bust = kind.place == "people" and kind.name not in HEADS
    small = n == 1 and r.random() < 0.4
    length = float(r.choice(LENGTHS, p=[0.2, 0.3, 0.5])) if small and not bust else 160.0
    fit = length / max(h0, w0) if small else min(208 / h0, 224 / w0) if n == 1 else min(150 / h0, 208 / n / w0)
    h, w = h0 * fit, w0 * fit
    room = int((SIZE - length) / 2 / CELL) if small else 0
    middle, apart = 128 + int(r.integers(-room, room + 1)) * CELL, {1: 0, 2: 8, 3: 5}[n] * CELL
    foot = _snap(128 + h / 2) + int(r.integers(-room // 2, room // 2 + 1)) * CELL if small else 128 + h / 2
    y, how = (SIZE + 1, None) if bust else (foot, "shadow")
    return [Standing(image, middle + (i - (n - 1) / 2) * apart, y, h, w, 0.3, how) for i in range(n)], [0] * n


def _render_landscape(r: np.random.Generator, c: Canvas, facts: Facts) -> list[Facts]:
    look = draw_land(c, r, r, facts)
    things, owners = stand_in_land(r, look, facts)
    placed = place(c, things, owners, facts, look)
    land.weather(c, r, look)
    return placed


def draw_land(
    c: Canvas, r: np.random.Generator, ground: np.random.Generator, facts: Facts, drift: float = 0.0
) -> land.Look:
    """Sky, by one generator, its clouds `drift` pixels on, and land, by another or the same."""
    look = land.sky(
        c,
        r,
        facts["time"],
        facts["weather"],
        facts["clouds"],
        facts["rainbow"],
        facts["crescent"],
        facts["land"],
        facts["season"],
        drift,
    )
    land.DRAW[look.land](c, ground, look)
    return look


def stand_in_land(r: np.random.Generator, k: land.Look, facts: Facts) -> tuple[list[Standing], list[int]]:
    """What stands in a landscape, the farthest first, and which group each is of."""
    total = sum(g["count"] for g in facts["groups"])
    scale = {0: 1, 1: 2.2, 2: 1.5, 3: 1.15}.get(total, 1.0)  # what is alone is large
    boxes: list[tuple[float, float, float, float]] = []
    things: list[Standing] = []
    owners: list[int] = []
    order = sorted(
        range(len(facts["groups"])), key=lambda g: -BY_NAME[facts["groups"][g]["kind"]].size
    )  # large things first, behind the others
    for g in order:
        group = facts["groups"][g]
        kind = BY_NAME[group["kind"]]
        swims = kind.place == "water" or (kind.name in SWIMMERS and k.land in ("sea", "lake"))
        image = _image(group, True, swims)
        ratio = image.shape[1] / image.shape[0]
        last = None
        for _ in range(group["count"]):
            for attempt in range(40):
                x, y, h, how = _spot(r, k, kind, swims, scale, last, attempt)
                h = _length(h * max(ratio, 1) / max(ratio, 0.6) ** 0.55) / max(ratio, 1)
                w = h * ratio
                x = 2 * _snap(0.5 * np.clip(x, min(w / 2 - 0.06 * w, 126), max(SIZE - w / 2 + 0.06 * w, 130)))
                y = y if y > SIZE else max(_snap(y), h)  # whole at the top
                box = (x - w / 2, y - h, x + w / 2, y)
                if all(_fits(box, other, attempt) for other in boxes):
                    break
            else:
                continue
            boxes.append(box)
            near = float(np.clip((y - k.horizon) / (SIZE - k.horizon), 0.05, 1)) if how != "sky" else 0.5
            depth = 0.8 * (1 - near) if kind.place != "people" else 0.02
            things.append(Standing(image, x, y, h, w, depth, how))
            owners.append(g)
            last = (x, y, h, w)
    drawn = sorted(range(len(things)), key=lambda i: -things[i].depth)
    return [things[i] for i in drawn], [owners[i] for i in drawn]


def _spot(
    r: np.random.Generator,
    k: land.Look,
    kind: Kind,
    swims: bool,
    scale: float | int,
    last: tuple | None,
    attempt: int,
) -> tuple[float, float, float, str | None]:
    """Where a thing may stand (x of its middle, y of its foot), its height, and what is under it."""
    beside = last is not None and attempt < 20
    x = last[0] + float(r.choice([-1, 1])) * last[3] * r.uniform(0.95, 1.2) if beside else float(r.uniform(34, 222))
    if kind.place == "people" and kind.name not in WHOLE:
        return float(r.uniform(70, 186)), SIZE + 1.0, float(r.uniform(140, 160)), None
    if kind.place == "sky":
        h = min(64 * kind.size * scale, 116)
        return x, float(r.uniform(h + 8, max(k.horizon - 2, h + 12))), h * float(r.uniform(0.9, 1.1)), "sky"
    if swims:
        y = float(r.uniform(k.horizon + 30, k.shore - 8))
        near = (y - k.horizon) / (SIZE - k.horizon)
        return x, y, float(np.clip(70 * kind.size * scale * (0.62 + 0.75 * near), 44, 150)), "water"
    low = {"sea": k.shore + 12, "lake": k.shore + 14, "city": k.horizon + 48}.get(k.land, k.horizon + 40)
    y = last[1] + float(r.uniform(-5, 5)) if beside else float(r.uniform(low, 248))
    y = float(np.clip(y, low, 250))
    near = (y - k.horizon) / (SIZE - k.horizon)
    size = kind.size if kind.name not in WHOLE else 1.35
    return x, y, float(np.clip(74 * size * scale * (0.55 + 0.62 * near), 46, 172)), "shadow"


def _fits(box: tuple[float, float, float, float], other: tuple[float, float, float, float], attempt: int) -> bool:
    """Whether neither hides much of the other; later attempts are content with less."""
    w = min(box[2], other[2]) - max(box[0], other[0])
    h = min(box[3], other[3]) - max(box[1], other[1])
    if w <= 0 or h <= 0:
        return True
    least = min((b[2] - b[0]) * (b[3] - b[1]) for b in (box, other))
    return w * h < least * (0.14 if attempt < 20 else 0.34)
