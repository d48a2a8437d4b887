"""What words, or a picture, to 3D can be asked."""

from __future__ import annotations

from typing import ClassVar, Literal

from PIL import Image
from pydantic import Field, field_validator

from pipelines.core.settings import SamplingSettings
from pipelines.core.spec import ModelSpec
from pipelines.media import control_maps, images
from pipelines.models.gaussian_splatting.spec import DENSIFY_FIELD, FIT_FIELD, GAUSSIANS_FIELD


class TextTo3DSettings(SamplingSettings):
    """Words to a thing that can be turned."""

    OLD_NAMES: ClassVar[dict[str, str]] = {"fit": "fit_steps", "grow": "densify", "splats": "max_gaussians"}

    prompt: str = Field(
        "",
        max_length=2000,
        description="A toy: what it is, its colours, what is special about it. Empty makes whatever comes to mind.",
    )
    guidance: float = Field(2.0, ge=1, le=15, description="How strongly to follow the words: 1 is the plain model.")
    count: Literal[1] = Field(1, description="One thing at a time.")
    loras: Literal[""] = Field("", description="There are none for toys yet.")
    max_gaussians: int = GAUSSIANS_FIELD
    fit_steps: int = FIT_FIELD
    densify: bool = DENSIFY_FIELD


class ImageTo3DSettings(TextTo3DSettings):
    """A picture of a thing to the thing."""

    image: images.ImageInput = Field(
        description="One thing before a plain background. Its middle square is used, the background is taken away."
    )
    azimuth: int = Field(
        0,
        ge=-180,
        le=180,
        title="Seen from, degrees round",
        description="Where the picture was taken from: 0 is its front, 90 its left side.",
    )
    elevation: int = Field(15, ge=-10, le=40, title="Seen from, degrees up", description="How high the camera stood.")

    @field_validator("image")
    @classmethod
    def _small(cls, given: str) -> str:
        small = images.center_crop(images.from_url(given))
        control_maps.cut_out_object(small)  # refuse a picture of nothing before any work
        return images.to_url(Image.fromarray(small))


EXAMPLES = {
    "car": "a red car with blue top",
    "rocket": "blue rocket with 4 fins, yellow nose",
    "mushroom": "a purple mushroom with orange dots, tall stem",
    "robot": "a green robot with 2 aerials",
    "cake": "a pink cake, white icing, 3 candles",
    "chair": "a brown chair with high back",
}
SPECS = [
    ModelSpec(
        name="text-to-3d",
        title="Words to 3D",
        tab="shape",
        task="words to views, views to splats",
        settings=TextTo3DSettings,
        pipeline="multiview.pipeline:TextTo3DPipeline",
        weights=("multiview", "toy-words", "autoencoder"),
        result="gaussians",
        label="From words",
        help="Eight views come up together; then splats are fitted to them.",
        examples=EXAMPLES,
        starters={label: {"prompt": prompt, "seed": 1} for label, prompt in EXAMPLES.items()},
        about="Eight views of one thing develop at once, and each looks at the others at every step, so that they "
        "agree. Then thousands of soft ellipsoids, splats, are fitted to them: those you turn.",
        kind="diffusion",
        parents=("latent-diffusion",),
        paper="MVDream: Shi et al. 2024",
    ),
    ModelSpec(
        name="image-to-3d",
        title="Picture to 3D",
        tab="shape",
        task="a picture to views, views to splats",
        settings=ImageTo3DSettings,
        pipeline="multiview.pipeline:ImageTo3DPipeline",
        weights=("multiview", "toy-words", "autoencoder"),
        result="gaussians",
        label="From a picture",
        help="One thing before a plain background; the other sides are imagined.",
        examples=EXAMPLES,
        fields=("azimuth", "elevation"),
        kind="diffusion",
        parents=("latent-diffusion",),
        paper="Zero123++: Shi et al. 2023",
    ),
]
