"""What there is: one line a model. Importing this imports neither torch nor a model."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.settings import LatentDiffusion, Settings

if TYPE_CHECKING:
    from pipelines.frame import Pipeline


@dataclass(frozen=True)
class Entry:
    """A model of the catalogue: where its pipeline is, and which bundles of weights it reads."""

    name: str
    title: str
    family: str  # the module under pipelines/
    task: str
    settings: type[Settings]
    weights: tuple[str, ...]

    def load(self, device: str = "auto", dtype: str = "auto") -> Pipeline:
        """The pipeline with its weights; kept until others push it out of the cache."""
        from pipelines import weights

        build = importlib.import_module(f"pipelines.{self.family}").Pipeline
        return weights.cached((self.name, device, dtype), lambda: build(device=device, dtype=dtype))


CATALOGUE = {
    entry.name: entry
    for entry in [
        Entry("latent-diffusion", "Latent diffusion", "latent_diffusion", "words to picture", LatentDiffusion, ("latent-diffusion", "autoencoder")),
    ]
}


def find(name: str) -> Entry:
    """The entry of that name. Raises KeyError with a sentence that lists the names."""
    if name not in CATALOGUE:
        raise KeyError(f"There is no model '{name}'; choose one of: {', '.join(CATALOGUE)}.")
    return CATALOGUE[name]
