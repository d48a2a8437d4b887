"""The listener on training phrases: which family of instruments is it?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.datasets import notes
from pipelines.evaluation.instrument_classifier import Listener
from pipelines.media.audio import log_mel
from pipelines.nn import weights

FAMILIES = list(notes.INSTRUMENTS)


class Recipe:
    name = "listener"
    steps, lr, ema, batch = 1200, 2e-3, 0.99, 32
    look_every = 120

    def __init__(self) -> None:
        self.sounds, self.rows = notes.load()
        self.picks = {
            split: np.array([i for i, row in enumerate(self.rows) if row["split"] == split])
            for split in ("train", "test")
        }

    def build(self) -> Listener:
        return Listener(FAMILIES)

    def hear(self, picks: np.ndarray) -> Tensor:
        return torch.from_numpy(np.stack([log_mel(self.sounds[i].astype(np.float32) / 32_768) for i in picks]))

    def loss(self, model: Listener, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        picks, device = rng.choice(self.picks["train"], self.batch), model.head.weight.device
        mel = self.hear(picks)
        mel = mel + 0.15 * torch.rand(len(mel), 1, 1) * torch.randn_like(mel)  # a codec's roughness must not decide
        wanted = torch.tensor([FAMILIES.index(self.rows[i]["family"]) for i in picks])
        return F.cross_entropy(model(mel.to(device)), wanted.to(device), label_smoothing=0.05), {}

    @torch.no_grad()
    def evaluate(self, model: Listener, folder: Path, step: int) -> dict[str, float]:
        picks, device = self.picks["test"], model.head.weight.device
        read = torch.cat([model(self.hear(part).to(device)).argmax(1).cpu() for part in np.array_split(picks, 8)])
        wanted = torch.tensor([FAMILIES.index(self.rows[i]["family"]) for i in picks])
        return {"accuracy": round((read == wanted).float().mean().item(), 4), "n": len(picks)}

    def export(self, model: Listener, record: dict) -> None:
        weights.save(self.name, model, {"families": FAMILIES}, {
            "data": "phrases composed by this project, played by FluidSynth with FluidR3 GM (MIT); training split", "licence": "MIT",
            "measured": "accuracy on real phrases of new melodies (test split)", **record,
        })  # fmt: skip
