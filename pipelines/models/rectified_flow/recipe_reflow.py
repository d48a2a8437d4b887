"""Reflow (Liu et al. 2022): the base taught on its own pairs of noise and picture, whose straight lines do not cross,
so that few steps walk them, and guidance is in them already.

As a LoRA beside the base (as Luo et al. 2023, LCM-LoRA), with U-shaped times and a pseudo-Huber loss (Lee et al. 2024):
most at the two ends, where one-step pictures and details are decided.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pipelines import datasets as data
from pipelines.diffusion import flow_matching, samplers
from pipelines.models.latent_diffusion import recipe as base
from pipelines.models.latent_diffusion.recipe_sources import NOTHING
from pipelines.models.lora.adapter import LoRA, applied
from pipelines.models.rectified_flow import recipe_pairs
from pipelines.nn import weights

STEEP = 4.0  # of the times' density, exp(a t) + exp(-a t)
FIRST = 0.3  # of the times are 1: the first step matters most


def sample_u_shaped_times(n: int) -> Tensor:
    """Times of density exp(a t) + exp(-a t) on [0, 1] (Lee et al. 2024, section 4.1), and some that are 1."""
    u = torch.rand(n)
    near = (1 + u * (np.exp(STEEP) - 1)).log() / STEEP  # of density exp(a t)
    t = torch.where(torch.rand(n) < 0.5, near, 1 - near)
    return torch.where(torch.rand(n) < FIRST, torch.ones(n), t)


def pseudo_huber(v: Tensor, target: Tensor) -> Tensor:
    """sqrt(|v - target|^2 + c^2) - c a sample, c = .00054 sqrt(dimensions) (Song & Dhariwal 2024, section 3.3)."""
    c = 0.00054 * target[0].numel() ** 0.5
    return ((v.float() - target).square().flatten(1).sum(1) + c**2).sqrt() - c


class Recipe(base.Recipe):
    name = "reflow"
    steps, lr, ema, batch = 12_000, 2e-3, 0.998, 48
    muon, weight_decay, look_every, warmup = False, 0.0, 300, 100
    rank, test_pairs = 64, 480  # the last ones are held out

    def __init__(self) -> None:
        super().__init__()
        model = base.open_base()
        self.base, self.layout = model.transformer, model.layout
        if not (recipe_pairs.folder() / "latents.npy").exists():
            recipe_pairs.build()
        self.rows = np.load(recipe_pairs.folder() / "rows.npy")
        self.pictures = np.load(recipe_pairs.folder() / "latents.npy", mmap_mode="r")

    def build(self) -> nn.Module:
        return LoRA(self.base, self.rank)

    def load_pairs(self, picks: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Noises, their pictures, captions and layouts of some pairs."""
        z = torch.from_numpy(self.pictures[picks].astype(np.float32))
        captions = torch.empty(len(picks), self.config.queries, self.config.words)
        layout = NOTHING.expand(len(picks), -1, -1).clone()
        for number, (name, source) in enumerate(self.sources.items()):
            here = np.flatnonzero(self.rows[picks, 0] == number)
            if len(here):
                some = self.rows[picks[here], 1]
                captions[here] = source.draw(some, torch.device("cpu"))[1]
                found = self.layouts({name: some}, torch.device("cpu"))
                seen = torch.from_numpy(self.rows[picks[here], 2] > 0)
                layout[here] = torch.where(seen[:, None, None], found, NOTHING)
        noise = [samplers.seeded_noise(recipe_pairs.FIRST_SEED + int(k), tuple(z.shape[1:]), 1)() for k in picks]
        return torch.cat(noise).to(device), z.to(device), captions.to(device), layout.to(device)

    def velocity(self, lora: LoRA, x: Tensor, t: Tensor, captions: Tensor, layout: Tensor) -> Tensor:
        """The base's under the LoRA."""
        with applied(self.base, [(lora, 1.0)]):
            words = self.base.text_kv(captions)
            return self.base(x, words, self.base.modulations(t, words.pooled), hints=[self.layout(layout)])

    def loss(self, lora: LoRA, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        device = next(lora.parameters()).device
        self.base.to(device), self.layout.to(device)
        noise, z, captions, layout = self.load_pairs(
            np.sort(rng.choice(len(self.rows) - self.test_pairs, self.batch)), device
        )
        t = sample_u_shaped_times(len(z)).to(device)
        v = self.velocity(lora, flow_matching.interpolate(z, noise, t), t, captions, layout)
        errors = pseudo_huber(v, noise - z)
        first = t == 1
        return errors.mean() / 10, {"first": errors[first].mean().detach(), "rest": errors[~first].mean().detach()}

    @torch.no_grad()
    def walk(self, lora: LoRA, x: Tensor, captions: Tensor, layout: Tensor, steps: int) -> Tensor:
        """Euler's steps from noise to picture."""
        for k in range(steps):
            t = torch.full((len(x),), 1 - k / steps, device=x.device)
            x = x - self.velocity(lora, x, t, captions, layout).float() / steps
        return x

    @torch.no_grad()
    def evaluate(self, lora: LoRA, folder: Path, step: int) -> dict[str, float]:
        """Held-out pairs: how far 1, 2 and 4 steps end from the base's picture, over how far the mean picture is; and a
        sheet of it, below it those of 1, 2 and 4 steps."""
        picks = np.arange(len(self.rows) - self.test_pairs, len(self.rows))[::10]
        noise, z, captions, layout = self.load_pairs(picks, next(lora.parameters()).device)
        drawn = {n: self.walk(lora, noise, captions, layout, n) for n in (1, 2, 4)}
        some = [part[:12].cpu() for part in (z, *drawn.values())]
        data.contact_sheet(np.concatenate([self.coder.decode_uint8(part).numpy() for part in some]), columns=12).save(
            folder / f"sheet-{step:06d}.png"
        )
        spread = (z - z.mean(0)).square().mean()
        return {f"error_{n}": round(((x - z).square().mean() / spread).item(), 4) for n, x in drawn.items()}

    def export(self, lora: LoRA, record: dict) -> None:
        about = {"data": "the base's own pictures under training captions", "licence": "MIT", **record}
        weights.save(self.name, lora, {"rank": self.rank}, about, data.cache_dir() / "weights")
