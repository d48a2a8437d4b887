"""The autoencoder's decoder alone, grown by blocks that start as the identity, with the encoder frozen: every flow that
was trained on its latents stays valid. Eyes, brows and mouth are a few pixels at one place in every avatar, so their
place counts more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import autoencoder, weights
from pipelines.training.recipes import autoencoder as whole

BLOCKS = 6  # at 32 pixels
FACE = (slice(40, 88), slice(36, 92))  # rows and columns, with room for every expression


class Recipe(whole.Recipe):
    name = "decoder"
    steps, lr, ema, batch = 3000, 1e-3, 0.998, 16

    def build(self) -> autoencoder.Autoencoder:
        tensors, about = weights.read("autoencoder")
        old = autoencoder.Config(**about["config"])
        model = autoencoder.Autoencoder(replace(old, last_blocks=BLOCKS))
        end = next(i for i, layer in enumerate(model.decoder) if isinstance(layer, nn.GroupNorm)) - (
            BLOCKS - old.last_blocks
        )
        for key in [k for k in tensors if k.startswith("decoder.") and int(k.split(".")[1]) >= end]:
            _, place, rest = key.split(".", 2)
            tensors[f"decoder.{int(place) + BLOCKS - old.last_blocks}.{rest}"] = tensors.pop(key)
        model.load_state_dict(tensors, strict=False)  # the new blocks keep their zero start
        model.encoder.requires_grad_(False)
        return model

    def loss(self, model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        x = self.draw(rng).to(next(model.parameters()).device)
        self.critic.to(x.device)
        with torch.no_grad():
            mean, logvar = model.posterior(x)
            wanted = self.critic.features(x)
        y = model.decoder(mean + (0.5 * logvar).exp() * torch.randn_like(mean)).float()
        weight = torch.ones_like(x[:, :1])
        weight[: self.batch - self.batch // 3, :, FACE[0], FACE[1]] = 3
        pixels = (weight * (y - x).abs()).mean() + sum(
            F.l1_loss(F.avg_pool2d(y, k), F.avg_pool2d(x, k)) for k in (2, 4)
        )
        edges = (weight[:, :, 1:] * (y - x).diff(dim=2).abs()).mean() + (
            weight[..., 1:] * (y - x).diff(dim=3).abs()
        ).mean()
        features = (
            sum(F.l1_loss(a, b) / (b.abs().mean() + 1e-4) for a, b in zip(self.critic.features(y), wanted, strict=True))
            / 3
        )
        parts = {"pixels": pixels, "edges": edges, "features": features}
        return pixels + edges + 12 * F.mse_loss(y, x) + 0.15 * features, {
            k: float(v.detach()) for k, v in parts.items()
        }

    def calibrate(self, model: nn.Module) -> None:
        """The encoder has not moved: mean, scale and preview map stay."""

    def export(self, model: nn.Module, record: dict) -> None:
        self.name, before = "autoencoder", weights.card("autoencoder")
        super().export(model, {**record, "after": {key: before[key] for key in ("recipe", "steps", "seconds")}})
