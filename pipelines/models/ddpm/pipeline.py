"""DDPM (Ho et al. 2020): the chain from noise to picture, forwards and backwards, in pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.core import contract
from pipelines.core.cards import card
from pipelines.diffusion.progress import follow
from pipelines.diffusion.samplers import SAMPLERS, SCHEDULES, Schedule, coefficients, seeded_noise
from pipelines.media.images import center_crop, from_url
from pipelines.models.ddpm.network import UNet
from pipelines.models.ddpm.spec import DDPMSettings
from pipelines.nn import weights
from pipelines.nn.pixels import to_tensor, to_uint8

SIDE, LEVELS = 64, 1000
FORWARD = 12  # frames of a picture on its way to noise


def shorten(path: Schedule, share: float) -> Schedule:
    """The same range of betas in a share of the levels: their sum, and with it log a, is that share of the whole."""
    return with_signal(path, f"{path.name}, {share:.0%} of the levels", lambda t: path.a(t) ** share)


def rescale(path: Schedule) -> Schedule:
    """Zero terminal signal: a is shifted so that a(1) = 0 and stretched so that a(0) stays (Lin et al. 2024,
    alg. 1)."""
    last = path.a(1.0)
    return with_signal(path, f"{path.name}, rescaled", lambda t: max(path.a(t) - last, 0.0) / (1 - last))


def with_signal(path: Schedule, name: str, a: Callable[[float], float]) -> Schedule:
    """A variance-preserving path by its a(t), for samplers that need no derivatives."""
    return replace(path, name=name, a=a, s=lambda t: math.sqrt(max(1 - a(t) ** 2, 0.0)))


def schedule(s: DDPMSettings) -> Schedule:
    """The path that the settings ask for."""
    path = SCHEDULES[s.schedule]
    if s.schedule == "linear-beta":
        path = shorten(path, s.levels / LEVELS)
        path = rescale(path) if s.rescaled else path
    return path


class DDPMPipeline(contract.Pipeline):
    """Noise to a face; or a picture to noise and back."""

    name = "ddpm"
    Settings = DDPMSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.net = weights.open_bundle("ddpm", lambda config: UNet(tuple(config["widths"]))).to(self.device)
        self.levels = card("ddpm").get("levels", [])

    def denoise(self, x: Tensor, t: float, path: Schedule, clipped: bool) -> Tensor:
        """x0 from x_t: the network knows the cosine path, and is asked at the time of the same signal-to-noise ratio;
        x0 = a x_t - s v (Salimans and Ho 2022)."""
        a, s = path.a(t), path.s(t)
        known = min(max(math.atan2(s, a) * 2 / math.pi, 1 / LEVELS), 1.0)
        v = self.net(x, torch.full((len(x),), known, device=x.device)).float()
        x0 = a * x - s * v
        return x0.clamp(-1, 1) if clipped else x0

    @torch.inference_mode()
    def run(self, s: DDPMSettings) -> Iterator[contract.Frame]:
        path, fresh = schedule(s), seeded_noise(s.seed, (3, SIDE, SIDE), 1, self.device)
        start = (s.strength if s.image else 1.0) * (1 - (1 / LEVELS if s.schedule == "cosine" or s.rescaled else 0))
        forward = FORWARD if s.image else 0
        total = forward + s.steps
        x = noise = fresh()
        if s.image:
            picture = center_crop(from_url(s.image), SIDE)
            clean = to_tensor(picture[None]).to(self.device)
            for k in range(1, forward + 1):
                t = start * k / forward
                x = path.a(t) * clean + path.s(t) * noise
                yield self.frame(k, total, x, x, t, path, f"noise goes in, t = {t:.2f}")
        times = [start * (1 - i / s.steps) for i in range(s.steps)] + [0.0]

        def denoise(x: Tensor, t: float) -> Tensor:
            return self.denoise(x, t, path, s.clipped)

        chain = SAMPLERS[s.sampler](denoise, x, times, path, fresh, 0.0)
        for p in follow(chain, times[:-1], path):
            frame = self.frame(forward + p.number, total, p.x0, p.x, p.reached, path, p.note)
            numbers = coefficients(s.sampler, p.t, p.reached, path)
            frame.trace.update({"sampler": s.sampler, "weight": 1, "t": p.t, "next": p.reached, "moved": p.moved})
            frame.trace.update({"coefficients": numbers, "calls": p.number})
            if p.number == s.steps:
                frame.result = contract.ImageResult(frame.preview, self.name, s.model_dump())
                frame.note += "" if s.whole else f" · the schedule ends with a signal of {path.a(1.0):.2f}"
            yield frame

    def frame(
        self, step: int, total: int, x0: Tensor, x: Tensor, t: float, path: Schedule, note: str
    ) -> contract.Frame:
        """A step of the chain, in either direction."""

        def picture(y: Tensor) -> np.ndarray:
            return to_uint8(y[0].clamp(-1, 1).permute(1, 2, 0)).cpu().numpy()

        trace: dict[str, Any] = {"a": path.a(t), "sigma": path.s(t), "device": f"{self.device}, float32"}
        return contract.Frame(
            step, total, lambda: picture(x0), lambda: picture(x), note, trace=trace | {"levels": self.levels}
        )
