"""What the codec makes of every phrase, and what the resampler reads of every caption: computed once, since both are
frozen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipelines import datasets as data
from pipelines import text
from pipelines.datasets import captions, notes
from pipelines.models.audio import codec as audio
from pipelines.nn import weights


@dataclass(frozen=True)
class Codes:
    """Of each phrase its codes and its latents, normalised; of each caption, which belongs to phrase `of`, its 16
    tokens."""

    indices: np.ndarray  # int16 (n, 200, books)
    latents: np.ndarray  # fp16 (n, 200, 64)
    read: np.ndarray  # fp16 (m, 16, 256)
    of: np.ndarray  # int64 (m,)
    score: np.ndarray  # fp32 (m, 2): tempo and key as each caption says them (audio.score)
    picks: dict[str, np.ndarray]  # captions of training phrases; phrases of the other splits have theirs at the end

    def draw(
        self, split: str, count: int, rng: np.random.Generator, latents: bool = False
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Codes (b, 200, books), or latents (b, 200, 64), captions (b, 16, 256), and scores (b, 2)."""
        picks = rng.choice(self.picks[split], count)
        sequence = (
            torch.from_numpy(self.latents[self.of[picks]]).float()
            if latents
            else torch.from_numpy(self.indices[self.of[picks]]).long()
        )
        return sequence, torch.from_numpy(self.read[picks]).float(), torch.from_numpy(self.score[picks])


def load() -> Codes:
    """Open what `build` wrote. Raises FileNotFoundError saying which command builds it."""
    folder = data.cache_dir() / "data" / "codes"
    if not (folder / "score.npy").exists():
        raise FileNotFoundError("The codes are not there yet: run python -m pipelines.datasets codes")
    kept = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("indices", "latents", "read", "of", "score")]
    rows = notes.load()[1]
    splits = np.array([rows[i]["split"] for i in kept[3]])
    return Codes(*kept, {split: np.flatnonzero(splits == split) for split in ("train", "validation", "test")})


@torch.inference_mode()
def build() -> None:
    """Encode and read them all (five minutes on two cores); needs the codec and audio-words."""
    (sounds, rows), folder, codec = notes.load(), data.cache_dir() / "data" / "codes", audio.load()
    folder.mkdir(parents=True, exist_ok=True)
    indices, latents = [], []
    for first in range(0, len(rows), 32):
        z, found, _ = codec.quantizer(
            codec.encode(torch.from_numpy(sounds[first : first + 32].astype(np.float32) / 32_768))
        )
        indices.append(found.short().numpy())
        latents.append(((z - codec.mean) / codec.scale).half().numpy())
    texts = captions.load("notes")
    held_out = [k for k, row in enumerate(rows) if row["split"] in ("validation", "test")]
    resampler = weights.open_bundle("audio-words", lambda _: text.Resampler())
    read = [
        resampler(*texts.batch(part)).half().numpy()
        for part in np.array_split(np.arange(len(texts.picture)), len(texts.picture) // 128)
    ]
    read += [resampler(*text.encoder().batch([rows[k]["caption"]])).half().numpy() for k in held_out]
    np.save(folder / "indices.npy", np.concatenate(indices))
    np.save(folder / "latents.npy", np.concatenate(latents))
    of, named = np.concatenate([texts.picture, held_out]), [*texts.names, *(rows[k]["named"] for k in held_out)]
    np.save(folder / "of.npy", of)
    np.save(folder / "read.npy", np.concatenate(read))
    np.save(
        folder / "score.npy",
        np.array([notes.score(rows[k], names) for k, names in zip(of, named, strict=True)], np.float32),
    )
    print(f"{len(rows)} phrases and {sum(map(len, read))} captions in {folder}")
