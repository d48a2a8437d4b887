"""More scenes, of which only latents are kept: what a base needs is samples. Numbers go on where `scenes` ends;
training ones only.

Beside `rows.jsonl` there are `latents.npy` (fp16, n x c x 16 x 16, by the autoencoder in the cache) and `map.npy`
(int16, n x 64 x 2: what is at each of 8 x 8 places, and how deep, 0 to 255).
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch

from pipelines import datasets as data
from pipelines.datasets import scenes
from pipelines.models.latent_diffusion import autoencoder
from pipelines.nn.pixels import to_tensor

FIRST, COUNT, PART = 30_000, 100_000, 64


def coarse_map(segment: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """What is at the 64 places of scenes, at the middle of each, and how deep: int16 (n, 64, 2), from maps (n, 64,
    64)."""
    step, start = scenes.MAP // 8, scenes.MAP // 16
    parts = [part[:, start::step, start::step] for part in (segment, depth)]
    return np.stack(parts, -1).astype(np.int16).reshape(len(parts[0]), 64, 2)


def draw_part(numbers: range) -> tuple[np.ndarray, np.ndarray, list[dict]]:
    """Pictures, coarse maps and rows of the training scenes among some numbers."""
    parts = [part for part in map(scenes.make, numbers) if part[3]["split"] == "train"]
    pictures, segment, depth = (np.stack([part[k] for part in parts]) for k in range(3))
    return pictures, coarse_map(segment, depth), [part[3] for part in parts]


@torch.inference_mode()
def build(count: int = COUNT) -> None:
    """Compose, draw and encode them (half an hour on two cores); what is there already is kept, so it can be stopped
    and go on."""
    folder = data.cache_dir() / "data" / "scenes-wide"
    folder.mkdir(parents=True, exist_ok=True)
    model = autoencoder.load(folder=data.cache_dir() / "weights")
    parts = [range(i, min(i + PART, FIRST + count)) for i in range(FIRST, FIRST + count, PART)]
    todo = [part for part in parts if not (folder / f"part-{part[0]}.npz").exists()]
    with ProcessPoolExecutor(2) as pool:
        for numbers, (pictures, maps, rows) in zip(todo, pool.map(draw_part, todo), strict=True):
            z = model.encode(to_tensor(pictures).contiguous(memory_format=torch.channels_last)).half().numpy()
            lines = np.array([json.dumps(row, ensure_ascii=False) for row in rows])
            np.savez(folder / f"part-{numbers[0]}.npz", latents=z, map=maps, rows=lines)
    loaded = [np.load(folder / f"part-{part[0]}.npz") for part in parts]
    np.save(folder / "latents.npy", np.concatenate([part["latents"] for part in loaded]))
    np.save(folder / "map.npy", np.concatenate([part["map"] for part in loaded]))
    text = "".join(str(line) + "\n" for part in loaded for line in part["rows"])
    (folder / "rows.jsonl").write_text(text)
    print(f"{text.count(chr(10))} scenes in {folder}")
