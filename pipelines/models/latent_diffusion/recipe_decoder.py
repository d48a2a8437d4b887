"""The autoencoder's decoder alone, with the encoder frozen, so that what was trained on its latents stays valid: an
adversarial finish that makes edges edges, on latents with a little noise, as a generator's are never exact.

The discriminator looks at patches (Isola et al. 2017); each made one is compared with its real one (relativistic:
Jolicoeur-Martineau 2019; Huang et al. 2024), with R1's penalty by finite differences (Lin et al. 2025).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from pipelines import datasets as data
from pipelines.models.latent_diffusion import autoencoder
from pipelines.models.latent_diffusion import recipe_autoencoder as whole
from pipelines.nn import weights

BLOCKS = (6, 6, 6, 3)  # of the decoder: a picture may take 70 ms on two cores, and took 14
CROP = 128  # pixels a side of what the discriminator sees
NOISE = 0.12  # standard deviation, at most, of the noise on latents of unit variance


def grow(old: autoencoder.Autoencoder, blocks: tuple[int, int, int, int]) -> autoencoder.Autoencoder:
    """The same autoencoder with more residual blocks in its decoder, the new ones last in each stage; they begin as the
    identity."""
    new = autoencoder.Autoencoder(replace(old.config, decoder_blocks=blocks))
    layers, kept = iter(old.decoder), list(new.decoder)
    at = 0
    for have, want in zip(old.config.decoder_blocks, blocks, strict=True):
        head = 1 if at == 0 else 2  # what comes before a stage: a convolution, or a convolution and a shuffle
        for _ in range(head + have):
            kept[at], at = next(layers), at + 1
        at += want - have
    kept[at:] = list(layers)
    new.decoder, new.encoder = nn.Sequential(*kept), old.encoder
    new.load_state_dict({name: value for name, value in old.named_buffers()}, strict=False)
    return new


class Discriminator(nn.Sequential):
    """A logit a patch of about 46 pixels."""

    def __init__(self, width: int = 32) -> None:
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for a, b in ((width, 2 * width), (2 * width, 4 * width)):
            layers += [nn.Conv2d(a, b, 4, 2, 1), nn.GroupNorm(8, b), nn.LeakyReLU(0.2)]
        super().__init__(
            *layers, nn.Conv2d(4 * width, 4 * width, 3, 1, 1), nn.LeakyReLU(0.2), nn.Conv2d(4 * width, 1, 1)
        )


class Adversarial(nn.Module):
    """Autoencoder and discriminator, so that one loop trains both."""

    def __init__(self, model: autoencoder.Autoencoder) -> None:
        super().__init__()
        self.model, self.discriminator = model, Discriminator()


class Recipe(whole.Recipe):
    name = "decoder"
    steps, lr, ema, batch = 8000, 4e-4, 0.999, 16
    betas, look_every, adversarial = (0.5, 0.98), 300, 0.06

    def build(self) -> Adversarial:
        model = weights.open_bundle(
            "autoencoder",
            lambda config: autoencoder.Autoencoder(autoencoder.config_from(config)),
            data.cache_dir() / "weights",
        )
        model = grow(model, BLOCKS)
        model.decoder.requires_grad_(True)
        return Adversarial(model.to(memory_format=torch.channels_last))

    def loss(self, pair: Adversarial, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        model = pair.model
        x = self.draw(rng).to(next(pair.parameters()).device)
        self.perceptual.to(x.device)
        with torch.no_grad():
            mean, _ = model.posterior(x)
            noise = torch.randn_like(mean) * model.scale[:, None, None]
            z = mean + NOISE * torch.rand(len(x), 1, 1, 1, device=x.device) * noise
        y = model.decoder(z).float()
        total, parts = self.reconstruction_loss(x, y)
        top, left = rng.integers(0, data.SIZE - CROP + 1, 2)
        real, fake = (part[..., top : top + CROP, left : left + CROP] for part in (x, y))
        still = {
            k: v.detach() for k, v in pair.discriminator.named_parameters()
        }  # the decoder's loss must not teach it
        with torch.no_grad():
            reference = pair.discriminator(real)
        g_loss = F.softplus(reference - functional_call(pair.discriminator, still, (fake,))).mean()
        d_real = pair.discriminator(real)
        d_loss = F.softplus(pair.discriminator(fake.detach()) - d_real).mean()
        r1 = (pair.discriminator(real + 0.05 * torch.randn_like(real)) - d_real).square().mean() / 0.05**2
        parts |= {"g_loss": g_loss.item(), "d_loss": d_loss.item(), "r1": r1.item()}
        return total + self.adversarial * g_loss + d_loss + 0.05 * r1, parts

    def evaluate(self, pair: Adversarial, folder: object, step: int) -> dict[str, float]:
        return super().evaluate(pair.model, folder, step) | self.sharpness(pair.model)

    @torch.no_grad()
    def sharpness(self, model: nn.Module) -> dict[str, float]:
        """Gradient magnitude of decoded pictures over the real ones', at 256 pixels."""
        found = {}
        for kind, x in self.held_out(32).items():
            y = torch.cat(
                [
                    model.decoder(model.posterior(part.to(next(model.parameters()).device))[0]).float().cpu()
                    for part in x.split(16)
                ]
            )
            found[f"edges_{kind}"] = round(gradient_magnitude(y.clamp(-1, 1)) / gradient_magnitude(x), 3)
        return found

    def export(self, pair: Adversarial, record: dict) -> None:
        self.name, before = "autoencoder", weights.card("autoencoder", data.cache_dir() / "weights")
        after = {key: before[key] for key in ("recipe", "steps", "seconds")}
        super().export(pair.model, {**record, "after": after})

    def calibrate(self, model: nn.Module) -> None:
        """The encoder has not moved: mean, scale and preview map stay."""


def gradient_magnitude(x: Tensor) -> float:
    """Mean magnitude of the gradient of grey values, of the tenth of the pixels where it is largest."""
    grey = x.mean(1)
    size = torch.hypot(grey.diff(dim=1)[:, :, :-1], grey.diff(dim=2)[:, :-1]).flatten(1)
    return size.topk(size.shape[1] // 10, dim=1).values.mean().item()
