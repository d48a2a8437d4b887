"""Motion: Fluent Emoji's own animations (MIT), one whole loop each as 16 frames, named as the stills are.

How much a clip moves, and which way, is measured (Farneback's optical flow) and said in its caption.
"""

from __future__ import annotations

import random
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from pipelines import datasets as data
from pipelines.datasets import emoji

FRAMES = 16
AMOUNTS = ("still", "small motion", "large motion")


def loop(path: Path) -> np.ndarray | None:
    """A file's whole loop, evenly resampled: uint8 (16, 128, 128, 3) on white; None where it does not move at all."""
    with Image.open(path) as film:
        count = getattr(film, "n_frames", 1)
        if count < FRAMES:
            return None
        frames = []
        for k in range(FRAMES):
            film.seek(k * count // FRAMES)  # the last is followed by the first
            frames.append(emoji.compose_on_white(film))
    clip = np.stack(frames)
    return None if (clip == clip[0]).all() else clip


def change(clip: np.ndarray) -> float:
    """Mean absolute difference of neighbouring frames, 0 to 255, once around."""
    return float(np.abs(clip.astype(np.int16) - np.roll(clip, 1, axis=0)).mean())


def loops(clip: np.ndarray) -> bool:
    """Whether the last frame leads into the first: by no more than 1.5 times the median step, as far as it moves at
    all."""
    steps = np.abs(clip.astype(np.int16) - np.roll(clip, 1, axis=0)).mean((1, 2, 3))
    return bool(steps[0] <= max(1.5 * np.median(steps), 1.0))


def direction(clip: np.ndarray) -> str:
    """Which way most of the motion goes."""
    grey = [cv2.resize(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), (64, 64), interpolation=cv2.INTER_AREA) for f in clip]
    flow = np.stack(
        [
            cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 2, 9, 2, 5, 1.1, 0)
            for a, b in zip(grey, grey[1:], strict=False)
        ]
    )
    across, down = np.abs(flow).mean((0, 1, 2))
    return "from side to side" if across > 1.6 * down else "up and down" if down > 1.6 * across else ""


def caption(label: str, tags: list[str], amount: str, way: str, rng: random.Random) -> str:
    """What the still would be called, most of the time with how it moves."""
    text = emoji.caption(label, tags, rng)
    how = [amount] * (rng.random() < 0.5) + [f"moving {way}"] * bool(way and rng.random() < 0.5)
    return ", ".join([text, *how])


def read_animation(path: Path) -> tuple[np.ndarray, str] | None:
    """A clip and its direction, or None."""
    clip = loop(path)
    return None if clip is None else (clip, direction(clip))


def build() -> None:
    """Read every animation that has a name (three minutes on two cores)."""
    signs, rng = emoji.entries(), random.Random(0)
    files = sorted((data.node_modules() / "@lobehub").glob("fluent-emoji-anim-*/assets/*.webp"), key=lambda f: f.stem)
    named = [(f, f.stem.replace("-fe0f", "")) for f in files if f.stem.replace("-fe0f", "") in signs]
    with Pool() as pool:
        found = [
            (key, *got)
            for (_, key), got in zip(
                named, pool.imap(read_animation, [f for f, _ in named], chunksize=16), strict=True
            )
            if got
        ]
    families: dict[str, int] = {}
    for key, *_ in found:
        families[signs[key]["family"]] = families.get(signs[key]["family"], 0) + 1
    clips = np.stack([clip for _, clip, _ in found])
    changes = np.array([change(clip) for clip in clips])
    ranks = changes.argsort().argsort() / (len(clips) - 1)
    rows = []
    for k, (key, _, way) in enumerate(found):
        sign, amount = signs[key], AMOUNTS[min(2, int(3 * ranks[k]))]
        split = emoji.split_of(sign, key, families[sign["family"]])
        text = caption(sign["label"], sign["tags"], amount, way, rng)
        rows.append(
            {
                "split": split,
                "caption": text,
                "hexcode": key,
                "change": float(changes[k]),
                "rank": float(ranks[k]),
                "loops": loops(clips[k]),
                "direction": way,
                **sign,
            }
        )
    strips = clips[np.random.default_rng(0).choice(len(clips), 12, replace=False)][:, ::2]
    folder = data.save("motion", clips, rows, strips.reshape(-1, *clips.shape[2:]))
    counts = {name: sum(r["split"] == name for r in rows) for name in ("train", "validation", "sibling", "unseen")}
    print(
        f"{len(rows)} clips of {len(files)} files in {folder}: {counts}; change "
        f"{np.percentile(changes, [5, 33, 67, 95]).round(2).tolist()}"
    )
