"""Scenes: things in landscapes, composed without end from Fluent Emoji 3D (MIT) and a land, sky, light and weather
drawn here.

`kinds` says which things there are, `sprites` gives their pictures, `land` draws what they stand in, `compose` puts a
scene together from its number, `captions` says what it shows. Besides the files of every data set there are
`segment.npy` (uint16, n x 64 x 64: an index into canvas.AREAS, then into kinds.KINDS) and `depth.npy` (uint8, the same
size: 0 is near, 255 the sky).
"""

from __future__ import annotations

import random
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from pipelines import datasets as data
from pipelines.datasets.scenes import captions, compose
from pipelines.datasets.scenes.canvas import SIZE

MAP = 64  # side of the maps of segments and depth
STEP = SIZE // MAP


def split_of(facts: compose.Facts, number: int) -> str:
    """compositional if a held-out pair is there; else by hash: 5 % test, 2 % validation, the rest train."""
    if compose.held_out(facts):
        return "compositional"
    u = data.unit_hash(f"scene {number}")
    return "test" if u < 0.05 else "validation" if u < 0.07 else "train"


def make(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict]:
    """Scene `number`: picture uint8 (256, 256, 3), segments uint16 and depth uint8 (64, 64), and its row."""
    facts = compose.draw_facts(number)
    canvas, things = compose.render(number, facts)
    row = {"number": number, **facts, "things": things}
    text, names = captions.caption(row, random.Random(number))
    row = {"split": split_of(facts, number), "caption": text, "names": names, **row}
    centre = slice(STEP // 2, None, STEP)
    return (
        canvas.rgb,
        canvas.segment[centre, centre],
        (canvas.depth[centre, centre] * 255).round().astype(np.uint8),
        row,
    )


def _make_range(numbers: range) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, dict]]:
    return [make(number) for number in numbers]


def build(n: int = 30_000) -> None:
    """Compose and draw n scenes (five minutes on two cores)."""
    images = data.allocate("scenes", n)
    segment, depth, rows = np.empty((n, MAP, MAP), np.uint16), np.empty((n, MAP, MAP), np.uint8), []
    with ProcessPoolExecutor(2) as pool:
        for part in pool.map(_make_range, [range(i, min(i + 100, n)) for i in range(0, n, 100)]):
            for picture, areas, far, row in part:
                i = len(rows)
                images[i], segment[i], depth[i] = picture, areas, far
                rows.append(row)
    folder = data.save("scenes", images, rows)
    np.save(folder / "segment.npy", segment)
    np.save(folder / "depth.npy", depth)
    counts = {
        name: sum(r["split"] == name for r in rows) for name in ("train", "validation", "test", "compositional")
    }
    print(f"{n} scenes in {folder}: {counts}")
