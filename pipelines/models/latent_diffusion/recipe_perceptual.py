"""The perceptual network: a smaller reader of scenes and avatars whose features are a loss for the autoencoder, and
never a measure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import datasets as data
from pipelines.datasets.avatars import LABELS
from pipelines.evaluation import recipe_scenes as scene_reader
from pipelines.evaluation.recipe_attributes import targets
from pipelines.evaluation.scene_reader import SceneReader
from pipelines.nn import weights
from pipelines.nn.pixels import to_tensor


def load_perceptual() -> SceneReader:
    """The network that `python -m pipelines.training perceptual` has left in the cache."""
    return weights.open_bundle("perceptual", lambda config: SceneReader(**config), data.cache_dir() / "weights")


class Recipe(scene_reader.Recipe):
    name = "perceptual"
    steps, width, batch = 3000, 32, 32

    def __init__(self) -> None:
        super().__init__()
        self.avatars = data.load("avatars")
        self.faces = self.avatars.split("train")
        self.targets = targets(self.avatars.rows)

    def build(self) -> nn.Module:
        return SceneReader(scene_reader.THING_LABELS, scene_reader.SCENE_LABELS, LABELS, self.width)

    def loss(self, model: SceneReader, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        n, device = self.batch // 2, next(model.parameters()).device
        picks = np.sort(rng.choice(self.train, n, replace=False))
        faces = np.sort(rng.choice(self.faces, self.batch - n, replace=False))
        x = torch.cat([to_tensor(self.set.images[picks]), to_tensor(self.avatars.images[faces])]).to(device)
        features = model.features(x)
        total, parts = scene_reader.detection_loss(
            model, [f[:n] for f in features], [self.set.rows[i] for i in picks]
        )
        logits = model.attribute_logits([f[n:] for f in features])
        wanted = {k: self.targets[k][faces].to(device) for k in LABELS}
        naming = sum(F.cross_entropy(logits[k].float(), wanted[k], ignore_index=-1, reduction="sum") for k in LABELS)
        naming = naming / sum(int((part >= 0).sum()) for part in wanted.values())
        return total + 2 * naming, {**parts, "naming": float(naming.detach())}

    @torch.no_grad()
    def evaluate(self, model: SceneReader, folder: Path, step: int) -> dict[str, float]:
        picks = self.avatars.split("test")[:300]
        logits = model.attribute_logits(
            model.features(to_tensor(self.avatars.images[picks]).to(next(model.parameters()).device))
        )
        right = [
            (logits[k].argmax(1).cpu() == self.targets[k][picks])[self.targets[k][picks] >= 0].float().mean().item()
            for k in LABELS
        ]
        return {**super().evaluate(model, folder, step), "attributes": round(float(np.mean(right)), 4)}

    def export(self, model: nn.Module, record: dict) -> None:
        config = {
            "thing_labels": scene_reader.THING_LABELS,
            "scene_labels": scene_reader.SCENE_LABELS,
            "attributes": LABELS,
            "width": self.width,
        }
        weights.save(self.name, model, config, record, data.cache_dir() / "weights")
