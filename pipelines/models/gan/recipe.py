"""A GAN of faces, with or without conditions: relativistic pairs with zero-centred gradient penalties on both sides
(R3GAN, Huang et al. 2024), and what the discriminator sees shifted, cut and recoloured alike for real and made
(DiffAugment, Zhao et al. 2020). "collapse" is its twin without penalties and with a hurried discriminator, kept to show what goes
wrong.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from pipelines import datasets as data
from pipelines.models.gan.conditions import CONDITIONS
from pipelines.models.gan.network import NOISE, Discriminator, Generator
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


def augment(x: Tensor, generator: torch.Generator, share: float = 0.7) -> Tensor:
    """A shift by up to 8 pixels, a hole of 24, other brightness and saturation: each its own, differentiable."""
    n, device = len(x), x.device

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator).to(device)

    on = (draw(n, 1, 1, 1) < share).float()
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


def diagnose(apart: float, d_loss: float, spread: float, most: float) -> str:
    """What the numbers of a look tell: pairs that the discriminator tells apart, its loss, how unlike the
    faces are."""
    if apart > 0.97 or d_loss < 0.08:
        return "the discriminator has won: it tells all pairs apart, and its gradient teaches nothing"
    if spread < 0.5 * most:
        return "the faces grow alike: modes are lost"
    return "in balance" if apart < 0.9 else "the discriminator pulls ahead"


class Recipe:
    steps, lr, ema, batch = 40_000, 5e-4, 0.999, 32
    betas, look_every, warmup, weight_decay = (0.0, 0.99), 60, 100, 0.0
    gamma = 1.0

    def __init__(self, kind: str = "", pack: Path | None = None) -> None:
        self.collapses = kind == "collapse"
        self.name = {"": "gan", "collapse": "gan-collapse", "conditional": "conditional-gan"}[kind]
        self.faces = Faces(pack)
        self.sizes = tuple(map(len, CONDITIONS.values())) if kind == "conditional" else ()
        self.step, self.means = 0, {}

    def build(self) -> Adversarial:
        return Adversarial(self.sizes)

    def pack(self, folder: Path, bring_weights: bool = False) -> int:
        """Write what a GPU needs; its bytes."""
        return self.faces.pack(folder)

    def loss(self, both: Adversarial, rng: np.random.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        device = next(both.parameters()).device
        real, labels = self.faces.draw(self.batch, rng, device)
        labels = labels if self.sizes else None
        fake = both.model(torch.randn(self.batch, NOISE).to(device), labels)
        seed = int(rng.integers(2**31))

        def see(x: Tensor) -> Tensor:
            return augment(x.float(), torch.Generator().manual_seed(seed))

        still = {k: v.detach() for k, v in both.discriminator.named_parameters()}  # the generator teaches it nothing
        d_fake = functional_call(both.discriminator, still, (see(fake), labels))
        with torch.no_grad():
            d_real = both.discriminator(see(real), labels)
        g_loss = F.softplus(d_real - d_fake).mean()
        penalised = not self.collapses and self.step % LAZY == 0
        a, b = (see(x).detach().requires_grad_(penalised) for x in (real, fake))
        with torch.autocast(device.type, enabled=False) if penalised else torch.enable_grad():
            d_a, d_b = both.discriminator(a, labels), both.discriminator(b, labels)
        d_loss = F.softplus(d_b - d_a).mean()
        found = {"g_loss": g_loss.detach(), "d_loss": d_loss.detach(), "apart": (d_a > d_b).float().mean()}
        if penalised:
            slopes = torch.autograd.grad(d_a.sum() + d_b.sum(), (a, b), create_graph=True)
            penalty = sum(slope.square().sum((1, 2, 3)).mean() for slope in slopes)
            d_loss = d_loss + LAZY * self.gamma / 2 * penalty
        self.step += 1
        for name, value in found.items():
            self.means[name] = torch.lerp(self.means.get(name, value.float()), value.float(), 0.02)
        return g_loss + (4 if self.collapses else 1) * d_loss, found

    @torch.no_grad()
    def evaluate(self, both: Adversarial, folder: Path, step: int) -> dict[str, float]:
        """Seeds 0 to 31 by the average of the weights: how unlike they are, falling where modes are lost, and the
        losses of both players of late."""
        device = next(both.parameters()).device
        z = torch.randn(32, NOISE, generator=torch.Generator().manual_seed(0)).to(device)
        labels = torch.from_numpy(self.faces.labels[:32]).long().to(device) if self.sizes else None
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
                for numbers in zip(record["apart"], record["d_loss"], record["spread"], strict=True)
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
