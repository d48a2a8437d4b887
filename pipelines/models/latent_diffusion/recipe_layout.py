"""The writer of layouts: cross-entropy of where things stand in scenes, from their captions; people have none."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipelines import datasets as data
from pipelines.datasets import captions
from pipelines.datasets.scenes.kinds import KINDS, NATURAL
from pipelines.models.latent_diffusion import recipe as base
from pipelines.models.latent_diffusion.layout import LayoutWriter
from pipelines.models.latent_diffusion.recipe_sources import VOCABULARY
from pipelines.nn import weights


class Recipe(base.Recipe):
    name = "layout"
    steps, lr, ema, batch = 9000, 1e-3, 0.998, 96
    muon, weight_decay, look_every, warmup = True, 0.05, 200, 100

    @staticmethod
    def teaching_weight(name: str, lines: captions.Captions) -> Float[np.ndarray, " n"]:
        """Scenes of several things are seldom, and hard to lay out."""
        if name == "avatars":
            return np.ones(len(lines.picture))
        groups = np.array([len(row["groups"]) for row in data.load(name).rows])
        return np.array([1.0, 1.0, 3.0, 6.0])[groups][lines.picture]

    def build(self) -> nn.Module:
        return LayoutWriter(VOCABULARY.sizes)

    def loss(self, writer: LayoutWriter, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        device = next(writer.parameters()).device
        _, caption, picks = self.draw(device, rng)
        drop = (torch.rand(len(caption)) < 0.1).to(device)
        nats = writer.loss(torch.where(drop[:, None, None], writer.null, caption), self.layouts(picks, device))
        n = len(picks["scenes"])
        return nats.mean() / 10, {"scenes": nats[:n].mean().detach(), "avatars": nats[n:].mean().detach()}

    @torch.no_grad()
    def evaluate(self, writer: LayoutWriter, folder: Path, step: int) -> dict[str, float]:
        """Nats a held-out layout; of those that are written for held-out captions, the share whose things are the
        picture's."""
        source = self.sources["scenes"]
        picks = np.arange(len(source.picture) - self.held_out, len(source.picture))
        _, caption = source.draw(picks, next(writer.parameters()).device)
        layout = self.layouts({"scenes": picks}, caption.device)
        alike = [
            sorted(writer.write(caption[k : k + 1], torch.Generator().manual_seed(k))[0, :, 0].tolist())
            == sorted(layout[k, :, 0].tolist())
            for k in range(0, len(picks), 4)
        ]
        nats = torch.cat([writer.loss(caption[i : i + 64], layout[i : i + 64]) for i in range(0, len(picks), 64)])
        return {"held_out_nats": round(nats.mean().item(), 3), "same_things": round(float(np.mean(alike)), 3)}

    def export(self, writer: LayoutWriter, record: dict) -> None:
        names = {name: kind.name for kind in KINDS for name in kind.names}
        config = {"sizes": writer.sizes, "vocabulary": asdict(VOCABULARY), "names": names}
        config |= {"natural": sorted(NATURAL), "people": [kind.name for kind in KINDS if kind.gendered]}
        about = {"data": "scenes (Fluent Emoji 3D), training split, by grammar", "licence": "MIT"}
        weights.save(self.name, writer, config, about | record, data.cache_dir() / "weights")
