"""The resampler for sound, on captions alone, before any sound: it names what a phrase's caption says of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import weights
from pipelines.text import Resampler
from pipelines.training.data import captions, notes

LABELS: dict[str, list] = {
    "instrument": list(notes.NAMES.values()),
    "kind": list(notes.KINDS),
    "loudness": list(notes.VELOCITIES),
    "register": list(notes.REGISTERS),
    "touch": list(notes.LENGTHS),
    "tonic": list(range(12)),
    "mode": list(notes.MODES),
    "tempo": [beats for tempi in notes.TEMPI.values() for beats in tempi],
    "pace": list(notes.TEMPI),
}
HELD = 2000  # captions that are kept to test with


class Namer(nn.Module):
    """A resampler under heads that exist only for this training."""

    def __init__(self) -> None:
        super().__init__()
        self.resampler = Resampler()
        self.heads = nn.Linear(16 * 256, sum(len(v) for v in LABELS.values()))

    def forward(self, tokens: Tensor, mask: Tensor) -> dict[str, Tensor]:
        device = self.heads.weight.device
        logits = self.heads(self.resampler(tokens.to(device), mask.to(device)).flatten(1))
        return dict(zip(LABELS, logits.float().cpu().split([len(v) for v in LABELS.values()], dim=1), strict=True))


class Recipe:
    name = "audio-words"
    steps, lr, ema, batch = 1500, 1e-3, 0.99, 96
    look_every = 60

    def __init__(self) -> None:
        self.captions, rows = captions.load("notes"), notes.load()[1]
        self.targets = {}
        for name, values in LABELS.items():  # what is not said cannot be known
            known = [rows[i][name] for i in self.captions.picture]
            self.targets[name] = torch.tensor([values.index(v) if name in named else -1 for v, named in zip(known, self.captions.names, strict=True)])
        self.count = len(self.captions.picture)

    def build(self) -> Namer:
        return Namer()

    def loss(self, model: Namer, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        picks = rng.integers(0, self.count - HELD, self.batch)
        logits, wanted = model(*self.captions.batch(picks)), {name: target[picks] for name, target in self.targets.items()}
        total = torch.stack([F.cross_entropy(logits[k], wanted[k], ignore_index=-1, reduction="sum") for k in LABELS]).sum()
        return total / sum(int((w >= 0).sum()) for w in wanted.values()), {}

    @torch.no_grad()
    def evaluate(self, model: Namer, folder: Path, step: int) -> dict[str, float]:
        picks = np.arange(self.count - HELD, self.count)
        read = [{k: v.argmax(1) for k, v in model(*self.captions.batch(part)).items()} for part in np.split(picks, 10)]
        found = {}
        for name in LABELS:
            wanted = self.targets[name][picks]
            found[name] = round((torch.cat([r[name] for r in read]) == wanted)[wanted >= 0].float().mean().item(), 3)
        return found

    def export(self, model: Namer, record: dict) -> None:
        weights.save(self.name, model.resampler, {}, {
            "data": "captions of composed phrases", "licence": "MIT; on MiniLM's tokens (Apache 2.0)",
            "measured": f"share of the named labels that are read from {HELD} held-out captions", **record,
        })  # fmt: skip
