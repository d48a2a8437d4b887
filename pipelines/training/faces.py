"""Batches of faces for the recipes of the classic families, from the data set or from a pack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines import datasets as data
from pipelines.models.gan.conditions import CONDITIONS
from pipelines.nn.pixels import to_tensor
from pipelines.training import packs

PACKED = 12_000  # faces that travel in a pack


class Faces:
    """Faces uint8 (n, 64, 64, 3), their conditions (n, k) as indices, and which are held out."""

    def __init__(self, pack: Path | None = None) -> None:
        if pack is not None:
            arrays = packs.read_pack(pack)
            self.images, self.labels, self.held_out = (arrays[k] for k in ("images", "labels", "held_out"))
            self.train = np.arange(len(self.images))
            return
        source = data.load("faces")
        self.images = np.array(source.images)
        rows = [row["labels"] for row in source.rows]
        self.labels = np.array([[v.index(row.get(name, "none")) for name, v in CONDITIONS.items()] for row in rows])
        self.train, held_out = source.split("train"), source.split("validation", "test")
        self.held_out = self.images[held_out[:512]]

    def pack(self, folder: Path) -> int:
        """Write what a GPU needs; its bytes."""
        picks = self.train[:PACKED]
        arrays = {"images": self.images[picks], "labels": self.labels[picks].astype(np.int16)}
        return packs.write_pack(folder, arrays | {"held_out": self.held_out})

    def draw(self, n: int, rng: np.random.Generator, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
        """Faces (n, 3, 64, 64) in [-1, 1], and their conditions (n, k)."""
        picks = self.train[rng.integers(len(self.train), size=n)]
        return to_tensor(self.images[picks]).to(device), torch.from_numpy(self.labels[picks]).long().to(device)
