"""The token transformer on the codec's codes of training phrases: cross-entropy of every codebook, captions dropped in
a tenth.

Nine times in ten each row is told where in the beat the next one lies, and in which key, if the caption says so. Of
half of the phrases up to six rows in ten are not heard, so that it learns to go by the words and the score, and not by
its own past alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.datasets import codes
from pipelines.models.audio.tokens import CodeLM, Config, delayed
from pipelines.nn import weights


class Recipe:
    name = "audio-tokens"
    steps, lr, ema, batch = 6000, 1.5e-3, 0.998, 16
    muon, weight_decay, look_every, warmup = True, 0.01, 420, 100

    def __init__(self) -> None:
        self.notes = codes.load()

    def build(self) -> CodeLM:
        return CodeLM(Config(books=self.notes.indices.shape[2]))

    def loss(self, writer: CodeLM, rng: np.random.Generator, split: str = "train") -> tuple[Tensor, dict[str, float]]:
        device, blank = writer.null.device, writer.config.codes
        indices, captions, scores = (part.to(device) for part in self.notes.draw(split, self.batch, rng))
        drop = torch.from_numpy(rng.random((2, self.batch)) < 0.1).to(device)
        rows = delayed(indices, blank)
        share = np.maximum(0, rng.uniform(-0.6, 0.6, (self.batch, 1))) if split == "train" else 0
        inputs = rows.masked_fill(torch.from_numpy(rng.random(rows.shape[:2]) < share).to(device)[..., None], blank)
        logits = writer(
            torch.where(drop[0, :, None, None], writer.null, captions), inputs, scores * ~drop[1, :, None]
        ).float()
        losses = F.cross_entropy(logits.flatten(0, 2), rows.flatten().clamp_max(blank - 1), reduction="none").view(
            rows.shape
        )
        real = (rows < blank).float()
        each = (losses * real).sum((0, 1)) / real.sum((0, 1))
        return each.mean(), {f"book {k}": each[k].item() for k in (0, 1, len(each) - 1)}

    @torch.no_grad()
    def evaluate(self, writer: CodeLM, folder: Path, step: int) -> dict[str, float]:
        """The loss on held-out phrases."""
        rng = np.random.default_rng(0)
        return {
            "held out": round(float(np.mean([self.loss(writer, rng, "validation")[0].item() for _ in range(4)])), 4)
        }

    def export(self, writer: CodeLM, record: dict) -> None:
        weights.save(self.name, writer, vars(writer.config), {
            "data": "phrases composed by this project, played by FluidSynth with FluidR3 GM (MIT); training split", "licence": "MIT", **record,
        })  # fmt: skip
