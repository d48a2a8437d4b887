"""The autoencoder. L1 at three scales and on gradients, a small KL, and the critic's features: attributes are a few
pixels each, and pixel losses alone let them go (DESIGN.md: PSNR hides that). Must reach 31 dB on held-out avatars, 27 dB
on emoji, and attribute survival of 0.97."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import autoencoder, weights
from pipelines.nn.reader import AttributeReader
from pipelines.training import data
from pipelines.training.recipes.reader import tensor


def psnr(a: Tensor, b: Tensor) -> float:
    """Mean peak signal-to-noise ratio in dB over pictures (n, 3, h, w) in [-1, 1]."""
    return (10 * torch.log10(4 / (a - b).square().mean((1, 2, 3)).clamp_min(1e-10))).mean().item()


def load_critic() -> AttributeReader:
    """The critic that `python -m pipelines.training critic` has left in the cache."""
    tensors, about = weights.read("critic", data.cache_dir() / "weights")
    return weights.fill(AttributeReader(**about["config"]), tensors, "critic")


class Recipe:
    name = "autoencoder"
    steps, lr, ema, batch = 9000, 1.5e-3, 0.998, 16
    look_every = 300

    def __init__(self) -> None:
        self.avatars, self.emoji = data.load("avatars"), data.load("emoji")
        self.train = {s.name: s.split("train") for s in (self.avatars, self.emoji)}
        self.critic = load_critic()

    def build(self) -> autoencoder.Autoencoder:
        return autoencoder.Autoencoder()

    def draw(self, rng: np.random.Generator) -> Tensor:
        """A batch: two thirds avatars; emoji flipped, shifted and with their colours permuted, for there are few."""
        n = self.batch // 3
        faces = tensor(self.avatars.images[np.sort(rng.choice(self.train["avatars"], self.batch - n))])
        signs = tensor(self.emoji.images[np.sort(rng.choice(self.train["emoji"], n))])
        if rng.random() < 0.5:
            signs = signs.flip(3)
        signs = torch.roll(signs, tuple(int(k) for k in rng.integers(-6, 7, 2)), (2, 3))
        if rng.random() < 0.5:
            signs = signs[:, rng.permutation(3).copy()]
        return torch.cat([faces, signs])

    def loss(self, model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        x = self.draw(rng).to(next(model.parameters()).device)
        self.critic.to(x.device)
        mean, logvar = model.posterior(x)
        y = model.decoder(mean + (0.5 * logvar).exp() * torch.randn_like(mean)).float()
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        pixels = sum(F.l1_loss(F.avg_pool2d(y, k), F.avg_pool2d(x, k)) for k in (1, 2, 4))
        edges = F.l1_loss(y.diff(dim=2), x.diff(dim=2)) + F.l1_loss(y.diff(dim=3), x.diff(dim=3))
        with torch.no_grad():
            wanted = self.critic.features(x)
        seen = self.critic.features(y)
        features = sum(F.l1_loss(a, b) / (b.abs().mean() + 1e-4) for a, b in zip(seen, wanted, strict=True)) / 3
        parts = {
            "pixels": float(pixels.detach()),
            "edges": float(edges.detach()),
            "kl": float(kl.detach()),
            "features": float(features.detach()),
        }
        return pixels + edges + 1e-4 * kl + 0.1 * features, parts

    @torch.no_grad()
    def evaluate(self, model: nn.Module, folder: Path, step: int) -> dict[str, float]:
        found, shown = {}, []
        for kind, split in (("avatars", ("test",)), ("emoji", ("sibling", "unseen"))):
            source = getattr(self, kind)
            held = source.split(*split)[:64]
            x = tensor(source.images[held])
            y = model.decoder(model.posterior(x.to(next(model.parameters()).device))[0]).float().cpu()
            found[f"psnr_{kind}"] = round(psnr(y.clamp(-1, 1), x), 2)
            pair = torch.stack([x[:16], y[:16]], 1).flatten(0, 1)
            shown.append(autoencoder.to_bytes(pair.permute(0, 2, 3, 1)).numpy())
        data.contact_sheet(np.concatenate(shown), columns=8).save(folder / f"sheet-{step:06d}.png")
        return found

    @torch.no_grad()
    def calibrate(self, model: nn.Module) -> None:
        """Measure the latents' mean and scale a channel, and fit the preview map by least squares."""
        rng = np.random.default_rng(0)
        x = torch.cat([self.draw(rng) for _ in range(64)])
        mean = torch.cat([model.posterior(part)[0] for part in x.split(64)])
        model.mean.copy_(mean.mean((0, 2, 3)))
        model.scale.copy_(mean.std((0, 2, 3)))
        z = (mean - model.mean[:, None, None]) / model.scale[:, None, None]
        rows = F.pad(F.unfold(z, 3, padding=1).transpose(1, 2).flatten(0, 1), (0, 1), value=1.0)
        pixels = F.pixel_unshuffle(x, 8).flatten(2).transpose(1, 2).flatten(0, 1)
        model.preview.copy_(torch.linalg.lstsq(rows, pixels).solution)

    def export(self, model: nn.Module, record: dict) -> None:
        self.calibrate(model)
        weights.save(self.name, model, autoencoder.config_of(model), {
            "data": "avatars (DiceBear avataaars) and emoji (Fluent Emoji 3D), training splits",
            "licence": "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use) and Fluent Emoji (MIT)",
            "measured": "PSNR in dB on 64 held-out pictures of each set; the benchmark bench/quality.py measures more",
            **record,
        })  # fmt: skip
