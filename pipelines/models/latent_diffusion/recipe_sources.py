"""What the recipes at 256 pixels learn from: captions, their pictures' latents, and where things stand in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from pipelines.datasets.scenes.kinds import COLOURS, KINDS, TONES
from pipelines.models.latent_diffusion.layout import Vocabulary

VOCABULARY = Vocabulary(
    tuple(kind.name for kind in KINDS),
    ("", *dict.fromkeys(colour for colours in COLOURS.values() for colour in colours)),
    ("", "left", "right"),
    ("", "man", "woman"),
    ("", *TONES),
)
NOTHING = VOCABULARY.encode([])


def layouts_of(rows: list[dict]) -> Int[np.ndarray, "n t 9"]:
    """Where things stand in some scenes."""
    found = [
        VOCABULARY.encode([row["groups"][t["group"]] | t for t in sorted(row["things"], key=lambda t: -t["depth"])])
        for row in rows
    ]
    return torch.stack(found).to(torch.int16).numpy()


class Joined:
    """Arrays one after the other, as one that can be indexed by row numbers; the first may be missing."""

    def __init__(self, *parts: np.ndarray) -> None:
        self.parts, self.starts = parts, np.cumsum([0, *map(len, parts)])
        self.shape = (int(self.starts[-1]), *parts[0].shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        rows = np.asarray(rows)
        found = np.empty((len(rows), *self.shape[1:]), self.parts[0].dtype)
        for part, start in zip(self.parts, self.starts, strict=False):
            here = (rows >= start) & (rows < start + len(part))
            found[here] = part[rows[here] - start]
        return found

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        return np.concatenate(self.parts)


Rows = np.ndarray | Tensor | Joined


@dataclass
class Source:
    """Captions of one kind of picture, and the pictures' latents. Captions come as the resampler read them, or as their
    coordinates in a basis."""

    latents: Rows  # (pictures, c, 16, 16), in units of `step`
    step: float
    picture: Rows  # (captions,)
    captions: Rows  # (captions, 16, 256), or (captions, rank)
    basis: Tensor | None = None  # (rank, 4096)
    mean: Tensor | None = None
    layout: Rows | None = None  # where things stand, a picture (pictures, t, 9); of avatars none
    truth: Rows | None = None  # what is at the 64 places: of scenes (pictures, 64, 2), of avatars (captions, 64, 128)

    def draw(self, picks: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
        """Latents of some captions' pictures, and the captions (n, 16, 256)."""
        z, caption = self.take(self.latents, self.take(self.picture, picks)), self.take(self.captions, picks)
        z, caption = (torch.as_tensor(part).to(device).float() for part in (z, caption))
        if self.basis is not None:
            caption = (caption @ self.basis.to(device) + self.mean.to(device)).unflatten(1, (16, -1))
        return z * self.step, caption

    @staticmethod
    def take(rows: Rows, picks: Rows) -> Rows:
        """Some rows, wherever they lie."""
        if isinstance(rows, Tensor):
            return rows[torch.as_tensor(picks).to(rows.device)]
        return rows[picks]

    def to(self, device: str) -> None:
        """Move everything onto a device, where drawing a batch is one operation."""
        for name in ("latents", "picture", "captions", "basis", "mean", "truth", "layout"):
            if getattr(self, name) is not None:
                setattr(self, name, torch.as_tensor(np.asarray(getattr(self, name))).to(device))
