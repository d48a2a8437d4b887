"""Scenes that move: 16 frames of one, rendered with the motion known.

Vehicles drive, boats sail, birds and butterflies fly, balloons rise, animals hop along, faces pulse; clouds drift, the
light goes from one time of day to another, rain and snow fall, the camera pans and zooms. A clip depends on its number
alone.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, replace

import cv2
import numpy as np

from pipelines.datasets.scenes import compose, land, sky
from pipelines.datasets.scenes.canvas import SIZE, Canvas
from pipelines.datasets.scenes.place import Standing, place
from pipelines.models.video.defaults import default_movement
from pipelines.models.video.movement import WINDOW, Box, Clock, Motion, Movement

FIRST = 1_000_000  # numbers of clips: no still has them
CROP = 1.3  # how near the camera is at first where it is to move, so that there is something beyond its edges
NEXT = {"day": ("sunset", "night"), "sunset": ("night",), "night": ("dawn",), "dawn": ("day",)}


def draw_movement(r: np.random.Generator, kind: str, facing: str, cut: bool) -> Movement:
    """How a thing of a kind moves: mostly as it does, now and then in any way, since people ask for it."""
    speed, u = float(r.choice([4, 8, 16])), r.random()
    if u < 0.1:
        return Movement()
    if u > 0.4:
        return default_movement(kind, facing, speed, cut)
    side, turns = float(r.choice([-1, 1])), int(r.choice([1, 2, 4]))
    return (
        Movement(dx=side * speed),
        Movement(dy=side * speed),
        Movement(hop=float(r.choice([16, 32, 48])), times=turns),
        Movement(slide=float(r.choice([8, 16, 24])), times=turns),
        Movement(squash=float(r.choice([0.1, 0.2])), times=turns),
        Movement(slide=8.0, hop=12.0, times=turns),
    )[int(r.integers(6))]


def draw_motion(r: np.random.Generator, facts: compose.Facts, things: list[Standing], owners: list[int]) -> Motion:
    """How a scene moves; things of one group move alike."""
    cut = {owner for thing, owner in zip(things, owners, strict=True) if thing.y > SIZE}
    ways = {g: draw_movement(r, one["kind"], one["facing"], g in cut) for g, one in enumerate(facts["groups"])}
    motion = Motion(tuple(ways[g] for g in owners))
    u = r.random()
    if u < 0.12:
        across, down = float(r.choice([-2, 2])), float(r.choice([-1, 1]))
        motion = replace(motion, pan=(0.0, down) if u > 0.1 else (across, 0.0))
    elif u < 0.24:
        motion = replace(motion, zoom=float(r.choice([-0.024, 0.03])))
    if facts["mode"] == "scene" and 0.24 <= u < 0.4 and facts["weather"] in ("clear", "snow"):
        return replace(motion, light=str(r.choice(NEXT[facts["time"]])))
    if facts["mode"] == "scene" and facts["clouds"]:
        motion = replace(motion, drift=float(r.choice([-4, -2, 0, 2, 4])))
    return motion


def draw_facts(number: int) -> compose.Facts:
    """What a clip shows: a plain ground half as often as stills do."""
    first, second = (compose.draw_facts(FIRST + 2 * number + k) for k in range(2))
    return second if first["mode"] == "plain" and number % 2 else first


def begin(thing: Standing, way: Movement, limit: bool, alone: bool, clock: Clock) -> tuple[Standing, Movement]:
    """Where a thing that goes `alone` is at first, so that it is in the middle of its way where it was composed; and
    how it goes, `limit`ed so that it does not leave the picture before the end."""
    if clock.loop:
        return thing, way
    while limit and max(abs(way.dx) * WINDOW - SIZE, abs(way.dy) * WINDOW - SIZE) > -thing.w / 2:
        way = replace(way, dx=way.dx / 2, dy=way.dy / 2)
    x, y = thing.x - way.dx * WINDOW / 2, thing.y - way.dy * WINDOW / 2
    if alone and way.dx:
        thing = thing._replace(
            x=8 * round(float(np.clip(x, min(thing.w / 2, 128), max(SIZE - thing.w / 2, 128))) / 8)
        )
    if alone and way.dy:
        thing = thing._replace(y=8 * round(float(np.clip(y, thing.h, SIZE - 8)) / 8))
    return thing, way


def frame_by_camera(frame: np.ndarray, motion: Motion, crop: float, number: int, clock: Clock) -> np.ndarray:
    """A frame as the camera sees it, the middle of the first `crop` times as near as it was drawn."""
    x, y, near = motion.camera(number, clock)
    if crop == 1 and near == 1:
        return frame
    scale = crop * near
    shift = [SIZE / 2 - scale * (SIZE / 2 + offset / crop) for offset in (x, y)]
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
    return cv2.warpAffine(frame, matrix, (SIZE, SIZE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def make_generator(number: int, k: int) -> np.random.Generator:
    """Clip `number`'s generator of one kind: whatever else changes, what it decides stays."""
    return np.random.default_rng([FIRST + number, k])


def draw_back(number: int, facts: compose.Facts, time: str, drift: float) -> tuple[Canvas, land.Look | None]:
    """What things stand on, at a time of day, with clouds some pixels on; and how it looks, where it is a land."""
    c = Canvas()
    if facts["mode"] == "plain":
        compose.draw_ground(c, make_generator(number, 1), facts)
        return c, None
    return c, compose.draw_land(
        c, make_generator(number, 1), make_generator(number, 2), facts | {"time": time}, drift
    )


def render(number: int, clock: Clock = Clock()) -> tuple[np.ndarray, compose.Facts]:
    """Clip `number`: uint8 (f, 256, 256, 3), and its row: facts, things with their boxes in the first frame, motion."""
    facts = draw_facts(number)
    if facts.get("weather") == "clear" and make_generator(number, 5).random() < 0.5:
        facts["clouds"] = max(facts["clouds"], 2)
    time = facts.get("time", "")
    _, ground = draw_back(number, facts, time, 0.0)
    stand = make_generator(number, 3)
    things, owners = compose.stand_in_land(stand, ground, facts) if ground else compose.stand_alone(stand, facts)
    motion, limit = (
        draw_motion(make_generator(number, 4), facts, things, owners),
        bool(make_generator(number, 6).random() < 0.8),
    )
    starts = [
        begin(thing, way, limit, owners.count(owner) == 1, clock)
        for thing, way, owner in zip(things, motion.things, owners, strict=True)
    ]
    things, ways = [thing for thing, _ in starts], [way for _, way in starts]
    if motion.light:
        facts["clouds"] = 0  # they would not be the same ones by another light
    crop = CROP if motion.zoom < 0 or any(motion.pan) else 1.0
    backs: dict[str, tuple[Canvas, land.Look | None]] = {}
    frames, placed = [], []
    for frame in range(clock.frames):
        lights, drift = [], motion.drift * clock.elapsed(frame)
        moved = [move_thing(thing, way, frame, clock) for thing, way in zip(things, ways, strict=True)]
        seen = [k for k, thing in enumerate(moved) if is_seen(thing)]
        for light in dict.fromkeys((time, motion.light or time)):
            if drift or light not in backs:
                backs[light] = draw_back(number, facts, light, drift)
            c, shade = copy.deepcopy(backs[light])
            found = place(c, [moved[k] for k in seen], [owners[k] for k in seen], facts, shade)
            placed = placed or found
            if shade is not None:
                sky.weather(c, make_generator(number, 7), shade, frame)
            lights.append(c.rgb)
        share = clock.share(frame)
        picture = cv2.addWeighted(lights[0], 1 - share, lights[-1], share, 0)
        frames.append(frame_by_camera(picture, motion, crop, frame, clock))
    rows = [thing | {"box": enlarge(get_box(one), crop)} for thing, one in zip(placed, things, strict=True)]
    seen_ways = tuple(
        replace(way, dx=way.dx * crop, dy=way.dy * crop, hop=way.hop * crop, slide=way.slide * crop) for way in ways
    )
    shown = asdict(replace(motion, things=seen_ways))
    return np.stack(frames), {**facts, "things": rows, "motion": shown, "loop": clock.loop}


def get_box(thing: Standing) -> Box:
    """Where a thing stands."""
    return thing.x - thing.w / 2, thing.y - thing.h, thing.x + thing.w / 2, float(thing.y)


def enlarge(box: Box, crop: float) -> list[float]:
    """A box in a picture whose middle is seen `crop` times as near."""
    return [round(float(v - SIZE / 2) * crop + SIZE / 2, 2) for v in box]


def move_thing(thing: Standing, way: Movement, frame: int, clock: Clock) -> Standing:
    """A thing at a frame."""
    left, top, right, bottom = way.move(get_box(thing), frame, clock)
    return thing._replace(x=(left + right) / 2, y=bottom, w=right - left, h=bottom - top)


def is_seen(thing: Standing) -> bool:
    """Whether any of it is inside the picture."""
    return -thing.w / 2 < thing.x - 1 < SIZE + thing.w / 2 - 2 and 1 < thing.y < SIZE + thing.h - 1


def load_motion(row: compose.Facts) -> Motion:
    """The motion of a row that was kept as JSON."""
    kept = row["motion"]
    return Motion(**kept | {"things": tuple(Movement(**m) for m in kept["things"]), "pan": tuple(kept["pan"])})
