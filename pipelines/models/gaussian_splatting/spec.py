"""What the fit of Gaussians can be asked."""

from __future__ import annotations

from typing import ClassVar, Literal

from PIL import Image
from pydantic import Field, field_validator, model_validator

from pipelines.core.settings import Settings
from pipelines.core.spec import ModelSpec
from pipelines.media import images

STEPS_PER_PREVIEW = 10  # steps of fitting from one preview to the next


GAUSSIANS_FIELD = Field(
    1500,
    ge=1,
    le=4000,
    title="Splats",
    description="How many Gaussians may be used: more show finer things and take longer.",
)
FIT_FIELD = Field(
    200, ge=10, le=2000, title="Steps of fitting", description="How often the splats are corrected against a view."
)
DENSIFY_FIELD = Field(
    True, title="Densify", description="Add splats where they are pulled about, take away those that are hardly seen."
)


class SplattingSettings(Settings):
    """Splats fitted to views of a toy, or to a picture."""

    OLD_NAMES: ClassVar[dict[str, str]] = {
        "fit": "fit_steps",
        "grow": "densify",
        "splats": "max_gaussians",
        "degree": "sh_degree",
        "toy": "toy_id",
    }

    method: Literal["scene", "picture"] = Field(
        "scene", title="Fit", description="24 views of a toy, in space; or one picture, on the plane."
    )
    toy_id: int = Field(
        7,
        ge=0,
        le=9999,
        title="Toy number",
        description="Which toy: shape, colours and proportions follow from its number.",
    )
    image: images.OptionalImageInput = Field("", description="The picture to fit. Its middle square is used.")
    max_gaussians: int = GAUSSIANS_FIELD
    sh_degree: int = Field(
        1,
        ge=0,
        le=2,
        title="Degree of the colours",
        description="How much a colour may depend on where it is seen from: 0 not at all.",
    )
    fit_steps: int = FIT_FIELD
    densify: bool = DENSIFY_FIELD

    @field_validator("image")
    @classmethod
    def _small(cls, given: str) -> str:
        return given and images.to_url(Image.fromarray(images.center_crop(images.from_url(given))))

    @model_validator(mode="after")
    def _given(self) -> SplattingSettings:
        if self.method == "picture" and not self.image:
            raise ValueError("There is no picture yet: choose one, or fit a toy.")
        return self

    @property
    def steps(self) -> int:
        """Looks at what was fitted."""
        return -(-self.fit_steps // STEPS_PER_PREVIEW)


SPECS = [
    ModelSpec(
        name="splatting",
        title="Splatting",
        tab="shape",
        task="views or a picture to splats",
        settings=SplattingSettings,
        pipeline="gaussian_splatting.pipeline:SplattingPipeline",
        result="gaussians",
        label="Splatting",
        help="How splats learn: from 24 true views of a toy, or one picture.",
        fields=("method", "toy_id", "sh_degree"),
        paper="Kerbl et al. 2023",
    ),
]
