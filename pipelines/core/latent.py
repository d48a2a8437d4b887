"""What every generator with a latent space can be asked: a place on a plane between four of its codes."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float
from pydantic import Field

from pipelines.core.settings import Settings
from pipelines.media.images import FromEditor

CORNER = {"x": -1.0, "y": 1.0}  # where a picture is that of its own seed's code
Place = Annotated[float, FromEditor("plane")]


class LatentSettings(Settings):
    """A picture is a function of these and nothing else; the plane's corners are the codes of four seeds."""

    x: Place = Field(0.0, ge=-1, le=1, description="Place on the plane, left to right.")
    y: Place = Field(0.0, ge=-1, le=1, description="Place on the plane, bottom to top.")

    @property
    def steps(self) -> int:
        """One pass."""
        return 1


def bilinear(places: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 4"]:
    """Weights of the corners top left, top right, bottom left and bottom right at places in [-1, 1]²; they sum to
    one."""
    right, up = ((places + 1) / 2).T
    left, down = 1 - right, 1 - up
    return np.stack([left * up, right * up, left * down, right * down], 1)


def grid(side: int) -> Float[np.ndarray, "n 2"]:
    """Places of a side x side grid over the plane, row by row from the top, at the middles of its cells."""
    line = (np.arange(side) + 0.5) * 2 / side - 1
    return np.stack([np.tile(line, side), np.repeat(-line, side)], 1)
