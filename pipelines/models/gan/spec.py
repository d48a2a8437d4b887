"""What the GANs of faces can be asked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.core.latent import CORNER, LatentSettings
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
        help="Two networks against each other: edges where a VAE blurs, one pass, no way from a picture to its code.",
        fields=("collapsed",),
        starters={"Sharp, in one pass": {"seed": 12}},
        paper="Huang et al. 2024",
        parents=("gan-2014", "r3gan"),
        reference="faces",
        evaluated={"": CORNER, "collapsed": {"collapsed": True, **CORNER}},
        **COMMON,
    ),
    ModelSpec(
        name="conditional-gan",
        title="Conditional GAN",
        task="noise and five features to a face in one pass",
        settings=ConditionalSettings,
        pipeline="gan.pipeline:ConditionalPipeline",
        weights=("conditional-gan",),
        help="Turn one switch: that changes, and everything else stays.",
        fields=tuple(CONDITIONS),
        starters={"Pink hair, sunglasses": {"hair": "pink", "glasses": "sunglasses", "seed": 7}},
        paper="Mirza and Osindero 2014; Miyato and Koyama 2018",
        parents=("cgan",),
        **COMMON,
    ),
]
