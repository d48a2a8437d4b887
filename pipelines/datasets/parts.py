"""Sets of which only latents are kept, drawn and encoded part by part, so that they can be stopped and go on.

Beside `rows.jsonl` there is `latents.npy` (fp16, n x c x 16 x 16, by the autoencoder in the cache; of clips n x f x
...), and a file for each further array that was drawn.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch

from pipelines import datasets as data
from pipelines.models.latent_diffusion import autoencoder
from pipelines.nn.pixels import to_tensor

BATCH = 64


@torch.inference_mode()
def build(
    name: str, parts: Sequence[range], draw: Callable[[range], tuple[np.ndarray, list[dict], dict[str, np.ndarray]]]
) -> None:
    """Draw the pictures, rows and further arrays of each part, and encode; what is there already is kept."""
    folder = data.cache_dir() / "data" / name
    folder.mkdir(parents=True, exist_ok=True)
    model = autoencoder.load(folder=data.cache_dir() / "weights")
    todo = [part for part in parts if not (folder / f"part-{part[0]}.npz").exists()]
    with ProcessPoolExecutor(2) as pool:
        for numbers, (pictures, rows, arrays) in zip(todo, pool.map(draw, todo), strict=True):
            flat = to_tensor(pictures.reshape(-1, *pictures.shape[-3:]))
            every = [model.encode(x.contiguous(memory_format=torch.channels_last)) for x in flat.split(BATCH)]
            z = torch.cat(every).half().numpy()
            lines = np.array([json.dumps(row, ensure_ascii=False) for row in rows])
            np.savez(
                folder / f"part-{numbers[0]}.npz",
                latents=z.reshape(*pictures.shape[:-3], *z.shape[1:]),
                rows=lines,
                **arrays,
            )
    loaded = [np.load(folder / f"part-{part[0]}.npz") for part in parts]
    for key in set(loaded[0].files) - {"rows"}:
        np.save(folder / f"{key}.npy", np.concatenate([part[key] for part in loaded]))
    text = "".join(str(line) + "\n" for part in loaded for line in part["rows"])
    (folder / "rows.jsonl").write_text(text)
    print(f"{text.count(chr(10))} of {name} in {folder}")
