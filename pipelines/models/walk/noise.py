"""The noise that latent diffusion begins with, as a latent space: between four seeds, in a handful of steps."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from pipelines import load
from pipelines.diffusion import samplers
from pipelines.models.latent_diffusion.spec import LatentDiffusion256Settings
from pipelines.models.walk.spec import NoiseSpaceSettings
from pipelines.nn import weights
from pipelines.nn.latent import LatentPipeline

BATCH = 8  # pictures at once


class NoiseSpacePipeline(LatentPipeline):
    """A code is the whole noise; a deterministic sampler makes a picture of it, in one layout for all."""

    name = "noise-space"
    Settings = NoiseSpaceSettings
    equation = "x<sub>0</sub> = ODE(z, words), z ~ N(0, 1)"
    side = 3  # a picture takes several passes, and a map has to be there soon

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.base = load("latent-diffusion-256", device, dtype)
        self.dtype = self.base.dtype
        c = self.base.transformer.config
        self.shape = (c.channels, c.size, c.size)
        self.width = c.channels * c.size**2

    @functools.lru_cache(4)  # noqa: B019 - there is one such pipeline
    def layout(self, prompt: str) -> Tensor | None:
        """What the tokens of every picture of these words read of one layout; None where there is none."""
        condition = self.base.condition(prompt, "")
        self.base.write_layout(condition, LatentDiffusion256Settings(seed=0, prompt=prompt))
        return condition.hint

    def decode(self, codes: Tensor, s: NoiseSpaceSettings) -> Tensor:
        one = LatentDiffusion256Settings(prompt=s.prompt, steps=s.calls, guidance=s.guidance)
        times, found, layout = samplers.timesteps(s.calls), [], self.layout(s.prompt)
        for part in codes.split(BATCH):
            r = self.base.prepare(one, times, len(part))
            r.condition.hint = layout if layout is None else layout.expand(len(part), -1, -1)
            steps = samplers.dpm_solver(r.denoise, part.unflatten(1, self.shape), times, r.path, part.clone)
            *_, (x, _, _) = steps
            found += [self.base.autoencoder.decode(z) for z in x.split(1)]
        return torch.cat(found)

    def detail(self, s: NoiseSpaceSettings) -> dict[str, Any]:
        return {"calls": s.calls, "device": f"{self.device}, {str(self.dtype).removeprefix('torch.')}"}
