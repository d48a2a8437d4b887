"""Solvers against an equation whose solution is known, forwards and backwards, and against scipy's own."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.integrate import solve_ivp

from pipelines.diffusion.ode import ERROR, STAGES, solve_adaptive, solve_fixed, straightness


def spin(x: torch.Tensor, t: float) -> torch.Tensor:
    """A rotation that gets faster: the exact solution is an angle of t²."""
    return 2 * t * torch.stack([-x[1], x[0]])


def exact(t: float) -> torch.Tensor:
    return torch.tensor([math.cos(t * t), math.sin(t * t)], dtype=torch.float64)


def end_of(states: object) -> tuple[torch.Tensor, float, int]:
    *_, last = states
    return last


@pytest.mark.parametrize(("order", "power", "calls"), [("euler", 1, 1), ("midpoint", 2, 2), ("heun", 2, 2)])
def test_halving_the_steps_divides_the_error_by_its_order(order: str, power: int, calls: int) -> None:
    errors = []
    for steps in (40, 80):
        x, t, called = end_of(solve_fixed(spin, exact(0), 0.0, 1.0, steps, order))
        assert t == pytest.approx(1) and called == calls * steps
        errors.append((x - exact(1)).norm().item())
    assert errors[0] / errors[1] == pytest.approx(2**power, rel=0.2)


@pytest.mark.parametrize(("start", "end"), [(0.0, 1.0), (1.0, 0.0)])
def test_the_adaptive_solver_keeps_its_tolerance_in_both_directions(start: float, end: float) -> None:
    calls = []
    for tolerance in (1e-3, 1e-6):
        x, t, called = end_of(solve_adaptive(spin, exact(start), start, end, tolerance))
        assert t == pytest.approx(end) and (x - exact(end)).norm() < 20 * tolerance
        calls.append(called)
    assert calls[0] < calls[1]


def test_a_step_of_dormand_and_prince_is_scipys() -> None:
    x, _, _ = end_of(solve_adaptive(spin, exact(0), 0.0, 0.05, 0.5))  # one step
    theirs = solve_ivp(
        lambda t, y: spin(torch.tensor(y), t).numpy(), (0, 0.05), exact(0), first_step=0.05, rtol=1, atol=1
    )
    assert theirs.t.tolist() == [0, 0.05]
    assert torch.allclose(x, torch.from_numpy(theirs.y[:, -1]), atol=1e-14)
    assert sum(STAGES[-1]) == pytest.approx(1) and sum(ERROR) == pytest.approx(0, abs=1e-15)


def test_what_cannot_be_followed_ends_in_a_sentence() -> None:
    with pytest.raises(RuntimeError, match="not there yet"):
        end_of(solve_adaptive(lambda x, t: 1e9 * torch.sin(1e9 * x + 1e7 * t), exact(0), 0.0, 1.0, 1e-9))


def test_a_straight_path_at_one_speed_is_straight_and_half_a_circle_is_not() -> None:
    line = [torch.tensor([t, 2 * t]) for t in (0.0, 0.3, 1.0)]
    assert straightness(line, [0.0, 0.3, 1.0]) == pytest.approx(0, abs=1e-6)
    times = [k / 200 for k in range(201)]
    bow = [torch.tensor([math.cos(math.pi * t), math.sin(math.pi * t)]) for t in times]
    # |v|² = π² everywhere, and the chord is 2 long: (π² − 4) / 4
    assert straightness(bow, times) == pytest.approx((math.pi**2 - 4) / 4, rel=1e-3)
