"""Paths and samplers over one contract: `denoise(x, t) -> x0`.

A path mixes data and noise, x_t = a(t) x0 + s(t) noise, from data at t = 0 to noise at t = 1. Every sampler is a short
generator that yields (x, x0, t) once a step: the new state, the estimate that it went by, and the time that it reached.
Whoever iterates owns preview and cancel. `noise()` draws fresh standard noise of the shape of x.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

Denoise = Callable[[Tensor, float], Tensor]
Noise = Callable[[], Tensor]
Step = tuple[Tensor, Tensor, float]
T = TypeVar("T")


@dataclass(frozen=True)
class Schedule:
    """x_t = a(t) x0 + s(t) noise, with the derivatives that the probability-flow equation needs."""

    name: str
    a: Callable[[float], float]
    s: Callable[[float], float]
    da: Callable[[float], float]
    ds: Callable[[float], float]

    def straight_time(self, t: float) -> float:
        """The time on the straight path with the same signal-to-noise ratio: s / (a + s)."""
        return self.s(t) / (self.a(t) + self.s(t))


def _vp(beta0: float = 0.1, beta1: float = 20.0) -> Schedule:
    """The variance-preserving path of DDPM's linear betas in continuous time (Song et al. 2021, eq. 33)."""

    def a(t: float) -> float:
        return math.exp(-0.25 * t * t * (beta1 - beta0) - 0.5 * t * beta0)

    def s(t: float) -> float:
        return math.sqrt(-math.expm1(2 * math.log(a(t))))

    def da(t: float) -> float:
        return -0.5 * (beta0 + t * (beta1 - beta0)) * a(t)

    return Schedule("linear betas", a, s, da, lambda t: -a(t) * da(t) / max(s(t), 1e-12))


SCHEDULES = {
    # rectified flow (Liu et al. 2022)
    "straight": Schedule("straight", lambda t: 1 - t, lambda t: t, lambda t: -1.0, lambda t: 1.0),
    # cosine (Nichol & Dhariwal 2021), variance preserving
    "cosine": Schedule(
        "cosine",
        lambda t: math.cos(t * math.pi / 2) if t < 1 else 0.0,
        lambda t: math.sin(t * math.pi / 2),
        lambda t: -math.pi / 2 * math.sin(t * math.pi / 2),
        lambda t: math.pi / 2 * math.cos(t * math.pi / 2),
    ),
    "linear-beta": _vp(),
}


def on_schedule(denoise: Callable[..., T], path: Schedule) -> Callable[..., T]:
    """Serve any path with a denoiser of the straight one: rescale the state to equal signal-to-noise ratio."""

    def moved(x: Tensor, t: float, *rest: object) -> T:
        return denoise(x / (path.a(t) + path.s(t)), path.straight_time(t), *rest)

    return moved


def timesteps(steps: int, start: float = 1.0) -> list[float]:
    """steps + 1 times from `start` down to 0, evenly spaced."""
    return [start * (1 - i / steps) for i in range(steps)] + [0.0]


def euler(
    denoise: Denoise, x: Tensor, times: list[float], path: Schedule, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """Euler's method on the probability-flow ODE dx/dt = a' x0 + s' n (Song et al. 2021; Liu et al. 2022)."""
    for t, r in zip(times, times[1:], strict=False):
        x0 = denoise(x, t)
        x = x + (r - t) * _slope(x, x0, t, path) if r > 0 else x0
        yield x, x0, r


def heun(
    denoise: Denoise, x: Tensor, times: list[float], path: Schedule, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """Heun's second-order method, two calls a step and Euler at the end (Karras et al. 2022, alg. 1)."""
    for t, r in zip(times, times[1:], strict=False):
        x0 = denoise(x, t)
        if r > 0:
            d = _slope(x, x0, t, path)
            guess = x + (r - t) * d
            x = x + (r - t) * (d + _slope(guess, denoise(guess, r), r, path)) / 2
        else:
            x = x0
        yield x, x0, r


def _slope(x: Tensor, x0: Tensor, t: float, path: Schedule) -> Tensor:
    n = (x - path.a(t) * x0) / path.s(t)
    return path.da(t) * x0 + path.ds(t) * n


def ddim(
    denoise: Denoise, x: Tensor, times: list[float], path: Schedule, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """DDIM (Song et al. 2020, eq. 12); eta = 0 is deterministic, eta = 1 adds the noise of the ancestral sampler."""
    for t, r in zip(times, times[1:], strict=False):
        x0 = denoise(x, t)
        n = (x - path.a(t) * x0) / path.s(t)
        sigma = eta * _posterior_sigma(t, r, path)
        x = path.a(r) * x0 + math.sqrt(max(path.s(r) ** 2 - sigma**2, 0.0)) * n
        if sigma > 0:
            x = x + sigma * noise()
        yield x, x0, r


def ancestral(
    denoise: Denoise, x: Tensor, times: list[float], path: Schedule, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """DDPM's ancestral sampler: draw from the posterior q(x_r | x_t, x0) (Ho et al. 2020, eq. 7, for any a and s)."""
    for t, r in zip(times, times[1:], strict=False):
        x0 = denoise(x, t)
        ratio = path.a(t) / path.a(r)
        variance = path.s(t) ** 2 - (ratio * path.s(r)) ** 2  # variance of q(x_t | x_r)
        x = (ratio * path.s(r) ** 2 * x + path.a(r) * variance * x0) / path.s(t) ** 2
        sigma = _posterior_sigma(t, r, path)
        if sigma > 0:
            x = x + sigma * noise()
        yield x, x0, r


def _posterior_sigma(t: float, r: float, path: Schedule) -> float:
    variance = path.s(t) ** 2 - (path.a(t) / path.a(r) * path.s(r)) ** 2
    return math.sqrt(max(variance, 0.0)) * path.s(r) / path.s(t)


def dpm_solver(
    denoise: Denoise, x: Tensor, times: list[float], path: Schedule, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """DPM-Solver++(2M) (Lu et al. 2022, alg. 2): second order from the previous step's estimate, one call a step."""
    last: Tensor | None = None
    last_h = math.inf
    for t, r in zip(times, times[1:], strict=False):
        x0 = denoise(x, t)
        # exp(-h) with h = lambda_r - lambda_t and lambda = log(a / s); as a ratio, it also holds where a = 0 or s = 0
        shrink = path.a(t) * path.s(r) / (path.s(t) * path.a(r))
        h = -math.log(shrink) if shrink > 0 else math.inf
        estimate = x0
        if last is not None and r > 0 and math.isfinite(last_h):
            estimate = x0 + h / (2 * last_h) * (x0 - last)
        x = path.s(r) / path.s(t) * x + path.a(r) * (1 - shrink) * estimate
        last, last_h = x0, h
        yield x, x0, r


def coefficients(sampler: str, t: float, r: float, path: Schedule, eta: float = 0.0) -> tuple[float, float, float]:
    """A, B and C of the step from t to r, written as x_r = A x_t + B x0 + C z.

    For DPM-Solver++ x0 is the extrapolated estimate; for Heun the numbers are those of its first, Euler's, half.
    """
    a, s, a_r, s_r = path.a(t), path.s(t), path.a(r), path.s(r)
    sigma = (
        0.0 if sampler not in ("ddim", "ddpm") else _posterior_sigma(t, r, path) * (eta if sampler == "ddim" else 1)
    )
    if sampler == "dpm-solver++":
        return s_r / s, a_r * (1 - a * s_r / (s * a_r)), 0.0
    if sampler == "ddpm":
        ratio = a / a_r
        return ratio * s_r**2 / s**2, a_r * (s**2 - (ratio * s_r) ** 2) / s**2, sigma
    if sampler == "ddim":
        still = math.sqrt(max(s_r**2 - sigma**2, 0.0)) / s
        return still, a_r - still * a, sigma
    if r == 0:  # the last step goes to the estimate itself
        return 0.0, 1.0, 0.0
    return 1 + (r - t) * path.ds(t) / s, (r - t) * (path.da(t) - path.ds(t) * a / s), 0.0


Sampler = Callable[[Denoise, Tensor, list[float], Schedule, Noise, float], Iterator[Step]]

SAMPLERS: dict[str, Sampler] = {
    "dpm-solver++": dpm_solver,
    "heun": heun,
    "euler": euler,
    "ddim": ddim,
    "ddpm": ancestral,
}
DETERMINISTIC = ("dpm-solver++", "heun", "euler", "ddim")


def seeded_noise(seed: int, shape: tuple[int, ...], count: int, device: str = "cpu") -> Noise:
    """Standard noise (count, *shape) a call, from one CPU generator a sample (seed + i): batch and device change
    nothing."""
    generators = [torch.Generator().manual_seed((seed + i) % 2**32) for i in range(count)]

    def draw() -> Tensor:
        return torch.stack([torch.randn(shape, generator=g) for g in generators]).to(device)

    return draw
