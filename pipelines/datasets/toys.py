"""Toys: pictures of `models.gaussian_splatting.toys` by 36 known cameras each, and captions of more toys than that."""

from __future__ import annotations

import json
import random
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch

from pipelines import datasets as data
from pipelines.datasets import captions
from pipelines.models.gaussian_splatting.toys import CAMERAS, SIDE, caption, compose, shoot

COUNT = 2000
WORDED, WAYS = 8000, 2  # toys that are captioned, and in how many ways


def rows() -> list[dict]:
    """The labels of more toys than there are pictures of: words cost nothing."""
    return [compose(k)[1] for k in range(WORDED)]


def write_captions() -> None:
    """Read the captions of training toys, WAYS of saying each."""
    ways = [
        (k, *caption(row, random.Random(f"{way} ways to say {k}")))
        for k, row in enumerate(rows())
        if row["split"] == "train"
        for way in range(WAYS)
    ]
    of, lines, named = map(list, zip(*ways, strict=True))
    captions.keep("toys", lines, of, named)


def views(number: int) -> tuple[np.ndarray, np.ndarray]:
    """All 36 views and depths of a toy."""
    torch.set_num_threads(1)  # as many toys at a time as there are cores
    return shoot(compose(number)[0], CAMERAS)


def build() -> None:
    """Make and see them all."""
    folder, labels = data.cache_dir() / "data" / "toys", rows()[:COUNT]
    folder.mkdir(parents=True, exist_ok=True)
    pictures = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (COUNT, 36, SIDE, SIDE, 3))
    depths = np.lib.format.open_memmap(folder / "depths.npy", "w+", np.float16, (COUNT, 36, SIDE, SIDE))
    with ProcessPoolExecutor(2) as pool:
        for k, (picture, depth) in enumerate(pool.map(views, range(COUNT), chunksize=8)):
            pictures[k], depths[k] = picture, depth
    for number, row in enumerate(labels):
        row["caption"], _ = caption(row, random.Random(f"said {number}"))
    data.contact_sheet(pictures[:12, 12:24:3].reshape(-1, SIDE, SIDE, 3), columns=8).save(folder / "sheet.png")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in labels))
    write_captions()
    print(f"{COUNT} toys in {folder}")
