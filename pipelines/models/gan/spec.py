"""What the GANs of faces can be asked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.core.latent import LatentSettings
from pipelines.core.spec import ModelSpec
from pipelines.models.gan.conditions import CONDITIONS

Hair, Top, Glasses, Beard, Background = (Literal[tuple(values)] for values in CONDITIONS.values())


class GANSettings(LatentSettings):
    """A face in one pass."""

    collapsed: bool = Field(
        False, description="The weights of a run that went wrong: a hurried discriminator, and no penalties."
    )


class ConditionalSettings(LatentSettings):
    """A face in one pass, with five of its features asked for."""

    hair: Hair = Field("brown", description="Its colour; what hides the hair has none.")
    top: Top = Field("bob", description="Hair's cut, or a hat.")
    glasses: Glasses = Field("none", description="What is before the eyes.")
    beard: Beard = Field("none", description="Beard or moustache.")
    background: Background = Field("blue", description="The colour behind.")


COMMON = {"tab": "latent", "kind": "adversarial", "live": True}
SPECS = [
    ModelSpec(
        name="gan",
        title="GAN",
        task="noise to a face in one pass",
        settings=GANSettings,
        pipeline="gan.pipeline:GANPipeline",
        weights=("gan", "gan-collapse"),
        help="Two networks against each other: sharp, one pass, and no way from a picture to its code.",
        fields=("collapsed",),
        starters={"Sharp, in one pass": {"seed": 5}},
        paper="Huang et al. 2024",
        parents=("gan-2014", "r3gan"),
        **COMMON,
    ),
]
