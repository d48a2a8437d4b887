"""The autoencoder, on scenes, avatars, emoji and pictures of any kind. L1 at three scales and on gradients, squared
error, a small KL, and a perceptual network's features: things are a few pixels each, and pixel losses alone let them
go.

Latents that a generator can learn are equivariant: made smaller, or mirrored, they decode to the picture made smaller,
or mirrored (EQ-VAE: Kouzelis et al. 2025; Skorokhodov et al. 2025).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import datasets as data
from pipelines.datasets import anything
from pipelines.models.latent_diffusion import autoencoder
from pipelines.models.latent_diffusion.recipe_perceptual import load_perceptual
from pipelines.nn import weights
from pipelines.nn.pixels import to_tensor, to_uint8

FACE = (slice(80, 176), slice(72, 184))  # rows and columns of an avatar's eyes, brows and mouth, a few pixels each
SHARE = {"scenes": 8, "avatars": 4, "emoji": 2, "anything": 2}  # of a batch of 16
SMALLER = 0.3  # how often latents are decoded at a smaller size


def psnr(a: Tensor, b: Tensor) -> float:
    """Mean peak signal-to-noise ratio in dB over pictures (n, 3, h, w) in [-1, 1]."""
    return (10 * torch.log10(4 / (a - b).square().mean((1, 2, 3)).clamp_min(1e-10))).mean().item()


class Recipe:
    name = "autoencoder"
    steps, lr, ema, batch = 20_000, 1.5e-3, 0.998, 16
    look_every = 300
    muon = "down.weight conv.weight up.weight"  # of the residual blocks
    config = autoencoder.Config(channels=12, widths=(224, 112, 64, 32), decoder_blocks=(4, 4, 4, 2))

    def __init__(self) -> None:
        self.sets = {name: data.load(name) for name in ("scenes", "avatars", "emoji")}
        self.train = {name: source.split("train") for name, source in self.sets.items()}
        self.perceptual = load_perceptual()

    def build(self) -> autoencoder.Autoencoder:
        return autoencoder.Autoencoder(self.config).to(memory_format=torch.channels_last)

    def draw(self, rng: np.random.Generator) -> Tensor:
        """A batch, avatars first; emoji shifted and with their colours permuted, for there are few; some mirrored."""
        picked = {
            name: to_tensor(self.sets[name].images[np.sort(rng.choice(self.train[name], SHARE[name]))])
            for name in ("avatars", "scenes", "emoji")
        }
        picked["emoji"] = torch.roll(picked["emoji"], tuple(int(k) for k in rng.integers(-12, 13, 2)), (2, 3))
        if rng.random() < 0.5:
            picked["emoji"] = picked["emoji"][:, rng.permutation(3).copy()]
        x = torch.cat([*picked.values(), to_tensor(anything.draw(rng, SHARE["anything"]))])
        return x.contiguous(memory_format=torch.channels_last)

    def reconstruction_loss(self, x: Tensor, y: Tensor) -> tuple[Tensor, dict[str, float]]:
        """How far pictures y are from x, the first of which are avatars: pixels, gradients and a perceptual network's
        features."""
        weight = torch.ones_like(x[:, :1])
        if x.shape[2] == data.SIZE:
            weight[: SHARE["avatars"], :, FACE[0], FACE[1]] = 3
        pixels = (weight * (y - x).abs()).mean() + sum(
            F.l1_loss(F.avg_pool2d(y, k), F.avg_pool2d(x, k)) for k in (2, 4)
        )
        edges = (weight[:, :, 1:] * (y - x).diff(dim=2).abs()).mean() + (
            weight[..., 1:] * (y - x).diff(dim=3).abs()
        ).mean()
        total, parts = pixels + edges + 8 * F.mse_loss(y, x), {"pixels": pixels, "edges": edges}
        if x.shape[2] == data.SIZE:
            with torch.no_grad():
                wanted = self.perceptual.features(x)
            got = self.perceptual.features(y)
            features = sum(F.l1_loss(a, b) / (b.abs().mean() + 1e-4) for a, b in zip(got, wanted, strict=True)) / 4
            total, parts["features"] = total + 0.15 * features, features
        return total, {k: float(v.detach()) for k, v in parts.items()}

    def loss(self, model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        x = self.draw(rng).to(next(model.parameters()).device)
        self.perceptual.to(x.device)
        mean, logvar = model.posterior(x)
        z = mean + (0.5 * logvar).exp() * torch.randn_like(mean)
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        if rng.random() < 0.5:
            z, x = z.flip(3), x.flip(3)
        smaller = rng.random() < SMALLER
        if smaller:
            side = int(rng.integers(8, 15))
            z = F.interpolate(z, size=side, mode="bilinear", antialias=True)
            x = F.interpolate(x, size=side * autoencoder.STRIDE, mode="bilinear", antialias=True)
        total, parts = self.reconstruction_loss(x, model.decoder(z).float())
        return (0.5 if smaller else 1.0) * total + 1e-4 * kl, {"kl": float(kl.detach()), **({} if smaller else parts)}

    def held_out(self, n: int = 64) -> dict[str, Tensor]:
        """Pictures (n, 3, 256, 256) that nothing was trained on, by set."""
        splits = {"scenes": ("test", "compositional"), "avatars": ("test",), "emoji": ("sibling", "unseen")}
        found = {
            name: to_tensor(self.sets[name].images[self.sets[name].split(*split)[:n]])
            for name, split in splits.items()
        }
        return {**found, "photographs": to_tensor(anything.held_out())}

    @torch.no_grad()
    def evaluate(self, model: nn.Module, folder: Path, step: int) -> dict[str, float]:
        """PSNR at 256 pixels, and at 128, where both are made smaller; a sheet of pairs, the real one first."""
        found, shown = {}, []
        device = next(model.parameters()).device
        for kind, x in self.held_out().items():
            y = torch.cat(
                [model.decoder(model.posterior(part.to(device))[0]).float().cpu() for part in x.split(16)]
            ).clamp(-1, 1)
            found[f"psnr_{kind}"] = round(psnr(y, x), 2)
            found[f"psnr_{kind}_128"] = round(psnr(F.avg_pool2d(y, 2), F.avg_pool2d(x, 2)), 2)
            count = {"scenes": 16, "photographs": 4}.get(kind, 4)
            pair = torch.stack([x[:count], y[:count]], 1).flatten(0, 1)
            shown.append(to_uint8(pair.permute(0, 2, 3, 1)).numpy())
        data.contact_sheet(np.concatenate(shown), columns=8).save(folder / f"sheet-{step:06d}.png")
        return found

    @torch.no_grad()
    def calibrate(self, model: nn.Module) -> None:
        """Measure the latents' mean and scale a channel, and fit the preview map by least squares."""
        rng = np.random.default_rng(0)
        x = torch.cat([self.draw(rng)[: -SHARE["anything"]] for _ in range(64)])
        mean = torch.cat([model.posterior(part)[0] for part in x.split(56)])
        model.mean.copy_(mean.mean((0, 2, 3)))
        model.scale.copy_(mean.std((0, 2, 3)))
        z = (mean - model.mean[:, None, None]) / model.scale[:, None, None]
        rows = F.pad(F.unfold(z, 3, padding=1).transpose(1, 2).flatten(0, 1), (0, 1), value=1.0)
        small = F.pixel_unshuffle(F.avg_pool2d(x, 2), autoencoder.PREVIEW).flatten(2).transpose(1, 2).flatten(0, 1)
        model.preview.copy_(torch.linalg.lstsq(rows, small).solution)

    def export(self, model: nn.Module, record: dict) -> None:
        self.calibrate(model)
        weights.save(self.name, model, autoencoder.config_of(model), {
            "data": "scenes (Fluent Emoji 3D), avatars (DiceBear avataaars), emoji (Fluent Emoji 3D), training "
                "splits; dead leaves and photographs of scikit-image",
            "licence": "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use) and Fluent "
                "Emoji (MIT)",
            "measured": "PSNR in dB on 64 held-out pictures of each set and four photographs; bench/quality.py "
                "measures more",
            **record,
        }, data.cache_dir() / "weights")  # fmt: skip
