"""Mixtures of Gaussians, whose best denoiser is known in closed form: what is wrong then is the sampler's
doing alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pipelines.diffusion.samplers import SAMPLERS, Schedule, timesteps


@dataclass(frozen=True)
class Mixture:
    """Equal parts of one variance at `means`."""

    means: Float[Tensor, "k d"]
    deviation: float

    def draw(self, n: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
        """Samples."""
        k, d = self.means.shape
        part = torch.randint(k, (n,), generator=generator)
        return self.means[part] + self.deviation * torch.randn(n, d, generator=generator)

    def denoise(self, x: Tensor, t: float, path: Schedule) -> Tensor:
        """E[x0 | x_t]: of every part its posterior mean, weighed by how likely it made x_t."""
        a, s, v = path.a(t), path.s(t), self.deviation**2
        spread = a * a * v + s * s
        gap = x[:, None] - a * self.means[None]
        weights = (-gap.square().sum(2) / (2 * max(spread, 1e-12))).softmax(1)[..., None]
        return (weights * (self.means[None] + a * v / max(spread, 1e-12) * gap)).sum(1)

    def sample(
        self, sampler: str, steps: int, path: Schedule, n: int, generator: torch.Generator, error: float = 0.0
    ) -> Float[Tensor, "n d"]:
        """By a sampler with the best denoiser, or with one that errs by a fixed field of so many deviations."""
        d = self.means.shape[1]

        def noise() -> Tensor:
            return torch.randn(n, d, generator=generator)

        def denoise(x: Tensor, t: float) -> Tensor:
            return self.denoise(x, t, path) + error * torch.sin(3 * x.flip(1) + 5 * t)

        times = timesteps(steps, 0.999 if path.a(1.0) <= 1e-3 else 1.0)
        *_, (x, _, _) = SAMPLERS[sampler](denoise, noise(), times, path, noise, 0.0)
        return x


def energy_distance(x: Tensor, y: Tensor) -> float:
    """2 E|x - y| - E|x - x'| - E|y - y'| (Székely and Rizzo 2013), unbiased."""

    def within(z: Tensor) -> Tensor:
        return torch.cdist(z, z).sum() / (len(z) * (len(z) - 1))

    return (2 * torch.cdist(x, y).mean() - within(x) - within(y)).item()


def ring(parts: int = 8, radius: float = 1.4, deviation: float = 0.1) -> Mixture:
    """Gaussians on a circle."""
    angle = torch.arange(parts) * 2 * torch.pi / parts
    return Mixture(radius * torch.stack([angle.cos(), angle.sin()], 1), deviation)


def two(deviation: float = 0.3) -> Mixture:
    """Two on a line, at -2 and 2: what lies between them is a valley that should be empty."""
    return Mixture(torch.tensor([[-2.0], [2.0]]), deviation)


def valley(x: Tensor) -> float:
    """The share of samples between the two."""
    return (x[:, 0].abs() < 1).double().mean().item()
