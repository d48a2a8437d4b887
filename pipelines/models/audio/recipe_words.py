"""A resampler for sounds or for toys, on captions alone, before any model of them: it names what a caption says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.datasets import captions, notes, toys
from pipelines.nn import weights
from pipelines.text import Resampler

LABELS = {
    "audio": ("notes", ("instrument", "kind", "loudness", "register", "touch", "tonic", "mode", "tempo", "pace")),
    "toy": ("toys", ("kind", "colour", "other", "shape", "part")),
}
HELD = 2000  # captions that are kept to test with


class Namer(nn.Module):
    """A resampler under heads that exist only for this training."""

    def __init__(self, values: dict[str, list]) -> None:
        super().__init__()
        self.sizes = {name: len(every) for name, every in values.items()}
        self.resampler = Resampler()
        self.heads = nn.Linear(16 * 256, sum(self.sizes.values()))

    def forward(self, tokens: Tensor, mask: Tensor) -> dict[str, Tensor]:
        device = self.heads.weight.device
        logits = self.heads(self.resampler(tokens.to(device), mask.to(device)).flatten(1))
        return dict(zip(self.sizes, logits.float().cpu().split(list(self.sizes.values()), dim=1), strict=True))


class Recipe:
    steps, lr, ema, batch = 1500, 1e-3, 0.99, 96
    look_every = 60

    def __init__(self, kind: str = "audio") -> None:
        self.name, (self.set, labels) = f"{kind}-words", LABELS[kind]
        self.captions = captions.load(self.set)
        rows = notes.load()[1] if self.set == "notes" else toys.rows()
        facts = [rows[i] for i in self.captions.picture]
        self.values = {name: sorted({row[name] for row in facts if row[name] is not None}) for name in labels}
        self.targets = {}
        for name, values in self.values.items():  # what is not said cannot be known
            at = {value: k for k, value in enumerate(values)}
            self.targets[name] = torch.tensor(
                [
                    at[row[name]] if name in named else -1
                    for row, named in zip(facts, self.captions.names, strict=True)
                ]
            )

    def build(self) -> Namer:
        return Namer(self.values)

    def loss(self, model: Namer, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        picks = rng.integers(0, len(self.captions.names) - HELD, self.batch)
        logits, wanted = (
            model(*self.captions.batch(picks)),
            {name: target[picks] for name, target in self.targets.items()},
        )
        total = torch.stack(
            [F.cross_entropy(logits[k], wanted[k], ignore_index=-1, reduction="sum") for k in wanted]
        ).sum()
        return total / sum(int((w >= 0).sum()) for w in wanted.values()), {}

    @torch.no_grad()
    def evaluate(self, model: Namer, folder: Path, step: int) -> dict[str, float]:
        picks = np.arange(len(self.captions.names) - HELD, len(self.captions.names))
        read = [
            {k: v.argmax(1) for k, v in model(*self.captions.batch(part)).items()} for part in np.split(picks, 10)
        ]
        found = {}
        for name, target in self.targets.items():
            valid = target[picks] >= 0
            found[name] = round((torch.cat([r[name] for r in read]) == target[picks])[valid].float().mean().item(), 3)
        return found

    def export(self, model: Namer, record: dict) -> None:
        weights.save(self.name, model.resampler, {}, {
            "data": f"captions of {self.set}, composed by this project", "licence": "MIT; on MiniLM's tokens (Apache 2.0)",
            "measured": f"share of the named labels that are read from {HELD} held-out captions", **record,
        })  # fmt: skip
