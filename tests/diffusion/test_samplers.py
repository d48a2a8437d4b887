"""Samplers against data whose best denoiser is known in closed form: x0 ~ N(M, D²) a coordinate."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pipelines.diffusion.samplers import (
    DETERMINISTIC,
    SAMPLERS,
    SCHEDULES,
    coefficients,
    on_schedule,
    seeded_noise,
    timesteps,
)

M, D = 0.7, 0.4


def exact(x: Tensor, t: float) -> Tensor:
    """E[x0 | x_t] on the straight path."""
    a, s = 1 - t, t
    return M + a * D**2 / (a**2 * D**2 + s**2) * (x - a * M)


def sample(name: str, path: str, steps: int, n: int = 2000, eta: float = 0.0) -> tuple[Tensor, Tensor]:
    noise = seeded_noise(3, (n,), 1)
    start = noise()
    *_, (x, _, t) = SAMPLERS[name](
        on_schedule(exact, SCHEDULES[path]),
        start * SCHEDULES[path].s(1.0),
        timesteps(steps),
        SCHEDULES[path],
        noise,
        eta,
    )
    assert t == 0
    return start, x


@pytest.mark.parametrize("path", SCHEDULES)
def test_paths_run_from_data_to_noise_with_right_derivatives(path: str) -> None:
    p = SCHEDULES[path]
    assert (p.a(0.0), p.s(0.0)) == pytest.approx((1, 0), abs=1e-6)
    assert p.a(1.0) == pytest.approx(0, abs=0.01)
    assert p.s(1.0) == pytest.approx(1, abs=0.01)
    for t in (0.1, 0.5, 0.9):
        assert p.da(t) == pytest.approx((p.a(t + 1e-5) - p.a(t - 1e-5)) / 2e-5, rel=1e-3)
        assert p.ds(t) == pytest.approx((p.s(t + 1e-5) - p.s(t - 1e-5)) / 2e-5, rel=1e-3)
        u = p.straight_time(t)
        assert (1 - u) / u == pytest.approx(p.a(t) / p.s(t), rel=1e-6)  # equal signal-to-noise ratio


@pytest.mark.parametrize("path", SCHEDULES)
@pytest.mark.parametrize("name", DETERMINISTIC)
def test_deterministic_samplers_reach_the_exact_map(name: str, path: str) -> None:
    start, x = sample(name, path, 200)
    assert (x - (M + D * start)).abs().mean() < 0.02  # the ODE transports N(0, 1) to N(M, D²) monotonically


@pytest.mark.parametrize("name", ["heun", "dpm-solver++"])
def test_second_order_beats_first_order_at_ten_steps(name: str) -> None:
    def error(sampler: str) -> float:
        start, x = sample(sampler, "straight", 10)
        return (x - (M + D * start)).abs().mean().item()

    assert error(name) < 0.6 * error("euler")


@pytest.mark.parametrize("path", SCHEDULES)
@pytest.mark.parametrize(("name", "eta"), [("ddpm", 0.0), ("ddim", 1.0), ("ddim", 0.5)])
def test_stochastic_samplers_reach_the_distribution(name: str, eta: float, path: str) -> None:
    _, x = sample(name, path, 200, eta=eta)
    assert x.mean().item() == pytest.approx(M, abs=0.04)
    assert x.std().item() == pytest.approx(D, abs=0.04)


@pytest.mark.parametrize("path", SCHEDULES)
@pytest.mark.parametrize(
    ("name", "eta"), [("euler", 0.0), ("ddim", 0.0), ("ddim", 0.7), ("ddpm", 0.0), ("dpm-solver++", 0.0)]
)
def test_the_coefficients_that_are_shown_are_those_of_the_step(name: str, eta: float, path: str) -> None:
    x, z, p = torch.randn(5), torch.randn(5), SCHEDULES[path]
    for times in ([0.8, 0.55], [0.2, 0.0]):
        (reached, x0, r), *_ = SAMPLERS[name](lambda x, t: x.sin(), x, times, p, lambda: z, eta)
        a, b, c = coefficients(name, times[0], r, p, eta)
        assert torch.allclose(reached, a * x + b * x0 + c * z, atol=1e-5)


def test_ddim_with_eta_one_is_the_ancestral_sampler_on_a_variance_preserving_path() -> None:
    assert torch.allclose(sample("ddim", "cosine", 20, eta=1.0)[1], sample("ddpm", "cosine", 20)[1], atol=1e-4)


def test_euler_is_ddim_on_the_straight_path() -> None:
    assert torch.allclose(sample("euler", "straight", 15)[1], sample("ddim", "straight", 15)[1], atol=1e-5)


def test_one_step_lands_on_the_mean() -> None:
    assert torch.allclose(sample("euler", "straight", 1)[1], torch.tensor(M), atol=1e-6)


def test_heun_calls_twice_but_for_the_last_step() -> None:
    calls = []
    path = SCHEDULES["straight"]
    list(
        SAMPLERS["heun"](
            lambda x, t: calls.append(t) or exact(x, t), torch.zeros(1), timesteps(5), path, lambda: torch.zeros(1)
        )
    )
    assert len(calls) == 9


def test_noise_of_a_sample_does_not_depend_on_the_batch() -> None:
    many, alone = seeded_noise(5, (4,), 8), seeded_noise(7, (4,), 1)
    for _ in range(3):
        assert torch.equal(many()[2], alone()[0])


def test_grid_runs_from_start_to_zero() -> None:
    times = timesteps(4, 0.8)
    assert times == pytest.approx([0.8, 0.6, 0.4, 0.2, 0.0])
    assert all(math.isfinite(t) for t in times)
