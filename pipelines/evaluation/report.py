"""Report cards: how near a model's pictures are to held-out real ones, how diverse, how well they follow their words,
and what they cost; and the same figures for sets of pictures that people bring.

Every figure is the mean over sets of seeds with its standard deviation over them, and is named with its extractor.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from pipelines import load
from pipelines.core.cards import WeightsError, data_dir, fingerprint
from pipelines.core.registry import get_spec
from pipelines.core.spec import ASSETS
from pipelines.evaluation import metrics
from pipelines.evaluation.extractors import EXTRACTORS, extract, open_extractor
from pipelines.evaluation.picture_sets import PictureSet
from pipelines.media import images

REFERENCES = ASSETS / "references"
CARDS = ASSETS / "reports.json"
N, SEEDS = 100, 3  # pictures of a set, and sets
MOST = 5_000  # pictures of a set whose neighbours are looked for: that grows with the square
KEPT = 10  # pictures from one save to the next


@dataclass(frozen=True)
class Reference:
    """Real pictures that nothing was trained on, as features; training pictures; captions of the former."""

    name: str
    held_out: Float[Tensor, "n d"]
    train: Float[Tensor, "m d"]
    captions: list[str]


@dataclass(frozen=True)
class Report:
    """What was measured: figure: its mean, and its standard deviation over sets or subsets where there are several."""

    name: str  # the model, or what the person's set is called
    label: str  # which settings of it
    against: str
    extractor: str
    n: int  # pictures of each set
    sets: int
    figures: dict[str, tuple[float, float | None]]
    notes: list[str] = field(default_factory=list)
    made_with: str = ""  # fingerprint of the weights


@dataclass(frozen=True)
class Progress:
    """How far an evaluation is; the newest picture, where it draws any."""

    done: int
    total: int
    text: str
    picture: np.ndarray | None = None


def open_reference(name: str) -> Reference:
    """A bundled reference, seen by the eye. Raises WeightsError where its file is not there."""
    path = REFERENCES / f"{name}.safetensors"
    try:
        with safe_open(path, "pt") as file:
            held_out, train = (file.get_tensor(key).float() for key in ("held_out", "train"))
            captions = json.loads(file.metadata()["captions"])
    except (OSError, SafetensorError, KeyError, ValueError):
        raise WeightsError(
            f"The reference {path.name} is missing or damaged; restore it with git checkout."
        ) from None
    return Reference(name, held_out, train, captions)


def figures(mine: Tensor, real: Tensor, train: Tensor | None = None, seed: int = 0) -> dict[str, float]:
    """Distances and neighbours of one set of features against real ones."""
    a, b = (some(side, MOST, seed) for side in (mine, real))
    found = {
        "KID × 1000": 1000 * metrics.kid(a, b),
        "Fréchet": metrics.frechet(mine, real),
        "CMMD": metrics.cmmd(a, b),
        **metrics.neighbours(a, b),
    }
    return found if train is None else found | {"memorised": metrics.memorised(a, train, real)}


def some(features: Tensor, n: int, seed: int = 0) -> Tensor:
    """At most n of them, drawn by a seed."""
    if len(features) <= n:
        return features
    return features[torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))[:n]]


def floor(real: Tensor, other: Tensor, n: int) -> dict[str, float]:
    """What n real pictures would have against the real ones: bias and noise of the figures, not of any model."""
    fake = some(other, n)
    return {
        "Fréchet": metrics.frechet(fake, real),
        "KID × 1000": 1000 * metrics.kid(some(fake, MOST), some(real, MOST)),
    }


def summarise(sets: list[dict[str, float]]) -> dict[str, tuple[float, float | None]]:
    """Mean and standard deviation of each figure over sets."""
    found = {}
    for key in sets[0]:
        values = [one[key] for one in sets]
        spread = statistics.stdev(values) if len(values) > 1 else None
        found[key] = (round(statistics.fmean(values), 4), None if spread is None else round(spread, 4))
    return found


class Kept:
    """The features of a model's pictures so far, on the disk, so that an evaluation that was stopped goes on."""

    def __init__(self, key: str, folder: Path | None = None) -> None:
        folder = folder or data_dir() / "evaluation"
        self.path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.safetensors"
        try:
            self.tensors = load_file(self.path)
        except (OSError, SafetensorError):
            self.tensors = {}

    def __len__(self) -> int:
        return len(self.tensors.get("seconds", ()))

    def add(self, features: Tensor, seconds: list[float]) -> None:
        """Some more pictures; written beside the old file, which is then replaced."""
        new = {"features": features, "seconds": torch.tensor(seconds)}
        self.tensors = {k: torch.cat([self.tensors[k], v]) if k in self.tensors else v for k, v in new.items()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        save_file(self.tensors, part)
        part.replace(self.path)


def evaluate(
    name: str, label: str = "", n: int = N, sets: int = SEEDS, folder: Path | None = None
) -> Iterator[Progress | Report]:
    """Draw n pictures of each of so many sets of seeds by a model and measure them against its reference; the report
    last. It goes on where one that was closed had come to.

    Raises KeyError for an unknown model, ValueError for one that has no reference, WeightsError.
    """
    spec = get_spec(name)
    if not spec.reference or label not in spec.evaluated:
        wanted = ", ".join(f"'{one}'" for one in spec.evaluated)
        raise ValueError(
            f"{spec.title} is not compared with real pictures."
            if not spec.reference
            else f"{spec.title} is evaluated as one of {wanted}."
        )
    reference, side = open_reference(spec.reference), EXTRACTORS["eye"].side
    takes_words = "prompt" in spec.settings.model_fields
    key = json.dumps(
        [name, label, fingerprint(spec.weights), fingerprint(("eye",)), spec.evaluated[label]], default=str
    )
    kept = Kept(key, folder)
    network, pipe, total = open_extractor("eye"), load(name), n * sets
    while len(kept) < total:
        pictures, seconds = [], []
        for seed in range(len(kept), min(len(kept) + KEPT, total)):
            words = {"prompt": reference.captions[seed % len(reference.captions)]} if takes_words else {}
            begun = time.perf_counter()
            *_, last = pipe.generate(**spec.evaluated[label], **words, seed=seed)
            seconds.append(time.perf_counter() - begun)
            pictures.append(images.center_crop(last.result.preview, side))
            yield Progress(seed + 1, total, words.get("prompt", f"seed {seed}"), pictures[-1])
        kept.add(network.features(np.stack(pictures)), seconds)
    features, seconds = (kept.tensors[k][:total] for k in ("features", "seconds"))
    found = [figures(part, reference.held_out, reference.train) for part in features.split(n)]
    if takes_words:
        captions = network.encode_captions([reference.captions[i % len(reference.captions)] for i in range(total)])
        for one, part, words in zip(found, features.split(n), captions.split(n), strict=True):
            one["CLIP score"] = (100 * (part * words).sum(1)).clamp_min(0).mean().item()
    for one, part in zip(found, seconds.split(n), strict=True):
        one["ms a picture"] = 1000 * part.median().item()
    base = floor(reference.held_out, reference.train, n)
    notes = [few(n, features.shape[1], base["Fréchet"])]
    if takes_words:
        real = network.encode_captions(reference.captions)
        score = (100 * (reference.held_out[: len(real)] * real).sum(1)).clamp_min(0).mean().item()
        notes.append(f"Real pictures have a CLIP score of {score:.1f} with these captions.")
    yield Report(
        name,
        label,
        spec.reference,
        "eye",
        n,
        sets,
        summarise(found),
        [*filter(None, notes)],
        fingerprint(spec.weights),
    )


def few(n: int, dimension: int, real: float) -> str:
    """What the Fréchet distance's bias does to n pictures."""
    start = f"{n} pictures are fewer than the {dimension} features, so " if n <= dimension else ""
    text = f"{start}the Fréchet distance is biased upwards: {n} real pictures would have {real:.2f} themselves."
    return text[0].upper() + text[1:]


def score(paths: list[Path], against: list[Path] | str, extractor: str = "eye") -> Iterator[Progress | Report]:
    """Measure a set of pictures against another one, or against a bundled reference (its name); the report last.

    Raises ValueError with one sentence where there are no pictures, WeightsError.
    """
    if isinstance(against, str) and extractor != "eye":
        raise ValueError("The bundled references are known to the house's eye only: give real pictures of your own.")
    sides, notes, train = [], [], None
    for given in (paths, against):
        if isinstance(given, str):
            reference = open_reference(given)
            sides.append(reference.held_out)
            train = reference.train
            continue
        pictures, parts, done = PictureSet(given), [], 0
        for part in extract(pictures.read(EXTRACTORS[extractor].side), extractor):
            parts.append(part)
            done += len(part)
            yield Progress(done, pictures.count, f"{done:,} of {pictures.count:,} seen")
        if pictures.left_out:
            reason, _ = pictures.left_out.most_common(1)[0]
            notes.append(
                f"{pictures.left_out.total():,} of {pictures.count:,} files were left out: the first {reason}."
            )
        if done < 4:
            raise ValueError(
                f"There {'is one picture' if done == 1 else f'are {done} pictures'} that can be read"
                f"{'; ' + notes[-1] if notes else ''}; distances between sets need four at least, hundreds to mean much."
            )
        sides.append(torch.cat(parts))
    mine, real = sides
    found = {k: (round(v, 4), None) for k, v in figures(mine, real, train).items()}
    found["KID × 1000"] = tuple(round(1000 * v, 4) for v in metrics.kid_over_subsets(mine, real))
    half = len(real) // 2
    base = (
        floor(real[:half], real[half:], min(len(mine), len(real) - half)) if half > 1 else {"Fréchet": float("nan")}
    )
    notes.append(few(len(mine), mine.shape[1], base["Fréchet"]))
    what = against if isinstance(against, str) else ", ".join(path.name for path in against[:3])
    yield Report(", ".join(path.name for path in paths[:3]), "", what, extractor, len(mine), 1, found, notes)


def to_record(report: Report) -> dict[str, Any]:
    """A report as JSON, with this process's memory in MB."""
    return asdict(report) | {"memory": round(psutil.Process().memory_info().rss / 1e6)}


def cards(path: Path = CARDS) -> list[dict[str, Any]]:
    """The reports on record; none where the file is not there or damaged."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return []


def add_card(record: dict[str, Any], path: Path = CARDS) -> None:
    """Put a report on record, in place of an older one of the same model and settings."""
    rest = [one for one in cards(path) if (one["name"], one["label"]) != (record["name"], record["label"])]
    rows = sorted([*rest, record], key=lambda one: (one["against"], one["name"], one["label"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    part.replace(path)
