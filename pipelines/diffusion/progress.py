"""A sampler's steps as frames need them: numbered, with how far the estimate moved and a state that can be decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from torch import Tensor

from pipelines.core.contract import GenerationError
from pipelines.diffusion.samplers import Schedule, Step

CHANGES = ((0.2, "changing a lot"), (0.04, "changing"), (0.0, "barely changing"))  # mean |Δx0| a step at least


@dataclass(frozen=True)
class Progress:
    """One step, from time `t` to `reached`."""

    number: int  # from 1
    t: float
    reached: float
    x: Tensor  # where it stands
    x0: Tensor  # what the model believes
    moved: float  # mean |Δx0| since the step before; at the first, mean |x0|
    path: Schedule

    @property
    def state(self) -> Tensor:
        """Where it stands, scaled so that noise and data weigh one together: it can be decoded."""
        return self.x / max(self.path.a(self.reached) + self.path.s(self.reached), 1e-6)

    @property
    def note(self) -> str:
        """The line below the picture."""
        a, sigma = self.path.a(self.reached), self.path.s(self.reached)
        change = next(word for least, word in CHANGES if self.moved >= least)
        return f"{100 * sigma / max(a + sigma, 1e-6):.0f} % noise left · {change}"


def require_finite(x: Tensor) -> Tensor:
    """x itself. Raises GenerationError where a number of it is infinite or NaN: bytes would hide that as black."""
    if not x.isfinite().all():
        raise GenerationError(
            "The numbers of this run grew beyond all bounds, so there is no picture: "
            "lower the guidance or the strength "
            "of the LoRAs."
        )
    return x


def follow(states: Iterator[Step], times: Iterable[float], path: Schedule) -> Iterator[Progress]:
    """The states of a sampler with the times that its steps start at. Raises GenerationError when they diverge."""
    before: Tensor | float = 0.0
    for number, (t, (x, x0, reached)) in enumerate(zip(times, states, strict=True), 1):
        yield Progress(
            number, t, reached, require_finite(x), require_finite(x0), (x0 - before).abs().mean().item(), path
        )
        before = x0
