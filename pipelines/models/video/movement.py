"""How a clip moves: its things, the camera, the light and the clouds, as numbers that the network is given and that
clips are rendered by.

Boxes are left, top, right and bottom in pixels of a picture of 256; they may reach beyond it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

SIDE = 256
WINDOW = 16  # frames that are drawn together
TIMES = ("dawn", "day", "sunset", "night")
FEATURES = 15  # numbers that a frame's movement is given by

Box = tuple[float, float, float, float]
Numbers = Sequence[float | int] | np.ndarray


@dataclass(frozen=True)
class Clock:
    """Frames of a clip, and whether its last leads into its first."""

    frames: int = WINDOW
    loop: bool = False

    def elapsed(self, frame: int) -> float:
        """How far what goes has gone, in frames; in a loop there and back."""
        if not self.loop:
            return float(frame)
        return self.frames / (2 * math.pi) * math.sin(2 * math.pi * frame / self.frames)

    def angle(self, frame: int, times: int) -> float:
        """Where what comes again, `times` in WINDOW frames, is in its circle, in radians; a loop has whole ones."""
        turns = max(1, round(times * self.frames / WINDOW)) / self.frames if self.loop else times / WINDOW
        return 2 * math.pi * turns * frame

    def share(self, frame: int) -> float:
        """How much of a change has come, 0 to 1; in a loop it goes again."""
        if self.loop:
            return 0.5 - 0.5 * math.cos(2 * math.pi * frame / self.frames)
        t = frame / max(self.frames - 1, 1)
        return t * t * (3 - 2 * t)


@dataclass(frozen=True)
class Movement:
    """How a thing moves: `dx` and `dy` pixels a frame; up by `hop` and to both sides by `slide` pixels, and higher and
    lower by the share `squash`, `times` times in WINDOW frames."""

    dx: float | int = 0.0
    dy: float | int = 0.0
    hop: float | int = 0.0
    slide: float | int = 0.0
    squash: float | int = 0.0
    times: int = 2

    def move(self, box: Numbers, frame: int, clock: Clock) -> Box:
        """A box of the first frame at another."""
        left, top, right, bottom = box
        gone, angle = clock.elapsed(frame), clock.angle(frame, self.times)
        x = (left + right) / 2 + self.dx * gone + self.slide * math.sin(angle)
        y = bottom + self.dy * gone - self.hop * abs(math.sin(angle))
        wide = (right - left) * (1 - self.squash / 2 * math.sin(angle))
        return x - wide / 2, y - (bottom - top) * (1 + self.squash * math.sin(angle)), x + wide / 2, y


@dataclass(frozen=True)
class Motion:
    """How a clip moves: its things, from far to near; the camera, which goes to the right and down by `pan` pixels a
    frame and comes nearer by `zoom` octaves a frame; the light, which becomes that of another time of day; and clouds,
    `drift` pixels a frame to the right."""

    things: tuple[Movement, ...] = ()
    pan: tuple[float | int, float | int] = (0.0, 0.0)
    zoom: float | int = 0.0
    light: str = ""
    drift: float | int = 0.0

    def camera(self, frame: int, clock: Clock) -> tuple[float, float, float]:
        """Where the camera's middle is, in pixels of the first frame from its own, and how near: a factor."""
        gone = clock.elapsed(frame)
        return self.pan[0] * gone, self.pan[1] * gone, 2 ** (self.zoom * gone)

    def view(self, box: Numbers, frame: int, clock: Clock) -> Box:
        """A box that stands still, as the camera sees it at a frame."""
        x, y, near = self.camera(frame, clock)
        left, right = ((part - SIDE / 2 - x) * near + SIDE / 2 for part in (box[0], box[2]))
        top, bottom = ((part - SIDE / 2 - y) * near + SIDE / 2 for part in (box[1], box[3]))
        return left, top, right, bottom

    def boxes(self, boxes: Sequence[Numbers], frame: int, clock: Clock) -> list[Box]:
        """The first frame's boxes at another; the rest stand still."""
        still = [Movement()] * (len(boxes) - len(self.things))
        moved = [m.move(box, frame, clock) for m, box in zip((*self.things, *still), boxes, strict=False)]
        return [self.view(box, frame, clock) for box in moved]

    def encode(self, clock: Clock) -> Float[np.ndarray, "f 15"]:
        """What the network is given of each frame, beside its boxes: the nearest thing's movement, the camera's, the
        light and clouds, all about 1."""
        m = self.things[-1] if self.things else Movement()
        again = float(bool(m.hop or m.slide or m.squash))
        steady = [m.dx / 16, m.dy / 16, m.hop / 32, m.slide / 32, 4 * m.squash]
        rest = [self.pan[0] / 8, self.pan[1] / 8, 32 * self.zoom, self.drift / 8]
        rows = []
        for frame in range(clock.frames):
            angle, share = clock.angle(frame, m.times), clock.share(frame)
            light = [share * (self.light == time) for time in TIMES]
            rows.append([*steady, again * math.sin(angle), again * math.cos(angle), *rest, *light])
        return np.array(rows, np.float32)
