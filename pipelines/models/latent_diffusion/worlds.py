"""A pipeline that stands on either base: scenes at 256 pixels, or people at 128."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from pipelines import load
from pipelines.core import contract
from pipelines.models.latent_diffusion.pipeline import LatentDiffusionPipeline
from pipelines.models.latent_diffusion.spec import BASES
from pipelines.nn import weights


class WorldPipeline(contract.Pipeline):
    """One of a world; asked for the other, it asks the other's."""

    def __init__(self, device: str = "auto", dtype: str = "auto", world: str = "people") -> None:
        self.where, self.world = (device, dtype), world
        self.device = weights.pick_device(device)
        self.dtype = weights.pick_dtype(dtype, self.device)

    @functools.cached_property
    def base(self) -> LatentDiffusionPipeline:
        """The world's latent diffusion, once it is asked for something."""
        return load(BASES[self.world], *self.where)

    def switch_world(self, world: str) -> WorldPipeline:
        """This pipeline, or the same of the other world."""
        if world == self.world:
            return self
        return weights.cached((self.name, *self.where, world), lambda: type(self)(*self.where, world))

    def run(self, s: Any) -> Iterator[contract.Frame]:
        """A run on the base of the settings' world."""
        yield from self.switch_world(s.world).run_here(s)

    def run_here(self, s: Any) -> Iterator[contract.Frame]:
        """A run on this pipeline's own base."""
        raise NotImplementedError
