"""A GAN of faces, with or without conditions: relativistic pairs with zero-centred gradient penalties on both sides
(R3GAN, Huang et al. 2024), and what the discriminator sees shifted, cut and recoloured alike for real and made
(DiffAugment, Zhao et al. 2020). "collapse" is its twin without penalties, kept to show what goes wrong.

The generator begins as a decoder of the VAE's codes (BAGAN, Mariani et al. 2018) and stays one a little (VAE/GAN,
Larsen et al. 2016): from nothing, 50,000 faces of training showed blots; so, sharp faces of as many kinds.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from pipelines import datasets as data
from pipelines.models.gan.conditions import CONDITIONS
from pipelines.models.gan.network import NOISE, Discriminator, Generator
from pipelines.models.vae.network import VAE
from pipelines.nn import weights
from pipelines.nn.pixels import to_uint8
from pipelines.training.faces import Faces
from pipelines.training.replay import record_looks

LAZY = 4  # steps from one gradient penalty to the next, which then counts as many times
CREDIT = "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use)"


class Adversarial(nn.Module):
    """Generator and discriminator, so that one loop trains both."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.model, self.discriminator = Generator(sizes), Discriminator(sizes)  # the first is what is exported
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))  # steps, so that a run resumes where it was
        self.to(memory_format=torch.channels_last)  # convolutions of a CPU are half as fast again


def augment(x: Tensor, generator: torch.Generator, odds: float = 0.3) -> Tensor:
    """A shift by up to 8 pixels, a hole of 24, other brightness and saturation: each its own, differentiable."""
    n, device = len(x), x.device

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator).to(device)

    on = (draw(n, 1, 1, 1) < odds).float()
    y = x + on * (draw(n, 1, 1, 1) - 0.5) * 0.6
    grey = y.mean(1, keepdim=True)
    y = torch.lerp(grey, y, 1 + on * (draw(n, 1, 1, 1) - 0.5))
    shift = ((draw(n, 2) - 0.5) * 16 * on[:, :, 0, 0]).round() / 32
    theta = torch.eye(2, 3, device=device).repeat(n, 1, 1)
    theta[:, :, 2] = shift
    y = F.grid_sample(y, F.affine_grid(theta, list(y.shape), align_corners=False), mode="nearest",
        padding_mode="border", align_corners=False)  # fmt: skip
    at = draw(n, 2, 1, 1) * 64
    axis = torch.arange(64, device=device)
    hole = ((axis[:, None] - at[:, :1]).abs() < 12) & ((axis[None] - at[:, 1:]).abs() < 12)
    return y * (1 - hole.float() * on)


class Decoding:
    """Faces as codes of the bundled VAE, mixed with so much noise, and a generator that learns to bring them back."""

    weight, part = 2.0, 16  # of its loss beside the adversarial one, and of the batch

    def __init__(self, steps: int = 2500, noise: float = 0.0) -> None:
        self.steps, self.noise = steps, noise

    @functools.cached_property
    def vae(self) -> VAE:
        """The bundled one."""
        return weights.open_bundle("vae-mid", lambda config: VAE(config["code"], config["beta"])).eval()

    @torch.no_grad()
    def codes(self, x: Tensor) -> Float[Tensor, "b d"]:
        """Draws from q(z | x), of about unit variance over all x."""
        mean, log_variance = self.vae.to(x.device).encoder(x)
        z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        return (1 - self.noise**2) ** 0.5 * z + self.noise * torch.randn_like(z)

    def error(self, decode: Callable[[Tensor, Tensor], Tensor], x: Tensor, labels: Tensor) -> Tensor:
        """L1 of what `decode` makes of the faces' codes and conditions."""
        return (decode(self.codes(x), labels).float() - x).abs().mean()

    def teach(self, model: nn.Module, decode: Callable[[Tensor, Tensor], Tensor], faces: Faces) -> None:
        """Train a generator as a decoder, to begin with."""
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.0)
        for step in range(self.steps):
            x, labels = faces.draw(32, np.random.default_rng([1, step]), next(model.parameters()).device)
            optimiser.param_groups[0]["lr"] = 1e-3 * min(
                1, (step + 1) / 100, (self.steps - step) / (0.4 * self.steps)
            )
            self.error(decode, x, labels).backward()
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            torch.clear_autocast_cache()  # all this is one step of the loop's: else the first weights stay in use


def teach_both(fake: Tensor, lead: Tensor) -> None:
    """Let one pass backwards teach both players: what comes back to the fakes for the discriminator's loss
    softplus(-lead) is turned round into the generator's, softplus(lead), a picture at a time: their slopes differ by
    -exp(lead)."""
    weight = -lead.detach().clamp(-8, 8).exp()[:, None, None, None]
    fake.register_hook(lambda gradient: gradient * weight.to(gradient.dtype))


def gradient_penalty(discriminator: nn.Module, x: Tensor, labels: Tensor | None = None) -> Tensor:
    """Mean squared length of the score's gradient, at every other of the pictures x (Mescheder et al. 2018)."""
    x = x.detach()[::2].requires_grad_()
    with torch.autocast(x.device.type, enabled=False):
        score = discriminator(x, labels if labels is None else labels[::2]).sum()
        slope = torch.autograd.grad(score, x, create_graph=True)[0]
    return slope.square().sum((1, 2, 3)).mean()


def diagnose(d_loss: float, spread: float, most: float) -> str:
    """What the numbers of a look tell: the discriminator's loss, and how unlike the faces are. The share of pairs
    that it tells apart does not: in a good run it nears one, too, by ever smaller a lead."""
    if d_loss < 0.1:
        return "the discriminator has won: it is sure of all pairs, and its gradient teaches nothing"
    if spread < 0.5 * most:
        return "the faces grow alike: modes are lost"
    return "in balance" if d_loss > 0.35 else "the discriminator pulls ahead"


class Recipe:
    steps, lr, ema, batch, clip = 100_000, 2e-4, 0.998, 32, 100.0
    betas, look_every, warmup, weight_decay = (0.0, 0.99), 60, 200, 0.0
    gamma = 5.0

    def __init__(self, kind: str = "", pack: Path | None = None) -> None:
        self.collapses = kind == "collapse"
        self.name = {"": "gan", "collapse": "gan-collapse", "conditional": "conditional-gan"}[kind]
        self.faces = Faces(pack)
        self.sizes = tuple(map(len, CONDITIONS.values())) if kind == "conditional" else ()
        # conditions have to be needed from the beginning, so that the code tells only a part
        self.decoding = Decoding(800 if self.collapses else 2500, noise=0.87 if self.sizes else 0.0)
        self.means: dict[str, Tensor] = {}

    def build(self) -> Adversarial:
        return Adversarial(self.sizes)

    def pack(self, folder: Path, bring_weights: bool = False) -> int:
        """Write what a GPU needs; its bytes."""
        return self.faces.pack(folder)

    def loss(self, both: Adversarial, rng: np.random.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        device = next(both.parameters()).device
        real, labels = self.faces.draw(self.batch, rng, device)
        if both.seen == 0:
            self.decoding.teach(both.model, both.model, self.faces)
        both.seen += 1
        fake = both.model(torch.randn(self.batch, NOISE).to(device), labels)
        pairs = torch.cat([labels, labels])
        seen = augment(torch.cat([real, fake]).float(), torch.Generator().manual_seed(int(rng.integers(2**31))))
        d_real, d_fake = both.discriminator(seen, pairs).float().chunk(2)
        loss = F.softplus(d_fake - d_real).mean()
        teach_both(fake, d_real - d_fake)
        found = {
            "g_loss": F.softplus(d_real - d_fake).mean().detach(),
            "d_loss": loss.detach(),
            "apart": (d_real > d_fake).float().mean(),
        }
        if not self.collapses:
            part = slice(self.decoding.part)
            loss = loss + self.decoding.weight * self.decoding.error(both.model, real[part], labels[part])
            if both.seen % LAZY == 0:
                loss = loss + LAZY * self.gamma * gradient_penalty(both.discriminator, seen, pairs)  # R1 + R2, halved
        for name, value in found.items():
            self.means[name] = torch.lerp(self.means.get(name, value.float()), value.float(), 0.02)
        return loss, found

    @torch.no_grad()
    def evaluate(self, both: Adversarial, folder: Path, step: int) -> dict[str, float]:
        """Seeds 0 to 31 by the average of the weights: how unlike they are, falling where modes are lost, and the
        losses of both players of late."""
        device = next(both.parameters()).device
        z = torch.randn(32, NOISE, generator=torch.Generator().manual_seed(0)).to(device)
        labels = torch.from_numpy(self.faces.labels[:32]).long().to(device)
        x = to_uint8(both.model(z, labels).float().cpu().permute(0, 2, 3, 1)).numpy()
        data.contact_sheet(x, columns=8).save(folder / f"sheet-{step:06d}.png")
        found = {"spread": float(x.astype(np.float32).std(0).mean()), **self.means}
        return {name: round(float(value), 3) for name, value in found.items()}

    def replay(self) -> dict[str, list]:
        """Sixteen faces a look under sixteen real ones; the losses; and what tells that it goes wrong."""
        real = np.asarray(data.contact_sheet(self.faces.held_out[:16], columns=8))
        record = record_looks(self.name, data.cache_dir() / "runs" / self.name, slice(0, 128), real)
        if record:
            record["telltale"] = [
                diagnose(*numbers, max(record["spread"]))
                for numbers in zip(record["d_loss"], record["spread"], strict=True)
            ]
        return record

    def export(self, both: Adversarial, record: dict) -> None:
        about = {
            "data": "avatars (DiceBear avataaars) at 64 pixels, training split",
            "licence": CREDIT,
            "measured": "spread: standard deviation of pixels over 32 seeds; losses and pairs told apart, of late",
            "replay": self.replay(),
            **record,
        }
        config = {"sizes": list(self.sizes)}
        weights.save(self.name, both.model, config, about, data.cache_dir() / "weights")
