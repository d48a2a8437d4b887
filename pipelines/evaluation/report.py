"""Report cards: how near a model's pictures are to held-out real ones, how diverse, how well they follow their words,
and what they cost; and the same figures for sets of pictures that people bring.

Every figure is the mean over sets of seeds with its standard deviation over them, and is named with its extractor.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator
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
from pipelines.evaluation.picture_sets import PictureSet, SetError
from pipelines.media import images
from pipelines.nn import weights

REFERENCES = ASSETS / "references"
CARDS = ASSETS / "reports.json"
N, SEEDS = 100, 3  # pictures of a set, and sets
MOST = 5_000  # pictures of a set whose neighbours are looked for: that grows with the square
KEPT = 10  # pictures from one save to the next
RECORDING = threading.Lock()


@dataclass(frozen=True)
class Reference:
    """Real pictures that nothing was trained on, as features, with captions; and other real ones to compare with."""

    name: str
    held_out: Float[Tensor, "n d"]
    other: Float[Tensor, "m d"]
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
    floor: dict[str, float]  # what as many real pictures have: bias and noise of the figures, no model's doing
    notes: list[str] = field(default_factory=list)
    made_with: str = ""  # fingerprint of the weights and the extractor's


@dataclass(frozen=True)
class Progress:
    """How far an evaluation is; the newest picture, where it draws any."""

    done: int
    total: int
    text: str
    picture: np.ndarray | None = None


def open_reference(name: str) -> Reference:
    """A bundled reference, seen by the eye. Raises WeightsError where its file is not there or the eye is another."""
    path = REFERENCES / f"{name}.safetensors"
    try:
        with safe_open(path, "pt") as file:
            held_out, other = (file.get_tensor(key).float() for key in ("held_out", "other"))
            about = file.metadata() or {}
        captions, eye = json.loads(about["captions"]), about["eye"]
    except (OSError, SafetensorError, KeyError, ValueError):
        raise WeightsError(
            f"The reference {path.name} is missing or damaged; restore it with git checkout."
        ) from None
    if eye != fingerprint(("eye",)):
        raise WeightsError(f"The reference {path.name} was seen by another eye: run python -m bench references.")
    return Reference(name, held_out, other, captions)


def figures(mine: Tensor, real: Tensor, seed: int = 0) -> dict[str, float]:
    """Distances, and neighbours among as many real ones, of one set of features."""
    a, b = (some(side, MOST, seed) for side in (mine, real))
    return {
        "KID × 1000": 1000 * metrics.kid(metrics.stretched(a), metrics.stretched(b)),
        "Fréchet": metrics.frechet(mine, real),
        "CMMD": metrics.cmmd(a, b),
        **metrics.neighbours(a, some(b, len(a), seed)),
    }


def some(features: Tensor, n: int, seed: int = 0) -> Tensor:
    """At most n of them, drawn by a seed."""
    if len(features) <= n:
        return features
    return features[torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))[:n]]


def clip_score(pictures: Tensor, captions: Tensor) -> float:
    """100 times the mean cosine of pictures with their captions, not below 0 (Hessel et al. 2021)."""
    return (100 * (pictures * captions).sum(1)).clamp_min(0).mean().item()


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
        replace(self.path, lambda part: save_file(self.tensors, part))


def replace(path: Path, write: Callable[[Path], Any]) -> None:
    """Write beside a file, then put that in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{uuid.uuid4().hex}.part")
    write(part)
    part.replace(path)


def draw_here(name: str, settings: dict[str, Any]) -> np.ndarray:
    """A model's picture with these settings."""
    *_, last = load(name).generate(**settings)
    return last.result.preview


def evaluate(
    name: str,
    label: str = "",
    n: int = N,
    sets: int = SEEDS,
    folder: Path | None = None,
    draw: Callable[[str, dict[str, Any]], np.ndarray] = draw_here,
) -> Iterator[Progress | Report]:
    """Draw n pictures of each of so many sets of seeds by a model and measure them against its reference; the report
    last. It goes on where one that was closed had come to.

    Raises KeyError for an unknown model, SetError for one that has no reference, WeightsError.
    """
    spec = get_spec(name)
    if not spec.reference:
        raise SetError(f"{spec.title} is not compared with real pictures.")
    if label not in spec.evaluated:
        raise SetError(f"{spec.title} is evaluated as one of {', '.join(repr(one) for one in spec.evaluated)}.")
    reference, side, settings = open_reference(spec.reference), EXTRACTORS["eye"].side, dict(spec.evaluated[label])
    captions = reference.captions if "prompt" in spec.settings.model_fields else []
    made_with = fingerprint((*spec.weights_for(settings), "eye"))
    kept = Kept(json.dumps([name, settings, made_with, captions, weights.pick_device()]), folder)
    network, total = open_extractor("eye"), n * sets
    while len(kept) < total:
        pictures, seconds = [], []
        try:
            for seed in range(len(kept), min(len(kept) + KEPT, total)):
                words = {"prompt": captions[seed % len(captions)]} if captions else {}
                begun = time.perf_counter()
                picture = draw(name, settings | words | {"seed": seed})
                seconds.append(time.perf_counter() - begun)
                pictures.append(images.center_crop(picture, side))
                yield Progress(seed + 1, total, words.get("prompt", f"seed {seed}"), pictures[-1])
        finally:  # a stop loses nothing
            if pictures:
                kept.add(network.features(np.stack(pictures)), seconds)
    features, seconds = (kept.tensors[k][:total] for k in ("features", "seconds"))
    found, real = [figures(part, reference.held_out) for part in features.split(n)], some(reference.other, n)
    floor = figures(real, reference.held_out)
    if captions:
        words = network.encode_captions(captions)
        wanted = words[torch.arange(total) % len(captions)]
        for one, part, of in zip(found, features.split(n), wanted.split(n), strict=True):
            one["CLIP score"] = clip_score(part, of)
        floor["CLIP score"] = clip_score(reference.held_out[: len(words)], words)
    for one, part in zip(found, seconds.split(n), strict=True):
        one["ms a picture"] = 1000 * part.median().item()
    floor = {key: round(value, 4) for key, value in floor.items()}
    notes = [few(n, features.shape[1], floor["Fréchet"])]
    yield Report(name, label, spec.reference, "eye", n, sets, summarise(found), floor, notes, made_with)


def few(n: int, dimension: int, real: float) -> str:
    """What the Fréchet distance's bias does to n pictures."""
    start = f"{n} pictures are fewer than the {dimension} features, so " if n <= dimension else ""
    text = f"{start}the Fréchet distance is biased upwards: {n} real pictures have {real:.2f} themselves."
    return text[0].upper() + text[1:]


def score(paths: list[Path], against: list[Path] | str, extractor: str = "eye") -> Iterator[Progress | Report]:
    """Measure a set of pictures against another one, or against a bundled reference (its name); the report last.

    Raises SetError where there are no pictures, WeightsError.
    """
    if isinstance(against, str) and extractor != "eye":
        raise SetError("The bundled references are known to the house's eye only: give real pictures of your own.")
    mine, notes = yield from see(paths, extractor, "Yours")
    if isinstance(against, str):
        reference = open_reference(against)
        real, other = reference.held_out, reference.other
    else:
        whole, more = yield from see(against, extractor, "The real ones")
        notes += more
        whole = some(whole[torch.randperm(len(whole), generator=torch.Generator().manual_seed(0))], 2 * MOST)
        real, other = whole, whole[: len(whole) // 2]
    found: dict[str, tuple[float, float | None]] = {k: (round(v, 4), None) for k, v in figures(mine, real).items()}
    size = min(500, len(mine) // 2, len(real) // 2)
    if size > 1:  # subsets that are nearly all of it would not differ
        both = metrics.stretched(mine), metrics.stretched(real)
        found["KID × 1000"] = tuple(round(1000 * v, 4) for v in metrics.kid_over_subsets(*both, size=size))
    floor = {}
    if len(other) > 3 and len(real) - len(other) > 3:
        rest = real if isinstance(against, str) else real[len(other) :]
        twin = some(other, len(mine))
        floor = {k: round(v, 4) for k, v in figures(twin, rest).items()}
        notes.append(few(len(twin), mine.shape[1], floor["Fréchet"]))
    what = against if isinstance(against, str) else listed(against)
    made_with = fingerprint(("eye",)) if extractor == "eye" else ""
    yield Report(listed(paths), "", what, extractor, len(mine), 1, found, floor, notes, made_with)


def listed(paths: list[Path]) -> str:
    """What a set is called."""
    more = f" and {len(paths) - 2} more" if len(paths) > 2 else ""
    return ", ".join(path.name for path in paths[:2]) + more


def see(paths: list[Path], extractor: str, whose: str) -> Generator[Progress, None, tuple[Tensor, list[str]]]:
    """Features of a set's pictures, and what there is to say of it."""
    pictures, parts, notes = PictureSet(paths), [], []
    for part in extract(pictures.read(EXTRACTORS[extractor].side), extractor):
        if part is not None:
            parts.append(part)
        done = sum(map(len, parts)) + pictures.left_out.total()
        yield Progress(done, pictures.count, f"{done:,} of {pictures.count:,} files seen")
    if pictures.left_out:
        reason, _ = pictures.left_out.most_common(1)[0]
        count = f"{pictures.left_out.total():,} of {pictures.count:,}"
        notes.append(f"{whose}: {count} files were left out, mostly since one {reason}.")
    found = sum(map(len, parts))
    if found < 4:
        raise SetError(
            f"{whose}: only {found} of {pictures.count:,} files can be read{'. ' + notes[0] if notes else '.'} Distances "
            "between sets need four pictures at least, and hundreds to mean much."
        )
    return torch.cat(parts), notes


def to_record(report: Report) -> dict[str, Any]:
    """A report as JSON, with this process's memory in MB."""
    return asdict(report) | {"memory": round(psutil.Process().memory_info().rss / 1e6)}


def cards(path: Path = CARDS) -> list[dict[str, Any]]:
    """The reports on record; none where the file is not there or damaged."""
    try:
        rows = json.loads(path.read_text())
        return [row for row in rows if {"name", "label", "against", "figures", "floor", "notes", "n"} <= row.keys()]
    except (OSError, ValueError, AttributeError, TypeError):
        return []


def add_card(record: dict[str, Any], path: Path = CARDS) -> None:
    """Put a report on record, in place of an older one of the same model and settings."""
    with RECORDING:
        rows = cards(path)
        if not rows and path.exists():
            path.replace(path.with_suffix(".damaged"))  # for whoever can mend it
        rest = [one for one in rows if (one["name"], one["label"]) != (record["name"], record["label"])]
        rows = sorted([*rest, record], key=lambda one: (one["against"], one["name"], one["label"]))
        replace(path, lambda part: part.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n"))
