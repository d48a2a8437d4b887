"""What the autoencoder and the VAEs of faces can be asked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.core.latent import CORNER, LatentSettings
from pipelines.core.spec import ModelSpec
from pipelines.media.images import OptionalImageInput


class AutoencoderSettings(LatentSettings):
    """A plain autoencoder of faces: its code is a vector of 64 numbers."""

    image: OptionalImageInput = Field("", description="A picture to encode: the plane's top left corner.")


class VAESettings(AutoencoderSettings):
    """A variational autoencoder of faces."""

    beta: Literal["1", "0.2", "5"] = Field(
        "1", description="Weight of the KL term: high, and the code says less; low, and its prior fits worse."
    )
    two_numbers: bool = Field(
        False, description="A code of two numbers: the plane is all there is, your picture a place."
    )


KINDS = {"0.2": "low", "1": "mid", "5": "high"}  # the bundles' names of betas


def bundle(s: AutoencoderSettings) -> str:
    """The weights for these settings."""
    if not isinstance(s, VAESettings):
        return "vae-plain"
    return "vae-map" if s.two_numbers else f"vae-{KINDS[s.beta]}"


BUNDLES = ("vae-plain", "vae-low", "vae-mid", "vae-high", "vae-map")
COMMON = {
    "tab": "latent",
    "kind": "latent",
    "live": True,
    "state": "The given picture",
    "paper": "Kingma and Welling 2013",
    "reference": "faces",
}
SPECS = [
    ModelSpec(
        name="vae",
        title="VAE",
        task="64 or 2 numbers to a face; a picture to its code",
        settings=VAESettings,
        pipeline="vae.pipeline:VAEPipeline",
        weights=BUNDLES[1:],
        help="A code with noise, drawn towards the standard normal: wherever you drag, there is a face.",
        fields=("beta", "two_numbers"),
        starters={
            "Four faces": {"seed": 3},
            "Two numbers": {"two_numbers": True, "x": 0.3, "y": 0.4},
        },
        parents=("vae-2013",),
        evaluated={
            "β 0.2": {"beta": "0.2", **CORNER},
            "β 1": CORNER,
            "β 5": {"beta": "5", **CORNER},
        },
        **COMMON,
    ),
    ModelSpec(
        name="autoencoder",
        title="Autoencoder",
        task="a picture to 64 numbers and back",
        settings=AutoencoderSettings,
        pipeline="vae.pipeline:AutoencoderPipeline",
        weights=BUNDLES[:1],
        help="A code without noise: it rebuilds what it is given, and between codes there is no face.",
        starters={"Noise as code": {"seed": 3}},
        parents=("vae-2013",),
        evaluated={"Gaussian prior": CORNER},
        **COMMON,
    ),
]
