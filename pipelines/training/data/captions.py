"""Token features of every training caption, read once by the frozen text encoder: fp16, end to end, with offsets."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipelines import text
from pipelines.training import data
from pipelines.training.data import avatars, emoji

EMOJI_CAPTIONS = 4  # how many ways each sign is said; avatars are many, so they are said once


@dataclass(frozen=True)
class Captions:
    """Caption i belongs to picture `picture[i]` and has the tokens `tokens[start[i]:start[i + 1]]`."""

    tokens: np.ndarray  # fp16 (total, 384)
    start: np.ndarray  # int64 (n + 1,)
    picture: np.ndarray  # int64 (n,)
    names: list[list[str]]  # which attributes each caption names

    def batch(self, picks: np.ndarray) -> tuple[Tensor, Tensor]:
        """Padded token features (b, n, 384) and their mask (b, n) of some captions."""
        parts = [torch.from_numpy(self.tokens[self.start[i] : self.start[i + 1]].astype(np.float32)) for i in picks]
        tokens = torch.nn.utils.rnn.pad_sequence(parts, batch_first=True)
        return tokens, torch.arange(tokens.shape[1]) < torch.tensor([len(p) for p in parts])[:, None]


def load(name: str) -> Captions:
    """Open what `build` wrote. Raises FileNotFoundError saying which command builds it."""
    folder = data.cache_dir() / "data" / f"captions-{name}"
    if not (folder / "start.npy").exists():
        raise FileNotFoundError("The captions are not read yet: run python -m pipelines.training.data captions")
    names = [line.split() for line in (folder / "names.txt").read_text().split("\n")]
    return Captions(
        np.load(folder / "tokens.npy", mmap_mode="r"),
        np.load(folder / "start.npy"),
        np.load(folder / "picture.npy"),
        names,
    )


def build() -> None:
    """Read the captions of both sets of pictures (five minutes on two cores)."""
    rng = random.Random(1)
    for name, ways in (("avatars", 1), ("emoji", EMOJI_CAPTIONS)):
        rows = data.load(name).rows
        said, picture, names = [], [], []
        for i, row in enumerate(rows):
            if row["split"] != "train":
                continue
            for _ in range(ways):
                if name == "avatars":
                    caption, named = avatars.caption(row["labels"], row["gender"], rng)
                else:
                    caption, named = emoji.caption(row["label"], row["tags"], rng), []
                said.append(caption)
                picture.append(i)
                names.append(named)
        keep(name, said, picture, names)


def keep(name: str, said: list[str], of: list[int], names: list[list[str]]) -> None:
    """Read captions, of the given pictures or sounds, and write what `load` opens."""
    order = sorted(range(len(said)), key=lambda k: len(said[k]))  # batches of one length waste nothing on padding
    found: list[np.ndarray] = [np.empty(0)] * len(said)
    for first in range(0, len(order), 128):
        part = order[first : first + 128]
        tokens, mask = text.encoder().batch([said[k] for k in part])
        for k, features, real in zip(part, tokens, mask, strict=True):
            found[k] = features[real].half().numpy()
    folder = data.cache_dir() / "data" / f"captions-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "tokens.npy", np.concatenate(found))
    np.save(folder / "picture.npy", np.array(of))
    (folder / "names.txt").write_text("\n".join(" ".join(named) for named in names))
    np.save(folder / "start.npy", np.cumsum([0, *map(len, found)]))
    print(f"{len(said)} captions of {name} in {folder}")
