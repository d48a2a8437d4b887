"""An autoencoder of faces and VAEs of three betas, the same network and time; and one with a code of two numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines import datasets as data
from pipelines.models.vae.network import VAE
from pipelines.nn import weights
from pipelines.nn.pixels import to_tensor, to_uint8
from pipelines.training.faces import Faces

# by kind: beta and numbers of the code
KINDS = {"plain": (0.0, 64), "low": (0.2, 64), "mid": (1.0, 64), "high": (5.0, 64), "map": (1.0, 2)}
CREDIT = "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use)"


class Recipe:
    steps, lr, ema, batch = 40_000, 1e-3, 0.999, 32
    look_every, warmup_kl = 300, 1500  # steps in which beta rises from nothing, so that the code is used at first

    def __init__(self, kind: str = "mid", pack: Path | None = None) -> None:
        self.name, (self.beta, self.code) = f"vae-{kind}", KINDS[kind]
        self.faces, self.step = Faces(pack), 0

    def build(self) -> VAE:
        return VAE(self.code, self.beta)

    def pack(self, folder: Path, bring_weights: bool = False) -> int:
        """Write what a GPU needs; its bytes."""
        return self.faces.pack(folder)

    def loss(self, vae: VAE, rng: np.random.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        x, _ = self.faces.draw(self.batch, rng, next(vae.parameters()).device)
        error, kl = vae.terms(x)
        self.step += 1
        weight = self.beta * min(1.0, self.step / self.warmup_kl)
        loss = (error + weight * kl.sum(1)).mean() / 1000
        return loss, {"error": error.mean().detach(), "kl": kl.sum(1).mean().detach()}

    @torch.no_grad()
    def evaluate(self, vae: VAE, folder: Path, step: int) -> dict[str, float]:
        """Held-out faces, what they become, and codes drawn from the prior; the error and the units that are used."""
        device = next(vae.parameters()).device
        x = to_tensor(self.faces.held_out).to(device)
        error, kl = vae.terms(x)
        vae.calibrate(x)
        z = torch.randn(32, vae.code, generator=torch.Generator().manual_seed(0)).to(device)
        rows = torch.cat([x[:16], vae.decoder(vae.encode(x[:16])), vae.decoder(vae.prior(z))]).float().cpu()
        data.contact_sheet(to_uint8(rows.permute(0, 2, 3, 1)).numpy(), columns=16).save(
            folder / f"sheet-{step:06d}.png"
        )
        mse = (vae.decoder(vae.encode(x)).float().clamp(-1, 1) - x).square().mean().item()
        found = {"error": error.mean().item(), "kl": kl.sum(1).mean().item(), "psnr": 10 * np.log10(4 / mse)}
        return {k: round(float(v), 2) for k, v in found.items()} | {"active": int((kl.mean(0) > 0.01).sum())}

    @torch.no_grad()
    def export(self, vae: VAE, record: dict) -> None:
        picks = self.faces.train[:4096]
        device = next(vae.parameters()).device
        vae.calibrate(to_tensor(self.faces.images[picks]).to(device))
        _, kl = vae.terms(to_tensor(self.faces.held_out).to(device))
        config = {"code": self.code, "beta": self.beta}
        about = {
            "data": "avatars (DiceBear avataaars) at 64 pixels, training split",
            "licence": CREDIT,
            "measured": "on 512 held-out faces: nats a face, PSNR of the rebuilt, units whose KL is above 0.01 nats",
            "kl": [round(v, 3) for v in sorted(kl.mean(0).tolist(), reverse=True)],
            **record,
        }
        weights.save(self.name, vae, config, about, data.cache_dir() / "weights")
