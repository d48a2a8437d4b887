"""What pix2pix can be asked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from pipelines.core.settings import Settings
from pipelines.core.spec import ModelSpec
from pipelines.media import images
from pipelines.media.control_maps import require_content


class Pix2PixSettings(Settings):
    """Lines to a picture in one pass."""

    control: images.ImageInput = Field(
        description="A drawing of lines, or a picture whose edges to take. Its middle square is used."
    )
    style: Literal["emoji", "avatar"] = Field("emoji", description="What the lines are to become.")

    @model_validator(mode="after")
    def _drawn(self) -> Pix2PixSettings:
        require_content(self.control, "edges")
        return self

    @property
    def steps(self) -> int:
        """One pass."""
        return 1


SPECS = [
    ModelSpec(
        name="pix2pix",
        title="pix2pix",
        tab="sketch",
        task="lines to picture at every stroke",
        settings=Pix2PixSettings,
        pipeline="pix2pix.pipeline:Pix2PixPipeline",
        weights=("pix2pix",),
        help="Draw lines: they become a picture at every stroke, without words.",
        fields=("style",),
        kind="adversarial",
        parents=("cgan",),
        paper="Isola et al. 2017",
        live=True,
    ),
]
