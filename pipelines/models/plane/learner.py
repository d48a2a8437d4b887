"""What the six families share: one training step, samples, and what can be said of the density.

A learner's `train_on` takes a batch (n, 2); `sample` has no other randomness than its generator's; `log_density` is in
nats: exact, a lower bound (a VAE's), or missing.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

LOG_2PI = math.log(2 * math.pi)
WIDTH = 128


def mlp(inputs: int, outputs: int, width: int = WIDTH, hidden: int = 3) -> nn.Sequential:
    """A multilayer perceptron with SiLU between its layers."""
    sizes = [inputs, *[width] * hidden]
    layers = [part for a, b in zip(sizes, sizes[1:], strict=False) for part in (nn.Linear(a, b), nn.SiLU())]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


def fourier_features(x: Tensor) -> Tensor:
    """Coordinates (n, d) with sines and cosines of 1 to 8 times them: (n, 9 d). Tancik et al. 2020."""
    angle = torch.cat([x * k for k in (1, 2, 4, 8)], -1)
    return torch.cat([x, angle.sin(), angle.cos()], -1)


def normal_log_density(x: Tensor, mean: Tensor | float = 0.0, log_scale: Tensor | float = 0.0) -> Tensor:
    """Of independent normals, elementwise."""
    log_scale = torch.as_tensor(log_scale)
    return -0.5 * ((x - mean) * (-log_scale).exp()).square() - log_scale - 0.5 * LOG_2PI


class Learner(nn.Module):
    """One family: what the page calls it, what likelihood it has, how many network calls a sample takes."""

    name: str
    title: str
    likelihood = "none"  # or "exact", or "bound"
    calls = 1
    rate = 1e-3

    def __init__(self) -> None:
        super().__init__()
        self.diverged_at = 0  # the training step whose loss was not finite: it takes no more
        self.steps = 0
        self.losses: dict[str, float] = {}

    def prepare(self) -> None:
        """The optimiser, once the networks are there."""
        self.optimiser = torch.optim.Adam(self.parameters(), self.rate, betas=(0.9, 0.99), fused=True)

    def set_rate(self, rate: float) -> None:
        """The learning rate, as a multiple of the family's own."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * rate

    def train_on(self, x: Tensor) -> None:
        """One step on a batch (n, 2), unless it has diverged."""
        if self.diverged_at:
            return
        losses = self.train_step(x)
        self.steps += 1
        if not all(map(math.isfinite, losses.values())):
            self.diverged_at = self.steps
            return
        for key, value in losses.items():  # averages over some 50 steps
            self.losses[key] = value + (self.losses.get(key, value) - value) * 0.98

    def descend(self, loss: Tensor, optimiser: torch.optim.Optimizer | None = None) -> float:
        """One step of an optimiser, the family's only one by default; none where loss or gradient is not finite."""
        optimiser = optimiser or self.optimiser
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(optimiser.param_groups[0]["params"], 10.0)
        if not torch.isfinite(loss + norm):
            return math.nan
        optimiser.step()
        return loss.item()

    def train_step(self, x: Tensor) -> dict[str, float]:
        raise NotImplementedError

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        raise NotImplementedError

    def log_density(self, x: Tensor) -> Tensor | None:
        """Nats at (n, 2) points, (n,); None where the family has none."""

    def diagnose(self) -> str:
        """What its losses say to somebody who knows them; "" where nothing is the matter."""
        return ""
