"""Classifier-free guidance (Ho & Salimans 2022) and its kin: negative prompts, an interval, a rescale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

CFGEstimate = Callable[[Tensor, float, bool], tuple[Tensor, Tensor | None]]


@dataclass(frozen=True)
class Guidance:
    """How strongly, when (in times from 1, noise, to 0, data) and how far towards the conditional's contrast.

    weight 1 is the plain conditional estimate; rescale 0 leaves the contrast, 1 restores it (Lin et al. 2023, eq.
    15-16).
    """

    weight: float = 4.0
    first: float = 1.0
    last: float = 0.0
    rescale: float = 0.0

    def active(self, t: float) -> bool:
        """Whether the second, unconditional estimate is worth its cost at t (the interval: Kynkäänniemi et al.
        2024)."""
        return self.weight != 1 and self.last <= t <= self.first

    def combine(self, conditional: Tensor, unconditional: Tensor) -> Tensor:
        """x0 = u + w (c - u), with its standard deviation drawn towards that of c."""
        guided = unconditional + self.weight * (conditional - unconditional)
        if self.rescale > 0:
            axes = tuple(range(1, guided.ndim))
            fixed = guided * (conditional.std(axes, keepdim=True) / guided.std(axes, keepdim=True).clamp_min(1e-6))
            guided = guided + self.rescale * (fixed - guided)
        return guided


def with_cfg(estimate: CFGEstimate, guidance: Guidance) -> Callable[[Tensor, float], Tensor]:
    """`estimate(x, t, both)` gives the conditional estimate, and the unconditional where both are wanted, in one
    call."""

    def denoise(x: Tensor, t: float) -> Tensor:
        both = guidance.active(t)
        conditional, unconditional = estimate(x, t, both)
        return guidance.combine(conditional, unconditional) if both and unconditional is not None else conditional

    return denoise
