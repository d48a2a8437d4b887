"""Normalised latents of every picture, by the autoencoder in the cache: fp16 (n, c, 16, 16); of motion (n, 16, c, 16,
16), of toys (n, 36, c, 16, 16): what is smaller than the autoencoder's pictures is made as large."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines import datasets as data
from pipelines.models.latent_diffusion import autoencoder
from pipelines.nn.pixels import to_tensor
from pipelines.nn.weights import mixed_precision

SETS = ("scenes", "avatars", "motion", "toys")


def load(name: str) -> np.ndarray:
    """Open what `build` wrote, by memory map. Raises FileNotFoundError saying which command builds it."""
    path = data.cache_dir() / "data" / name / "latents.npy"
    if not path.exists():
        raise FileNotFoundError("The latents are not there yet: run python -m pipelines.datasets latents")
    return np.load(path, mmap_mode="r")


def enlarged(pictures: np.ndarray) -> Tensor:
    """Pictures uint8 (n, h, w, 3) as the autoencoder takes them: float (n, 3, 256, 256) in [-1, 1]."""
    x = to_tensor(pictures)
    return x if x.shape[3] == data.SIZE else F.interpolate(x, size=data.SIZE, mode="bicubic").clamp(-1, 1)


@torch.inference_mode()
def build() -> None:
    """Encode every set that is built and whose latents are missing or out of date (three minutes on two cores)."""
    weights = data.cache_dir() / "weights"
    model, coder = autoencoder.load(folder=weights), (weights / "autoencoder.json").stat().st_mtime
    for name in SETS:
        folder = data.cache_dir() / "data" / name
        path, rows = folder / "latents.npy", folder / "rows.jsonl"
        if not rows.exists() or (path.exists() and path.stat().st_mtime > max(coder, rows.stat().st_mtime)):
            continue
        pictures = data.load(name).images
        images = pictures.reshape(-1, *pictures.shape[-3:])
        x = (enlarged(np.array(images[i : i + 64])) for i in range(0, len(images), 64))
        with mixed_precision():
            parts = [model.encode(part.contiguous(memory_format=torch.channels_last)).half().numpy() for part in x]
        latents = np.concatenate(parts)
        np.save(path, latents.reshape(*pictures.shape[:-3], *latents.shape[1:]))
        spread = latents[::20].astype(np.float32)
        print(f"{len(latents)} latents of {name}, mean {spread.mean():.3f}, standard deviation {spread.std():.3f}")
