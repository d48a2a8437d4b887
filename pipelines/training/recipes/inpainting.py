"""The mask-conditioned model: the base, a zero-initialised input for the mask and the masked latent (as Rombach et al. 2022
fine-tuned theirs), and a LoRA beside its layers, trained together on random masks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from pipelines import autoencoder, samplers, weights
from pipelines.editing import MaskAdapter, held
from pipelines.latent_diffusion import LatentDiffusion
from pipelines.lora import worn
from pipelines.nn.dit import Config
from pipelines.training import data
from pipelines.training.recipes import latent_diffusion as flow


def random_mask(rng: np.random.Generator, side: int = 16) -> np.ndarray:
    """One to three boxes, ellipses or strokes, now and then turned inside out: 1 where to draw anew."""
    mask = np.zeros((side, side), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        (x0, x1), (y0, y1) = (sorted(int(v) for v in rng.integers(0, side, 2)) for _ in range(2))
        kind = rng.integers(3)
        if kind == 0:
            cv2.rectangle(mask, (x0, y0), (x1, y1), 1, -1)
        elif kind == 1:
            cv2.ellipse(mask, ((x0 + x1) // 2, (y0 + y1) // 2), ((x1 - x0) // 2 + 1, (y1 - y0) // 2 + 1), 0, 0, 360, 1, -1)
        else:
            cv2.line(mask, (x0, y0), (x1, y1), 1, int(rng.integers(2, 5)))
    return 1 - mask if rng.random() < 0.15 else mask


class Recipe(flow.Recipe):
    name = "inpainting"
    steps, lr, ema, batch = 3000, 1e-3, 0.995, 32
    muon, weight_decay, look_every, warmup = False, 0.01, 300, 50

    def __init__(self) -> None:
        tensors, about = weights.read("latent-diffusion")
        model = weights.fill(LatentDiffusion(Config(**about["config"])), tensors, "latent-diffusion")
        self.base = model.transformer
        self.open(model.resampler)

    def build(self) -> MaskAdapter:
        return MaskAdapter(self.base)

    def loss(self, adapter: MaskAdapter, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        device = next(adapter.parameters()).device
        self.base.to(device)
        za, ze = (self.draw(name, self.batch * share // 4, rng) for name, share in (("avatars", 3), ("emoji", 1)))
        z, captions = (torch.cat([a, b]).to(device) for a, b in zip(za[1:], ze[1:], strict=True))
        fresh = torch.from_numpy(np.stack([random_mask(rng) for _ in range(self.batch)]))[:, None].float().to(device)
        t = flow.times(self.batch).to(device)
        noise, time = torch.randn_like(z), t[:, None, None, None]
        words = self.base.read(torch.where((torch.rand(self.batch, device=device) < 0.1)[:, None, None], self.base.null, captions))
        with worn(self.base, [(adapter.lora, 1.0)]):
            x = (1 - time) * z + time * noise
            v = self.base(x, words, self.base.modulations(t, words.pooled), hints=[adapter(z, fresh)])
        error = (v.float() - (noise - z)).square() * fresh  # what is known needs no drawing
        return error.sum() / (fresh.sum() * z.shape[1]).clamp_min(1), {}

    @torch.no_grad()
    def evaluate(self, adapter: MaskAdapter, folder: Path, step: int) -> dict[str, float]:
        """Held-out avatars, a box over the eyes, no words: pictures above what becomes of them, 12 steps."""
        device, n = next(adapter.parameters()).device, 16
        known = data.load("avatars").split("validation")[:n]
        z = torch.from_numpy(np.array(self.sets["avatars"][1][known])).float().to(device)
        fresh = torch.zeros(n, 1, 16, 16, device=device)
        fresh[:, :, 4:9, 4:12] = 1
        words = self.base.read(self.base.null.expand(n, -1, -1))

        def denoise(x: Tensor, t: float) -> Tensor:
            with worn(self.base, [(adapter.lora, 1.0)]):
                v = self.base(x, words, self.base.modulations(torch.full((n,), t, device=device), words.pooled), hints=[adapter(z, fresh)])
            return x - t * v

        noise = samplers.seeded_noise(0, (8, 16, 16), n, str(device))
        *_, (x, _, _) = samplers.dpm_solver(held(denoise, z, fresh), noise(), samplers.grid(12), samplers.PATHS["straight"], noise)
        coder = autoencoder.load()
        data.contact_sheet(np.concatenate([coder.develop(part.cpu()).numpy() for part in (z, x)]), columns=n // 2).save(folder / f"sheet-{step:06d}.png")
        return {}

    def export(self, adapter: MaskAdapter, record: dict) -> None:
        weights.save(self.name, adapter, {"rank": adapter.lora.rank}, {
            "data": "avatars (DiceBear avataaars) and emoji (Fluent Emoji 3D), training splits, random masks",
            "licence": "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use) and Fluent Emoji (MIT)",
            **record,
        })  # fmt: skip
