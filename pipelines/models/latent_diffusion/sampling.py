"""Many captions at once, one picture each: what training shows of itself, and what the benchmarks measure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from pipelines import text
from pipelines.diffusion import samplers
from pipelines.diffusion.guidance import Guidance, with_cfg
from pipelines.models.latent_diffusion import autoencoder
from pipelines.models.latent_diffusion.network import LatentDiffusion
from pipelines.nn import weights
from pipelines.nn.dit import Config, DiT


@torch.inference_mode()
def sample_latents(
    net: DiT,
    captions: Float[Tensor, "n q d"],
    seed: int = 0,
    steps: int = 20,
    guidance: float = 4.0,
    hint: Float[Tensor, "n t w"] | None = None,
) -> Float[Tensor, "n c h w"]:
    """Latents of captions as the resampler reads them, with seeds `seed`, `seed` + 1, …, by DPM-Solver++ on the
    straight path; a `hint` is added to the tokens that are guided."""
    n, device, c = len(captions), captions.device, net.config
    words = net.text_kv(torch.cat([captions, net.null.to(captions).expand(n, -1, -1)]))

    hints = [] if hint is None else [torch.cat([hint, torch.zeros_like(hint)])]

    def estimate(x: Tensor, t: float, pair: bool) -> tuple[Tensor, Tensor]:
        both = torch.cat([x, x])
        modulations = net.modulations(torch.full((2 * n,), t, device=device), words.pooled)
        x0 = both - t * net(both, words, modulations, hints=hints)
        return x0[:n], x0[n:]

    noise = samplers.seeded_noise(seed, (c.channels, c.size, c.size), n, str(device))
    times, schedule = samplers.timesteps(steps), samplers.SCHEDULES["straight"]
    *_, (x, _, _) = samplers.dpm_solver(with_cfg(estimate, Guidance(guidance)), noise(), times, schedule, noise)
    return x


@dataclass
class Model:
    """Latent diffusion and its autoencoder, as one bundle each has them."""

    model: LatentDiffusion
    coder: nn.Module

    @staticmethod
    def load(folder: Path | None = None) -> Model:
        """The bundled ones, or those that training has left in a folder. Raises weights.WeightsError."""
        model = weights.open_bundle("latent-diffusion", lambda config: LatentDiffusion(Config(**config)), folder)
        return Model(model, autoencoder.load(folder=folder))

    @torch.inference_mode()
    def draw(
        self, prompts: list[str], seed: int = 0, steps: int = 20, guidance: float = 4.0, batch: int = 20
    ) -> UInt8[np.ndarray, "n h w 3"]:
        """One picture a prompt, with seeds `seed`, `seed` + 1, …."""
        images = []
        for first in range(0, len(prompts), batch):
            part = prompts[first : first + batch]
            captions = self.model.resampler(*text.pad([text.encoder().encode(prompt) for prompt in part]))
            z = sample_latents(self.model.transformer, captions, seed + first, steps, guidance)
            images.append(np.concatenate([self.coder.decode_uint8(some).numpy() for some in z.split(8)]))
        return np.concatenate(images)
