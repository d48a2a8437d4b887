"""Token features of every training caption, read once by the frozen text encoder: fp16, end to end, with offsets."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipelines import datasets as data
from pipelines import text
from pipelines.datasets import avatars, emoji
from pipelines.datasets.scenes import captions as scene_captions
from pipelines.nn.weights import mixed_precision

WAYS = {"avatars": 1, "emoji": 4, "scenes": 2, "scenes-wide": 1}  # captions a picture; those that are many have one


@dataclass(frozen=True)
class Captions:
    """Caption i belongs to picture `picture[i]` and has the tokens `tokens[start[i]:start[i + 1]]`."""

    tokens: np.ndarray  # fp16 (total, 384)
    start: np.ndarray  # int64 (n + 1,)
    picture: np.ndarray  # int64 (n,)
    names: list[list[str]]  # which attributes, or facts, each caption names

    def batch(self, picks: np.ndarray) -> tuple[Tensor, Tensor]:
        """Padded token features (b, n, 384) and their mask (b, n) of some captions."""
        parts = [torch.from_numpy(self.tokens[self.start[i] : self.start[i + 1]].astype(np.float32)) for i in picks]
        tokens = torch.nn.utils.rnn.pad_sequence(parts, batch_first=True)
        return tokens, torch.arange(tokens.shape[1]) < torch.tensor([len(p) for p in parts])[:, None]


def load(name: str) -> Captions:
    """Open what `build` wrote. Raises FileNotFoundError saying which command builds it."""
    folder = data.cache_dir() / "data" / f"captions-{name}"
    if not (folder / "start.npy").exists():
        raise FileNotFoundError("The captions are not read yet: run python -m pipelines.datasets captions")
    names = [line.split() for line in (folder / "names.txt").read_text().split("\n")]
    start, picture = np.load(folder / "start.npy"), np.load(folder / "picture.npy")
    return Captions(np.load(folder / "tokens.npy", mmap_mode="r"), start, picture, names)


def describe(name: str, row: dict, way: int, rng: random.Random) -> tuple[str, list[str]]:
    """A caption of a picture and what it names; of a scene's two, the first is complete, and so is every other wide
    one's."""
    if name == "avatars":
        return avatars.caption(row["labels"], row["gender"], rng)
    if name == "scenes":
        return scene_captions.caption(row, rng, complete=way == 0)
    if name == "scenes-wide":
        return scene_captions.caption(row, rng, complete=row["number"] % 2 == 0)
    return emoji.caption(row["label"], row["tags"], rng), []


def build() -> None:
    """Read the captions of all sets of pictures (ten minutes on two cores)."""
    for name, ways in WAYS.items():
        if not (data.cache_dir() / "data" / name / "rows.jsonl").exists():
            continue
        rng = random.Random(1)
        lines, picture, names = [], [], []
        for i, row in enumerate(data.load(name).rows):
            for way in range(ways) if row["split"] == "train" else ():
                line, named = describe(name, row, way, rng)
                lines.append(line)
                picture.append(i)
                names.append(named)
        keep(name, lines, picture, names)
        if name == "scenes":
            build_parts()


def build_parts() -> None:
    """Read what people write who paint over a part of a scene: `scenes-parts`, of every other training scene one thing
    that is seen ("thing.2") and what is there without one ("ground")."""
    rng, lines, picture, names = random.Random(2), [], [], []
    for i, row in enumerate(data.load("scenes").rows):
        seen = [k for k, thing in enumerate(row["things"]) if thing["seen"] > 0.4]
        if i % 2 and row["split"] == "train" and seen:
            thing = rng.choice(seen)
            lines += [scene_captions.describe_part(row, k, rng) for k in (thing, None)]
            picture += [i, i]
            names += [[f"thing.{thing}"], ["ground"]]
    keep("scenes-parts", lines, picture, names)


def keep(name: str, lines: list[str], of: list[int], names: list[list[str]]) -> None:
    """Read captions, of the given pictures or sounds, and write what `load` opens."""
    folder = data.cache_dir() / "data" / f"captions-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    order = sorted(range(len(lines)), key=lambda k: len(lines[k]))  # batches of one length waste nothing on padding
    found: list[np.ndarray] = [np.empty(0)] * len(lines)
    for first in range(0, len(order), 128):
        part = order[first : first + 128]
        with mixed_precision():
            tokens, mask = text.encoder().batch([lines[k] for k in part])
        for k, features, real in zip(part, tokens, mask, strict=True):
            found[k] = features[real].half().numpy()
    start = np.cumsum([0, *map(len, found)])
    tokens = np.lib.format.open_memmap(folder / "tokens.npy", "w+", np.float16, (int(start[-1]), text.WIDTH))
    for i, part in enumerate(found):
        tokens[start[i] : start[i + 1]] = part
    tokens.flush()
    np.save(folder / "picture.npy", np.array(of))
    (folder / "names.txt").write_text("\n".join(" ".join(named) for named in names))
    np.save(folder / "start.npy", start)
    print(f"{len(lines)} captions of {name} in {folder}")
