"""The attribute reader: the measuring instrument. Augmented with small shifts, blur and noise, so that it reads soft
pictures as fairly as crisp ones. `perceptual` (models/latent_diffusion) is another, smaller one that serves only as a
loss: nothing is measured by what it was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import datasets as data
from pipelines.datasets.avatars import LABELS
from pipelines.evaluation.attribute_classifier import AttributeClassifier
from pipelines.nn import weights
from pipelines.nn.pixels import to_tensor


def targets(rows: list[dict]) -> dict[str, Tensor]:
    """Label indices (n,) of every attribute; -1 where an avatar has none or it cannot be seen."""
    index = {name: {value: i for i, value in enumerate(values)} for name, values in LABELS.items()}
    return {name: torch.tensor([index[name].get(row["labels"].get(name), -1) for row in rows]) for name in LABELS}


@torch.no_grad()
def accuracies(model: AttributeClassifier, images: np.ndarray, rows: list[dict]) -> dict[str, float]:
    """The share of pictures in which each attribute is read right, absent ones left out."""
    device = next(model.parameters()).device
    read = [
        {k: v.argmax(1).cpu() for k, v in model(to_tensor(images[i : i + 100]).to(device)).items()}
        for i in range(0, len(images), 100)
    ]
    wanted = targets(rows)
    found = {}
    for name in LABELS:
        there = wanted[name] >= 0
        found[name] = (torch.cat([r[name] for r in read])[there] == wanted[name][there]).float().mean().item()
    return found


class Recipe:
    name = "reader"
    steps, lr, ema, batch = 5000, 2e-3, 0.995, 64
    width, augment, look_every = 40, True, 240

    def __init__(self) -> None:
        self.set = data.load("avatars")
        self.train = self.set.split("train")
        self.targets = targets(self.set.rows)

    def build(self) -> AttributeClassifier:
        return AttributeClassifier(LABELS, self.width)

    def loss(self, model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        picks = rng.choice(self.train, self.batch)
        x = to_tensor(self.set.images[np.sort(picks)]).to(next(model.parameters()).device)
        picks = np.sort(picks)
        if self.augment:
            dy, dx = rng.integers(-2, 3, 2)
            x = torch.roll(x, (int(dy), int(dx)), (2, 3))
            soft = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
            x = torch.lerp(x, soft, torch.rand(len(x), 1, 1, 1, device=x.device))
            x = x + torch.randn_like(x) * 0.06 * torch.rand(len(x), 1, 1, 1, device=x.device)
        logits = model(x)
        losses = [
            F.cross_entropy(
                logits[k].float(), self.targets[k][picks].to(x.device), ignore_index=-1, label_smoothing=0.02
            )
            for k in LABELS
        ]
        return torch.stack(losses).mean(), {}

    def evaluate(self, model: nn.Module, folder: Path, step: int) -> dict[str, float]:
        picks = self.set.split("test")[:1000]
        found = accuracies(model, self.set.images[picks], [self.set.rows[i] for i in picks])
        return {k: round(v, 4) for k, v in found.items()}

    def export(self, model: nn.Module, record: dict) -> None:
        weights.save(self.name, model, {"labels": LABELS, "width": self.width}, {
            "data": "avatars (DiceBear avataaars), training split",
            "licence": "MIT; trained on DiceBear avataaars by Pablo Stanley (free for personal and commercial use)",
            "measured": "accuracy on 1,000 held-out real avatars (test split), by attribute",
            **record,
        })  # fmt: skip
