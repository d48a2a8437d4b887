"""Solvers of dx/dt = v(x, t), forwards and backwards: Euler, midpoint, Heun, and Dormand and Prince's with a
step of its
own size. Each yields (x, t, calls) once a step that was taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

Velocity = Callable[[Tensor, float], Tensor]
State = tuple[Tensor, float, int]
MOST = 1000  # steps that the adaptive solver takes at most
# Dormand and Prince 1980: where the slopes are taken, how they are mixed, the fifth order's weights and how
# those differ
# from the fourth's; the last slope of a step is the first of the next
NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
STAGES = (
    (), (1 / 5,), (3 / 40, 9 / 40), (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)  # fmt: skip
ERROR = (
    71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40,
)  # fmt: skip


def solve_fixed(v: Velocity, x: Tensor, start: float, end: float, steps: int, order: str) -> Iterator[State]:
    """So many steps of one size; `order` is "euler", "midpoint" or "heun"."""
    h, calls = (end - start) / steps, 0
    for k in range(steps):
        t = start + k * h
        slope, calls = v(x, t), calls + 1
        if order == "midpoint":
            slope, calls = v(x + h / 2 * slope, t + h / 2), calls + 1
        elif order == "heun":
            slope, calls = (slope + v(x + h * slope, t + h)) / 2, calls + 1
        x = x + h * slope
        yield x, start + (k + 1) * h, calls


def solve_adaptive(v: Velocity, x: Tensor, start: float, end: float, tolerance: float) -> Iterator[State]:
    """Dormand-Prince 5(4): a step is kept where the two orders differ by less than the tolerance, absolute and
    relative
    to x, in the mean square; the next one is as large as that allows. Raises RuntimeError after MOST steps."""
    sign = 1.0 if end > start else -1.0
    t, h, slope, calls = start, sign * min(0.05, abs(end - start)), v(x, start), 1
    for _ in range(MOST):
        h = sign * min(abs(h), abs(end - t))
        slopes = [slope]
        for node, mix in zip(NODES[1:], STAGES[1:], strict=True):
            y = x + h * sum(a * k for a, k in zip(mix, slopes, strict=True))
            slopes.append(v(y, t + node * h))
        calls += len(slopes) - 1
        gap = h * sum(e * k for e, k in zip(ERROR, slopes, strict=True))
        allowed = tolerance * (1 + torch.maximum(x.abs(), y.abs()))
        error = (gap / allowed).square().mean().sqrt().item()
        if error <= 1:
            x, t, slope = y, t + h, slopes[-1]
            yield x, t, calls
            if abs(end - t) < 1e-9:
                return
        h *= min(5.0, max(0.2, 0.9 * max(error, 1e-10) ** -0.2))
    raise RuntimeError(f"the adaptive solver took {MOST} steps and is not there yet")


def straightness(points: list[Tensor], times: list[float]) -> float:
    """Liu et al. 2022, eq. 6, of one path: the mean squared difference of its velocity from end minus start, over the
    time that it takes, relative to that. 0 is a straight line at one speed."""
    whole = (points[-1] - points[0]) / (times[-1] - times[0])
    parts = [
        abs(t1 - t0) * ((b - a) / (t1 - t0) - whole).square().mean()
        for a, b, t0, t1 in zip(points, points[1:], times, times[1:], strict=False)
    ]
    return (sum(parts) / abs(times[-1] - times[0]) / whole.square().mean()).item()
