"""The latent flow of phrases: straight path, velocity loss; captions dropped in a tenth, and of some phrases a part is
given.

Nine times in ten each latent is told where in the beat it lies, and in which key, if the caption says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines.datasets import codes
from pipelines.diffusion import flow_matching
from pipelines.models.audio.flow import FRAMES, AudioDiT, Config
from pipelines.models.latent_diffusion.recipe import times
from pipelines.nn import weights


class Recipe:
    name = "audio-flow"
    steps, lr, ema, batch = 8000, 2e-3, 0.998, 32
    muon, weight_decay, look_every, warmup = True, 0.01, 420, 100

    def __init__(self) -> None:
        self.notes = codes.load()

    def build(self) -> AudioDiT:
        return AudioDiT(Config(latent=self.notes.latents.shape[2]))

    def parts(self, rng: np.random.Generator) -> Tensor:
        """Which latents are given (b, n, 1): of most phrases none, of others a beginning, or all but a gap."""
        given = np.zeros((self.batch, FRAMES, 1), np.float32)
        for row in given[: self.batch // 3]:
            first, last = sorted(rng.integers(0, FRAMES, 2))
            if rng.random() < 0.5:
                row[:last] = 1
            else:
                row[:], row[first:last] = 1, 0
        return torch.from_numpy(given)

    def loss(self, flow: AudioDiT, rng: np.random.Generator, split: str = "train") -> tuple[Tensor, dict[str, float]]:
        device, inner = flow.enter.weight.device, flow.transformer
        z, captions, scores = (part.to(device) for part in self.notes.draw(split, self.batch, rng, latents=True))
        drop, given, t = (
            part.to(device)
            for part in (torch.from_numpy(rng.random((2, self.batch)) < 0.1), self.parts(rng), times(self.batch))
        )
        noise = torch.randn_like(z)
        words = inner.text_kv(torch.where(drop[0, :, None, None], inner.null, captions))
        v = flow(
            flow_matching.interpolate(z, noise, t),
            words,
            inner.modulations(t, words.pooled),
            flow.hint(z, given, scores * ~drop[1, :, None]),
        )
        error = flow_matching.velocity_error(v, z, noise) * (1 - given)
        return error.sum() / ((1 - given).sum() * z.shape[2]).clamp_min(1), {}

    @torch.no_grad()
    def evaluate(self, flow: AudioDiT, folder: Path, step: int) -> dict[str, float]:
        """The loss on held-out phrases."""
        torch.manual_seed(0)
        rng = np.random.default_rng(0)
        return {
            "held out": round(float(np.mean([self.loss(flow, rng, "validation")[0].item() for _ in range(4)])), 4)
        }

    def export(self, flow: AudioDiT, record: dict) -> None:
        weights.save(self.name, flow, vars(flow.config), {
            "data": "phrases composed by this project, played by FluidSynth with FluidR3 GM (MIT); training split", "licence": "MIT", **record,
        })  # fmt: skip
