"""What an experiment is: a claim, its controls, a curve that grows, and a verdict that is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel, ConfigDict, Field


class Controls(BaseModel):
    """What can be turned; frozen, with ranges and defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    seed: int = Field(0, ge=0, le=10_000, description="Of all that is drawn.")


@dataclass
class Finding:
    """Curves over one axis so far; at the end whether the claim holds, and what was found, in a sentence."""

    x: list[float] = field(default_factory=list)
    series: dict[str, list[float]] = field(default_factory=dict)
    holds: bool | None = None
    text: str = ""

    def add(self, x: float | int, **values: float | int) -> Finding:
        """One more point of each curve; underscores in their names are shown as blanks."""
        self.x.append(float(x))
        for name, value in values.items():
            self.series.setdefault(name.replace("_", " "), []).append(float(value))
        return self

    def end(self, holds: bool | np.bool_, text: str) -> Finding:
        """The verdict."""
        self.holds, self.text = bool(holds), text
        return self

    def last(self, name: str) -> float:
        """The newest value of a curve."""
        return self.series[name][-1]


@dataclass(frozen=True)
class Experiment:
    """A claim and how it is tested. `run` yields its finding again and again, the verdict in the last."""

    name: str
    system: str  # which of the families it is about
    title: str
    claim: str
    expected: str  # what should be found if it is true
    controls: type[Controls]
    run: Callable[[Controls], Iterator[Finding]]
    x: str  # what the axes show
    y: str
    logarithmic: str = ""  # "x", "y" or "xy"
    source: str = ""
