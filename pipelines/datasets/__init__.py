"""Data sets, built by commands into a cache outside the repository; running never needs them.

A set is a folder with `images.npy` (uint8, n x 256 x 256 x 3, read by memory map), `rows.jsonl` (one JSON object a
picture, its `split` among them) and `sheet.png` (a contact sheet). Splits are made by hash, so they never change.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.core.hashing import unit_hash

__all__ = ["DataSet", "allocate", "cache_dir", "contact_sheet", "load", "node_modules", "save", "unit_hash"]
SIZE = 256
HERE = Path(__file__).parent


def cache_dir() -> Path:
    """Where data and checkpoints live: $DARKROOM_CACHE, or ~/.cache/darkroom."""
    return Path(os.environ.get("DARKROOM_CACHE", Path.home() / ".cache" / "darkroom"))


@dataclass(frozen=True)
class DataSet:
    """Pictures and their rows, in the same order."""

    name: str
    images: np.ndarray  # uint8 (n, 256, 256, 3)
    rows: list[dict]

    def split(self, *names: str) -> np.ndarray:
        """Indices (int64) of the pictures in the named splits."""
        return np.array([i for i, row in enumerate(self.rows) if row["split"] in names], dtype=np.int64)


def load(name: str) -> DataSet:
    """Open a data set that `python -m pipelines.datasets NAME` has built.

    Raises FileNotFoundError saying which command builds it.
    """
    folder = cache_dir() / "data" / name
    if not (folder / "rows.jsonl").exists():
        raise FileNotFoundError(f"The data set '{name}' is not built: run python -m pipelines.datasets {name}")
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    path = folder / "images.npy"  # of scenes-wide only latents are kept
    images = np.load(path, mmap_mode="r") if path.exists() else np.empty((0, SIZE, SIZE, 3), np.uint8)
    return DataSet(name, images, rows)


def allocate(name: str, n: int, size: int = SIZE) -> np.ndarray:
    """The data set's `images.npy`, empty, as a memory map: what is larger than memory is written picture by picture."""
    folder = cache_dir() / "data" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.jsonl").unlink(missing_ok=True)
    return np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (n, size, size, 3))


def save(name: str, images: np.ndarray, rows: list[dict], sheet: np.ndarray | None = None) -> Path:
    """Write a data set; rows last, since their presence means that the set is whole."""
    folder = cache_dir() / "data" / name
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(images, np.memmap):
        images.flush()  # allocated above: it lies there already
    else:
        np.save(folder / "images.npy", images)
    contact_sheet(images[:96] if sheet is None else sheet, columns=12).save(folder / "sheet.png")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return folder


def contact_sheet(images: np.ndarray, columns: int) -> Image.Image:
    """Lay uint8 pictures (n, h, w, 3) out in a grid, row by row, on white."""
    n, height, width, _ = images.shape
    lines = -(-n // columns)
    sheet = np.full((lines * height, columns * width, 3), 255, np.uint8)
    for i, image in enumerate(images):
        y, x = divmod(i, columns)
        sheet[y * height : (y + 1) * height, x * width : (x + 1) * width] = image
    return Image.fromarray(sheet)


def node_modules() -> Path:
    """The npm packages that the pictures come from, installed on first use at the pinned versions into the cache."""
    folder = cache_dir() / "npm"
    pins = ["package.json", "package-lock.json", ".npmrc"]

    def up_to_date() -> bool:
        return all((folder / p).exists() and (folder / p).read_bytes() == (HERE / p).read_bytes() for p in pins)

    if not up_to_date():
        cache_dir().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_dir(), ignore_cleanup_errors=True) as made:
            for pin in pins:
                shutil.copy(HERE / pin, made)
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=made, check=True)
            if not up_to_date():  # or another data set, built beside this one, was faster
                shutil.rmtree(folder, ignore_errors=True)
                Path(made).rename(folder)
    return folder / "node_modules"
