"""The families that go from noise to data step by step: diffusion and flow matching."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from pipelines.diffusion.samplers import SCHEDULES, Schedule, euler, timesteps
from pipelines.diffusion.samplers import ancestral as ddpm
from pipelines.models.plane.learner import Learner, fourier_features, mlp, normal_log_density

BINS = 8  # of the loss by noise level
# the time at which a state is taken for noise, where a density is integrated: later, little is well defined
END = 0.97


class Denoiser(Learner):
    """What diffusion and flow matching share: a network of a state and a time, its average, paths from noise to data,
    and the likelihood of the probability-flow equation (Song et al. 2021, eq. 39)."""

    likelihood = "exact"
    rate = 3e-3

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(18 + 9, 2)
        self.average = copy.deepcopy(self.net).requires_grad_(False)
        self.path = SCHEDULES["straight"]
        self.calls = 40
        self.by_level = torch.ones(BINS)  # running loss by noise level
        self.prepare()

    def predict(self, x: Tensor, t: Tensor | float, net: nn.Module | None = None) -> Tensor:
        """What the network says of states (n, 2) at time t."""
        t = torch.as_tensor(t, dtype=x.dtype).expand(len(x))[:, None]
        return (net or self.average)(torch.cat([fourier_features(x), fourier_features(t)], -1))

    def denoise(self, x: Tensor, t: float) -> Tensor:
        """The estimate of the data, E[x0 | x_t]."""
        raise NotImplementedError

    def velocity(self, x: Tensor, t: float) -> Tensor:
        """dx/dt of the probability-flow equation."""
        raise NotImplementedError

    def record(self, t: Tensor, losses: Tensor) -> None:
        """Average, and loss by noise level."""
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.net.parameters()), 0.01)
            level = (t * BINS).long().clamp_max(BINS - 1)
            total = torch.zeros(BINS).index_add_(0, level, losses)
            count = torch.bincount(level, minlength=BINS)
            there = count > 0
            self.by_level[there] += 0.02 * (total[there] / count[there] - self.by_level[there])

    def trajectory(self, x: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
        """States from noise to data, one a call."""
        raise NotImplementedError

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        *_, x = self.trajectory(torch.randn(n, 2, generator=generator), generator)
        return x

    def log_density(self, x: Tensor, steps: int = 40) -> Tensor:
        """By integrating the velocity's divergence from data to noise (Heun's method); exact but for the steps."""
        even = torch.linspace(0, math.pi, steps + 1)
        times = 1e-3 + (END - 1e-3) * (1 - even.cos()) / 2  # finer at both ends
        total, h = torch.zeros(len(x)), times.diff().tolist()
        for t, dt in zip(times.tolist(), h, strict=False):
            v, div = self.slope(x, t)
            w, div2 = self.slope(x + dt * v, t + dt)
            x, total = x + dt * (v + w) / 2, total + dt * (div + div2) / 2
        scale = math.hypot(self.path.a(END), self.path.s(END))
        return normal_log_density(x, 0.0, math.log(scale)).sum(-1) + total

    def slope(self, x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        """The velocity and its divergence."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            v = self.velocity(x, t)
            a = torch.autograd.grad(v[:, 0].sum(), x, retain_graph=True)[0][:, 0]
            b = torch.autograd.grad(v[:, 1].sum(), x)[0][:, 1]
        return v.detach(), a + b


class Diffusion(Denoiser):
    """DDPM (Ho et al. 2020): learn to denoise at every noise level, sample by the ancestral chain. The network predicts
    v = a noise - s x0 (Salimans and Ho 2022), from which either follows at every level."""

    name, title = "diffusion", "Diffusion"

    def __init__(self) -> None:
        super().__init__()
        self.path = SCHEDULES["cosine"]

    def split(self, x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        """The estimates of data and noise that a state is made of."""
        a, s, v = self.path.a(t), self.path.s(t), self.predict(x, t)
        return (a * x - s * v) / (a * a + s * s), (s * x + a * v) / (a * a + s * s)

    def denoise(self, x: Tensor, t: float) -> Tensor:
        return self.split(x, t)[0]

    def velocity(self, x: Tensor, t: float) -> Tensor:
        x0, noise = self.split(x, t)
        return self.path.da(t) * x0 + self.path.ds(t) * noise

    def train_step(self, x: Tensor) -> dict[str, float]:
        t, noise = torch.rand(len(x)), torch.randn_like(x)
        a, s = (torch.tensor([f(v) for v in t.tolist()])[:, None] for f in (self.path.a, self.path.s))
        error = (self.predict(a * x + s * noise, t, self.net) - (a * noise - s * x)).square().mean(-1)
        loss = self.descend(error.mean())
        self.record(t, error.detach())
        return {"loss": loss}

    def trajectory(self, x: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
        def noise() -> Tensor:
            return torch.randn(x.shape, generator=generator)

        return (state for state, _, _ in ddpm(self.denoise, x, timesteps(self.calls, 0.995), self.path, noise))


class FlowMatching(Denoiser):
    """Velocity on the straight path (Lipman et al. 2023); reflow on its own pairs straightens it (Liu et al. 2022)."""

    name, title = "flow-matching", "Flow matching"

    def __init__(self) -> None:
        super().__init__()
        self.pairs: tuple[Tensor, Tensor] | None = None  # noise and data of a reflow

    def denoise(self, x: Tensor, t: float) -> Tensor:
        return x - t * self.predict(x, t)

    def velocity(self, x: Tensor, t: float) -> Tensor:
        return self.predict(x, t)

    def train_step(self, x: Tensor) -> dict[str, float]:
        t, noise = torch.rand(len(x)), torch.randn_like(x)
        if self.pairs is not None:
            picks = torch.randint(len(self.pairs[0]), (len(x),))
            noise, x = self.pairs[0][picks], self.pairs[1][picks]
        error = (self.predict(torch.lerp(x, noise, t[:, None]), t, self.net) - (noise - x)).square().mean(-1)
        loss = self.descend(error.mean())
        self.record(t, error.detach())
        return {"loss": loss}

    def trajectory(self, x: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
        return (state for state, _, _ in euler(self.denoise, x, timesteps(self.calls), self.path, lambda: x))

    @torch.no_grad()
    def reflow(self, generator: torch.Generator, n: int = 4096, steps: int = 50) -> None:
        """From now on learn from its own pairs of noise and data, drawn once with many steps."""
        if self.pairs is not None:
            return
        noise = torch.randn(n, 2, generator=generator)
        *_, (x, _, _) = euler(self.denoise, noise, timesteps(steps), self.path, lambda: noise)
        self.pairs = noise, x

    @torch.no_grad()
    def straightness(self, generator: torch.Generator, n: int = 256, steps: int = 20) -> float:
        """Mean squared distance of the velocity from the straight line's (Liu et al. 2022, eq. 7); 0 is straight."""
        noise = torch.randn(n, 2, generator=generator)
        states = list(euler(self.denoise, noise, timesteps(steps), self.path, lambda: noise))
        line = noise - states[-1][0]
        errors = [(line - self.velocity(x, t)).square().sum(-1) for x, _, t in states[:-1]]
        return float(torch.stack(errors).mean())


def optimal_denoise(data: Tensor, x: Tensor, t: float, path: Schedule) -> Tensor:
    """E[x0 | x_t] in closed form where the data are these points: their mean, weighted by how likely each is to have
    become x. What every denoiser would learn, had it no limits (and then it would make nothing new)."""
    near = -torch.cdist(x, path.a(t) * data).square() / (2 * max(path.s(t), 1e-3) ** 2)
    return near.softmax(-1) @ data
