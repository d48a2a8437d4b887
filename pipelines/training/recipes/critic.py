"""The critic: a smaller attribute reader whose features are a loss for the autoencoder, and never a measure."""

from __future__ import annotations

from torch import nn

from pipelines import weights
from pipelines.training import data
from pipelines.training.data.avatars import LABELS
from pipelines.training.recipes import reader


class Recipe(reader.Recipe):
    name = "critic"
    steps, width, augment = 2500, 32, False

    def export(self, model: nn.Module, record: dict) -> None:
        weights.save(self.name, model, {"labels": LABELS, "width": self.width}, record, data.cache_dir() / "weights")
