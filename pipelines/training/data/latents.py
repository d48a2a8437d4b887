"""Normalised latents of every picture, by the bundled autoencoder: fp16 (n, 8, 16, 16)."""

from __future__ import annotations

import numpy as np
import torch

from pipelines import autoencoder
from pipelines.training import data


def load(name: str) -> np.ndarray:
    """Open what `build` wrote, by memory map. Raises FileNotFoundError saying which command builds it."""
    path = data.cache_dir() / "data" / name / "latents.npy"
    if not path.exists():
        raise FileNotFoundError("The latents are not there yet: run python -m pipelines.training.data latents")
    return np.load(path, mmap_mode="r")


@torch.inference_mode()
def build() -> None:
    """Encode both sets (four minutes on two cores)."""
    model = autoencoder.load()
    for name in ("avatars", "emoji"):
        images = data.load(name).images
        x = (torch.from_numpy(np.array(images[i : i + 64])).permute(0, 3, 1, 2).float() / 127.5 - 1 for i in range(0, len(images), 64))
        latents = np.concatenate([model.encode(part).half().numpy() for part in x])
        np.save(data.cache_dir() / "data" / name / "latents.npy", latents)
        print(f"{len(latents)} latents of {name}, mean {latents.mean():.3f}, standard deviation {latents.astype(np.float32).std():.3f}")
