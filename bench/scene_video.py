"""Clips of scenes: whether what moves goes where the words say, how much changes from frame to frame beside rendered
clips, and how long one takes.

python -m bench scene_video.sheet|direction|steady|speed. Seeds are 0, 1, 2, …
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

from pipelines import datasets as data
from pipelines import load
from pipelines.core.cards import add_measurements
from pipelines.core.contract import frame_differences
from pipelines.datasets import films

SHEET = Path(__file__).parents[1] / "assets" / "examples" / "clips.jpg"
SENTENCES = [  # for the README, seeds 0 to 11
    "a red car driving to the left by the sea", "a balloon rising over the hills", "a dog running in a meadow",
    "the sun sets behind the mountains", "two penguins dancing in the snow", "a rocket takes off at night",
    "a sailboat sailing on a lake", "a bird flying over a forest", "a horse galloping to the right",
    "a castle in the mountains, camera zooms in", "a beating heart", "a frog jumping",
]  # fmt: skip
GOING = {
    "left": ["a {} driving to the left {}", "a {} goes left {}"],
    "right": ["a {} driving to the right {}", "a {} goes from left to right {}"],
}
DRIVERS = ["red car", "bus", "blue truck", "train", "tractor", "taxi", "motorcycle", "dog", "horse", "cat"]
RISERS = ["balloon", "UFO", "butterfly", "star", "bird", "red heart"]
PLACES = ["by the sea", "in the desert", "in a meadow", "in the city", "in the snow", "in the hills at sunset"]


def captions(n: int) -> list[tuple[str, str]]:
    """Prompts, and in which direction what they name goes: left, right, up, down, in turns; places and things by dice of seed 0."""
    rng, found = random.Random(0), []
    for k in range(n):
        way = ("left", "right", "up", "down")[k % 4]
        place = rng.choice(PLACES)
        if way in GOING:
            found.append((rng.choice(GOING[way]).format(rng.choice(DRIVERS), place), way))
        else:
            verb = {"up": "rising", "down": "falling"}[way]
            found.append((f"a {rng.choice(RISERS)} {verb} {place}", way))
    return found


def flow_of(frames: np.ndarray) -> tuple[float, float]:
    """Where most of what moves goes, pixels a frame to the right and down (Farneback's optical flow, weighted by how
    far each pixel goes)."""
    grey = [cv2.resize(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), (128, 128), interpolation=cv2.INTER_AREA) for f in frames]
    total = np.zeros(3)
    for a, b in zip(grey, grey[1:], strict=False):
        flow = 2 * cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 3, 15, 3, 5, 1.2, 0)
        far = np.linalg.norm(flow, axis=2)
        weight = far * (far > 1)
        total += [*(flow * weight[..., None]).sum((0, 1)), weight.sum()]
    return float(total[0] / max(total[2], 1e-6)), float(total[1] / max(total[2], 1e-6))


def sheet() -> dict[str, Any]:
    """What the README shows: a dozen sentences, every other frame of each, not picked."""
    clips = []
    for k, prompt in enumerate(SENTENCES):
        *_, last = load("video").generate(prompt=prompt, world="scenes", seed=k, loop=False)
        clips.append(last.result.frames[::2])
    picture = data.contact_sheet(np.concatenate(clips), columns=16)
    picture.resize((picture.width // 2, picture.height // 2)).save(SHEET, quality=88)
    return {"sentences": len(SENTENCES), "sheet": SHEET.name}


def direction(n: int = 100) -> dict[str, Any]:
    """Share of clips in which most of the flow goes where the words say (bar .85)."""
    hits: dict[str, list[bool]] = {}
    strips = []
    for k, (prompt, way) in enumerate(captions(n)):
        *_, last = load("video").generate(prompt=prompt, world="scenes", seed=k, loop=False)
        dx, dy = flow_of(last.result.frames)
        right = {"left": dx < -abs(dy), "right": dx > abs(dy), "up": dy < -abs(dx), "down": dy > abs(dx)}[way]
        hits.setdefault(way, []).append(bool(right))
        if k < 12:
            strips.append(last.result.frames[::2])
    data.contact_sheet(np.concatenate(strips), columns=8).save(data.cache_dir() / "video-direction.png")
    return {
        "n": n,
        "goes where it was asked to (bar 0.85)": round(
            float(np.mean([hit for found in hits.values() for hit in found])), 3
        ),
        **{way: round(float(np.mean(found)), 3) for way, found in hits.items()},
    }


def steady(n: int = 24) -> dict[str, Any]:
    """What frames change by from one to the next, of 255, and its spectrum: held-out clips drawn anew from their first
    frame, their layout and motion left to the words, beside the rendered ones (bar: within 20 %)."""
    made, real = [], []
    for k in range(n):
        frames, row = films.make(films.COUNT + 3 * k + 1)
        *_, last = load("video").generate(prompt=row["caption"], world="scenes", seed=k, loop=False)
        made.append(frame_differences(last.result.frames, False))
        real.append(frame_differences(frames, False))
    means = [float(np.mean(part)) for part in (made, real)]
    waves = [np.abs(np.fft.rfft(np.array(part), axis=1)[:, 1:]).mean() for part in (made, real)]
    return {
        "n": n,
        "change from frame to frame, of 255": [round(v, 2) for v in means],
        "over the rendered ones'": round(means[0] / means[1], 3),
        "unevenness over theirs": round(float(waves[0] / waves[1]), 3),
    }


def speed(n: int = 5) -> dict[str, Any]:
    """Seconds of 16 frames, warm, median (bar 8), and the process's memory at its end (bar 3 GB)."""
    spent = []
    for k in range(-1, n):
        began = time.perf_counter()
        *_, last = load("video").generate(prompt="a red car driving by the sea", world="scenes", seed=max(k, 0))
        assert last.result is not None
        if k >= 0:
            spent.append(time.perf_counter() - began)
    found = {
        "n": n,
        "seconds, 16 frames, 20 steps": round(float(np.median(spent)), 2),
        "MB": round(psutil.Process().memory_info().rss / 2**20),
    }
    add_measurements("video-256", {"16 frames, 20 steps, 2 cores": f"{found['seconds, 16 frames, 20 steps']} s"})
    return found
