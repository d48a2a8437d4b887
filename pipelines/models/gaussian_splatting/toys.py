"""Toys: shapes of a dozen kinds built from signed distance functions, seen by 36 known cameras, with soft light on
white.

A toy follows from its number alone: kind, proportions, counts, colours, a pattern. Combinations of kind and colour are
held out whole. Distances are marched along each ray (sphere tracing; Hart 1996).
"""

from __future__ import annotations

import functools
import math
import random
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.core.hashing import unit_hash

SIDE = 64
AZIMUTHS, ELEVATIONS = range(0, 360, 30), (-10, 15, 40)  # degrees; a view's number is elevation * 12 + azimuth
CAMERAS = [(azimuth, elevation) for elevation in ELEVATIONS for azimuth in AZIMUTHS]
DISTANCE, FOV = 2.6, 40.0  # as Camera.around has them
COLOURS = {
    "red": (214, 48, 49), "orange": (240, 140, 30), "yellow": (247, 208, 60), "green": (70, 160, 75),
    "blue": (50, 105, 200), "purple": (130, 80, 180),
    "pink": (240, 130, 170), "white": (240, 240, 236), "black": (45, 45, 50), "brown": (130, 85, 50),
    "grey": (150, 150, 155),
}  # fmt: skip
MAIN = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black", "brown"]
LIGHT = (0.4, 0.8, 0.45)  # where it comes from


Triple = tuple[float | int, float | int, float | int]


@dataclass(frozen=True)
class Part:
    """A primitive with a place, a size (half lengths), a turn about z and then y in degrees, a rounding, and a
    colour."""

    shape: str
    at: Triple
    size: Triple
    colour: str
    turn: tuple[float | int, float | int] = (0, 0)
    soft: float = 0.02
    pattern: str = ""  # dots or stripes
    second: str = "white"


@functools.lru_cache(1024)
def numbers(values: tuple, device: torch.device) -> Tensor:
    """A few numbers as a tensor, sent to the device once."""
    return torch.tensor(values, dtype=torch.float32, device=device)


def local(part: Part, p: Tensor) -> Tensor:
    """Points (n, 3) as the part sees them."""
    x, y, z = (p - numbers(part.at, p.device)).unbind(1)
    first, second = (math.radians(degrees) for degrees in part.turn)
    if first:
        x, y = math.cos(first) * x + math.sin(first) * y, math.cos(first) * y - math.sin(first) * x
    if second:
        z, x = math.cos(second) * z + math.sin(second) * x, math.cos(second) * x - math.sin(second) * z
    return torch.stack([x, y, z], 1)


def distance(part: Part, p: Tensor) -> Tensor:
    """Signed distance (n,) of points to a part, or a little less."""
    q, (a, b, c) = local(part, p), part.size
    if part.shape == "ellipsoid":  # Quilez's bound
        size = numbers(part.size, p.device)
        k, g = (q / size).norm(dim=1), (q / size.square()).norm(dim=1)
        return torch.where(g > 1e-6, k * (k - 1) / g.clamp_min(1e-6), -min(part.size))
    if part.shape == "box":
        d = q.abs() - numbers(part.size, p.device) + part.soft
        return d.clamp_min(0).norm(dim=1) + d.amax(1).clamp_max(0) - part.soft
    around = torch.hypot(q[:, 0], q[:, 2])
    if part.shape == "cylinder":  # radius a, half height b
        d = torch.stack([around - a, q[:, 1].abs() - b], 1) + part.soft
        return d.clamp_min(0).norm(dim=1) + d.amax(1).clamp_max(0) - part.soft
    if part.shape == "cone":  # radius a below, c above, half height b
        h = ((q[:, 1] + b) / (2 * b)).clamp(0, 1)
        side = (around - (a + (c - a) * h)) * (2 * b) / math.hypot(2 * b, a - c)
        return torch.maximum(side, q[:, 1].abs() - b) - part.soft / 2
    return torch.hypot(torch.hypot(q[:, 0], q[:, 1]) - a, q[:, 2]) - b  # torus about z: radius a, thickness b


def tint(part: Part, p: Tensor) -> Tensor:
    """Colours (n, 3) in [0, 1] of points on a part."""
    first, second = (numbers(COLOURS[name], p.device) / 255 for name in (part.colour, part.second))
    q = local(part, p)
    if part.pattern == "stripes":
        there = (q[:, 1] * math.pi / 0.09).sin() > 0
    elif part.pattern == "dots":
        turn, up = torch.atan2(q[:, 0], q[:, 2]) * 6 / (2 * math.pi), q[:, 1] / 0.22
        row = up.round()
        there = torch.hypot((turn + 0.5 * row) % 1 - 0.5, up - row) < 0.28
    else:
        return first.expand(len(p), 3)
    return torch.where(there[:, None], second, first)


def scene(parts: list[Part], p: Tensor) -> tuple[Tensor, Tensor]:
    """The least distance (n,), and whose it is."""
    least = torch.stack([distance(part, p) for part in parts]).min(0)
    return least.values, least.indices


def rays(azimuth: float | int, elevation: float | int, side: int) -> tuple[Tensor, Tensor]:
    """Where a camera stands (3,), and unit directions (side², 3) through its pixels: as splatting.Camera.around has
    it."""
    a, e = math.radians(azimuth), math.radians(elevation)
    back = torch.tensor([math.cos(e) * math.sin(a), math.sin(e), math.cos(e) * math.cos(a)])
    right = torch.tensor([math.cos(a), 0, -math.sin(a)])
    down, reach = -torch.linalg.cross(back, right), math.tan(math.radians(FOV) / 2)
    step = (torch.arange(side) + 0.5) / side * 2 - 1
    return DISTANCE * back, F.normalize(
        reach * (step.repeat(side)[:, None] * right + step.repeat_interleave(side)[:, None] * down) - back, dim=1
    )


@torch.inference_mode()
def shoot(
    parts: list[Part],
    cameras: list[tuple[float | int, float | int]],
    side: int = SIDE,
    fine: int = 2,
    device: str = "cpu",
) -> tuple[np.ndarray, np.ndarray]:
    """Views from cameras (azimuth, elevation): uint8 (v, side, side, 3), each pixel the mean of fine² rays; and depths
    fp16 (v, side, side), 0 where there is nothing."""
    whole = side * fine
    eyes, towards = (
        torch.cat(part).to(device)
        for part in zip(*((e.expand(whole**2, 3), d) for e, d in (rays(*at, whole) for at in cameras)), strict=True)
    )
    middle = -(towards * eyes).sum(1)  # where a ray is nearest to the origin
    live = ((eyes + middle[:, None] * towards).norm(dim=1) <= 1.05).nonzero()[:, 0]
    far, hit = torch.zeros_like(middle), torch.zeros(len(middle), dtype=torch.bool, device=device)
    far[live] = (middle[live] - 1.05).clamp_min(0.1)
    for _ in range(64):
        if not len(live):
            break
        d, _ = scene(parts, eyes[live] + far[live, None] * towards[live])
        far[live] += d
        hit[live[d < 0.002]] = True
        live = live[(d >= 0.002) & (far[live] < middle[live] + 1.1)]
    sheet, at = torch.ones(len(middle), 3, device=device), hit.nonzero()[:, 0]
    p = eyes[at] + far[at, None] * towards[at]
    steps = 0.004 * torch.eye(3, device=device)
    normal = F.normalize(torch.stack([scene(parts, p + s)[0] - scene(parts, p - s)[0] for s in steps], 1), dim=1)
    whose, colour = scene(parts, p)[1], torch.zeros(len(at), 3, device=device)
    for k, part in enumerate(parts):
        colour = torch.where((whose == k)[:, None], tint(part, p), colour)
    light = F.normalize(torch.tensor(LIGHT, device=device), dim=0)
    open_ = (scene(parts, p + 0.12 * normal)[0] / 0.12).clamp(0.3, 1)  # how open the place is
    lit = 0.42 + 0.5 * (normal @ light).clamp(0, 1) + 0.16 * (normal[:, 1] * 0.5 + 0.5).clamp(0, 1)
    sheet[at] = (colour * (lit * (0.55 + 0.45 * open_))[:, None]).clamp(0, 1)
    picture = (sheet.view(-1, side, fine, side, fine, 3).mean((2, 4)) * 255).round().to(torch.uint8)
    return picture.cpu().numpy(), torch.where(hit, far, 0).view(-1, whole, whole)[
        :, ::fine, ::fine
    ].half().cpu().numpy()


# the kinds: each makes parts, and says what is special about it


def mushroom(r: random.Random, main: str, other: str) -> tuple[list[Part], list[str]]:
    tall, wide, dotted = r.choice([0.25, 0.45]), r.uniform(0.5, 0.75), r.random() < 0.6
    base = -0.75
    stem = Part("cylinder", (0, base + tall, 0), (r.uniform(0.12, 0.2), tall, 0), "white", soft=0.05)
    cap = Part(
        "ellipsoid",
        (0, base + 2 * tall + 0.2, 0),
        (wide, 0.3, wide),
        main,
        pattern="dots" if dotted else "",
        second=other,
    )
    return [stem, cap], [f"{'short' if tall < 0.3 else 'tall'} stem"] + [f"{other} dots"] * dotted


def rocket(r: random.Random, main: str, other: str) -> tuple[list[Part], list[str]]:
    fins, long = r.choice([3, 4]), r.choice([0.35, 0.5])
    body = Part("cylinder", (0, 0, 0), (0.24, long, 0), main, soft=0.06)
    nose = Part("cone", (0, long + 0.2, 0), (0.23, 0.22, 0.02), other)
    window = Part("torus", (0, 0.12, 0.22), (0.09, 0.035, 0), "grey")
    wings = []
    for k in range(fins):
        x, z = (0.3 * f(2 * math.pi * k / fins) for f in (math.sin, math.cos))
        wings.append(Part("box", (x, -long + 0.05, z), (0.03, 0.17, 0.15), other, (0, 360 * k / fins)))
    return [body, nose, window, *wings], [f"{fins} fins", f"{other} nose"]


def snowman(r: random.Random, main: str, other: str) -> tuple[list[Part], list[str]]:
    balls = r.choice([2, 3])
    parts, y = [], -0.85
    for size in [0.34, 0.24, 0.17] if balls == 3 else [0.42, 0.28]:
        parts.append(Part("ellipsoid", (0, y + size, 0), (size, size, size), main))
        y += 1.75 * size
    head = parts[-1]
    nose = Part("ellipsoid", (0, head.at[1], head.size[0] + 0.06), (0.04, 0.04, 0.13), "orange")
    hat = [
        Part("cylinder", (0, y + 0.12, 0), (0.26, 0.03, 0), other),
        Part("cylinder", (0, y + 0.24, 0), (0.17, 0.13, 0), other),
    ]
    return [*parts, nose, *hat], [f"{other} hat", f"{balls} balls"]


def chair(r: random.Random, main: str, other: str) -> tuple[list[Part], list[str]]:
    tall, seat = r.choice([0.25, 0.4]), 0.36
    legs = [Part("cylinder", (x * 0.3, -0.5, z * 0.3), (0.05, 0.35, 0), other) for x in (-1, 1) for z in (-1, 1)]
    return [Part("box", (0, -0.13, 0), (seat, 0.06, seat), main),
        Part("box", (0, tall - 0.1, -0.34), (seat, tall, 0.05), main), *legs], [
        f"{'low' if tall < 0.3 else 'high'} back", f"{other} legs",
    ]  # fmt: skip


def mug(r: random.Random, main: str, other: str) -> tuple[list[Part], list[str]]:
    tall, striped = r.choice([0.35, 0.55]), r.random() < 0.5
    cup = Part(
        "cylinder", (-0.1, 0, 0), (0.42, tall, 0), main, soft=0.05, pattern="stripes" if striped else "", second=other
    )
    tea = Part("cylinder", (-0.1, tall + 0.005, 0), (0.35, 0.02, 0), "brown")
    handle = Part("torus", (0.36, 0, 0), (0.22, 0.06, 0), other)
    return [cup, tea, handle], ["short" if tall < 0.4 else "tall", f"{other} {'stripes' if striped else 'handle'}"]


def house(r: random.Random, main: str, other: str) -> tuple[list[Part], list[str]]:
    floors, chimney = r.choice([1, 2]), r.random() < 0.5
    h = 0.14 + 0.14 * floors
    walls = Part("box", (0, -0.6 + h, 0), (0.5, h, 0.42), main)
    roof = Part("cone", (0, -0.6 + 2 * h + 0.24, 0), (0.72, 0.24, 0.04), other)
    door = Part("box", (0, -0.42, 0.42), (0.1, 0.18, 0.03), "brown")
    panes = [
        Part("box", (x, -0.3 + 0.4 * k, 0.42), (0.09, 0.09, 0.03), "yellow")
        for k in range(floors)
        for x in (-0.3, 0.3)
    ]
    return [walls, roof, door, *panes,
        *[Part("box", (0.32, -0.6 + 2 * h + 0.35, 0), (0.07, 0.2, 0.07), "grey")] * chimney], [
        f"{other} roof", f"{floors} {'floor' if floors == 1 else 'floors'}", *["a chimney"] * chimney,
    ]  # fmt: skip


def car(r: random.Random, main: str, other: str) -> tuple[list[Part], list[str]]:
    long, van = r.uniform(0.6, 0.75), r.random() < 0.4
    body = Part("box", (0, -0.2, 0), (0.34, 0.16, long), main, soft=0.08)
    cabin = Part("box", (0, 0.1, -0.1 if van else 0), (0.29, 0.2, long * (0.75 if van else 0.5)), other, soft=0.08)
    wheels = [
        Part("cylinder", (x * 0.34, -0.36, z * long * 0.6), (0.16, 0.06, 0), "black", (90, 0))
        for x in (-1, 1)
        for z in (-1, 1)
    ]
    lamps = [Part("ellipsoid", (x * 0.2, -0.18, long), (0.06, 0.06, 0.04), "yellow") for x in (-1, 1)]
    return [body, cabin, *wheels, *lamps], [f"{other} top", "long cabin" if van else "short cabin"]


def fish(r: random.Random, main: str, other: str) -> tuple[list[Part], list[str]]:
    fat, striped = r.choice([0.26, 0.42]), r.random() < 0.5
    body = Part("ellipsoid", (0, 0, 0.05), (0.2, fat, 0.6), main, pattern="stripes" if striped else "", second=other)
    tail = Part("ellipsoid", (0, 0, -0.68), (0.05, 0.32, 0.18), other)
    fins = [
        Part("ellipsoid", (0, fat, 0), (0.04, 0.16, 0.22), other),
        *[Part("ellipsoid", (x * 0.2, -0.08, 0.1), (0.12, 0.03, 0.12), other) for x in (-1, 1)],
    ]
    eyes = [Part("ellipsoid", (x * 0.15, 0.08, 0.42), (0.05, 0.06, 0.06), "black") for x in (-1, 1)]
    return [body, tail, *fins, *eyes], [
        f"{'slim' if fat < 0.3 else 'fat'}",
        f"{other} {'stripes' if striped else 'fins'}",
    ]


def robot(r: random.Random, main: str, other: str) -> tuple[list[Part], list[str]]:
    tall, aerials = r.choice([0.25, 0.38]), r.choice([1, 2])
    body, head = (
        Part("box", (0, -0.15, 0), (0.32, tall, 0.22), main, soft=0.05),
        Part("box", (0, tall + 0.08, 0), (0.24, 0.19, 0.2), other, soft=0.05),
    )
    limbs = [Part("cylinder", (x * 0.42, -0.1, 0), (0.07, 0.26, 0), other) for x in (-1, 1)]
    limbs += [Part("cylinder", (x * 0.16, -0.3 - tall, 0), (0.09, 0.17, 0), other) for x in (-1, 1)]
    face = [Part("ellipsoid", (x * 0.1, tall + 0.12, 0.2), (0.05, 0.05, 0.04), "yellow") for x in (-1, 1)]
    top = [
        Part("cylinder", (x, tall + 0.36, 0), (0.025, 0.12, 0), "grey")
        for x in ((0,) if aerials == 1 else (-0.14, 0.14))
    ]
    return [body, head, *limbs, *face, *top], [
        f"{other} head",
        f"{aerials} {'aerial' if aerials == 1 else 'aerials'}",
    ]


def tree(r: random.Random, main: str, other: str) -> tuple[list[Part], list[str]]:
    trunk, pine = Part("cylinder", (0, -0.55, 0), (r.uniform(0.08, 0.14), 0.3, 0), "brown"), r.random() < 0.5
    if pine:
        crown = [Part("cone", (0, -0.15 + 0.32 * k, 0), (0.55 - 0.14 * k, 0.25, 0.03), main) for k in range(3)]
    else:
        crown = [
            Part("ellipsoid", (x, 0.15 + y, z), (0.38, 0.36, 0.38), main)
            for x, y, z in ((-0.2, 0, 0.1), (0.22, 0.05, 0), (0, 0.28, -0.05))
        ]
        crown += [
            Part(
                "ellipsoid",
                (0.5 * math.sin(2.1 * k), 0.1 + 0.12 * (k % 3), 0.5 * math.cos(2.1 * k)),
                (0.08, 0.08, 0.08),
                other,
            )
            for k in range(6)
        ]
    return [trunk, *crown], ["pointed"] if pine else ["round", f"{other} fruit"]


def cake(r: random.Random, main: str, other: str) -> tuple[list[Part], list[str]]:
    tiers, candles = r.choice([1, 2]), r.choice([1, 3])
    parts = [
        Part(
            "cylinder", (0, -0.45 + 0.42 * k, 0), (0.62 - 0.22 * k, 0.2, 0), main if k % 2 == 0 else other, soft=0.05
        )
        for k in range(tiers)
    ]
    parts += [
        replace(parts[-1], at=(0, parts[-1].at[1] + 0.2, 0), size=(parts[-1].size[0] + 0.02, 0.05, 0), colour=other)
    ]
    top, ring = parts[-1].at[1] + 0.18, 0.16 if candles > 1 else 0
    for k in range(candles):
        x, z = ring * math.sin(2.1 * k), ring * math.cos(2.1 * k)
        parts += [
            Part("cylinder", (x, top, z), (0.035, 0.15, 0), "white"),
            Part("ellipsoid", (x, top + 0.19, z), (0.04, 0.06, 0.04), "orange"),
        ]
    return parts, [
        f"{other} icing",
        f"{candles} {'candle' if candles == 1 else 'candles'}",
        *["two tiers"] * (tiers == 2),
    ]


def boat(r: random.Random, main: str, other: str) -> tuple[list[Part], list[str]]:
    sail, long = r.random() < 0.5, r.uniform(0.6, 0.75)
    hull = [
        Part("ellipsoid", (0, -0.4, 0), (0.3, 0.24, long), main),
        Part("box", (0, -0.24, 0), (0.26, 0.04, long * 0.85), "brown", soft=0.03),
    ]
    if sail:
        return [
            *hull,
            Part("cylinder", (0, 0.25, 0), (0.03, 0.55, 0), "brown"),
            Part("cone", (0, 0.28, 0.02), (0.42, 0.42, 0.02), other),
        ], [f"{other} sail"]
    return [
        *hull,
        Part("box", (0, -0.06, 0), (0.2, 0.18, 0.28), "white"),
        Part("cylinder", (0, 0.28, 0), (0.1, 0.2, 0), other),
    ], [f"{other} funnel"]


KINDS = {f.__name__: f for f in (mushroom, rocket, snowman, chair, mug, house, car, fish, robot, tree, cake, boat)}
SAID = {
    "mushroom": ["mushroom", "toadstool"], "rocket": ["rocket", "spaceship"], "snowman": ["snowman"],
    "chair": ["chair", "seat"], "mug": ["mug", "cup"],
    "house": ["house", "cottage"], "car": ["car", "automobile"], "fish": ["fish"], "robot": ["robot", "android"],
    "tree": ["tree"],
    "cake": ["cake", "birthday cake"], "boat": ["boat", "ship"],
}  # fmt: skip


def compose(number: int) -> tuple[list[Part], dict]:
    """A toy's parts and labels; everything follows from its number."""
    r = random.Random(f"toy {number}")
    kind, main = r.choice(list(KINDS)), r.choice(MAIN)
    other = r.choice([name for name in MAIN if name != main])
    parts, details = KINDS[kind](r, main, other)
    place = unit_hash(f"toys {kind} {main}")  # a kind in a colour is in one split
    split = "test" if place < 0.08 else "validation" if place < 0.12 else "train"
    shape = next((line for line in details if not line.startswith(f"{other} ")), None)
    part = next((line.removeprefix(f"{other} ") for line in details if line.startswith(f"{other} ")), None)
    return parts, {
        "kind": kind,
        "colour": main,
        "other": other,
        "shape": shape,
        "part": part,
        "told": details,
        "split": split,
    }


def caption(row: dict, r: random.Random) -> tuple[str, list[str]]:
    """Kind and colour, most of the time with what is special; and which labels it names."""
    details = [part for part in row["told"] if r.random() < 0.75]
    r.shuffle(details)
    named = ["kind", "colour", *["shape"] * (row["shape"] in details)]
    named += ["other", "part"] * (f"{row['other']} {row['part']}" in details)
    what = f"{row['colour']} {r.choice(SAID[row['kind']])}"
    what = f"{'an' if what[0] in 'aeiou' else 'a'} {what}" if r.random() < 0.6 else what
    return what + (f"{r.choice([' with ', ', '])}{', '.join(details)}" if details else ""), named
