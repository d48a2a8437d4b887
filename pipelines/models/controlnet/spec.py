"""What ControlNet can be asked."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pipelines.core.settings import ADVANCED, SamplingSettings
from pipelines.core.spec import EXAMPLES, LATENT_DIFFUSION, ModelSpec
from pipelines.media import images
from pipelines.media.control_maps import require_lines


class ControlNetSettings(SamplingSettings):
    """Words and a drawing to a picture."""

    OLD_NAMES: ClassVar[dict[str, str]] = {
        "weight": "control_weight",
        "start": "control_start",
        "end": "control_end",
        "second": "control2",
        "second_kind": "control2_kind",
        "second_weight": "control2_weight",
    }

    control: images.OptionalImageInput = Field(
        "",
        description="What to follow: a drawing of lines, or a picture whose edges or colours to take. Its middle "
        "square is used.",
    )
    kind: Literal["scribble", "edges", "palette"] = Field(
        "scribble", description="What to take from it: rough thick lines, exact thin ones, or where which colour is."
    )
    control_weight: float = Field(1.0, ge=0, le=2, description="How strongly to follow it: 0 is the model alone.")
    control_start: float = Field(
        0.0, ge=0, le=1, description="Follow it from this fraction of the run on.", json_schema_extra=ADVANCED
    )
    control_end: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Follow it up to this fraction: ending early lets the model tidy up.",
        json_schema_extra=ADVANCED,
    )
    control2: images.OptionalImageInput = Field(
        "", description="A second picture to follow at the same time. Empty is none."
    )
    control2_kind: Literal["palette", "scribble", "edges"] = Field(
        "palette", description="What to take from the second.", json_schema_extra=ADVANCED
    )
    control2_weight: float = Field(1.0, ge=0, le=2, description="How strongly to follow the second.")

    @model_validator(mode="after")
    def _span(self) -> ControlNetSettings:
        if self.control_start > self.control_end:
            raise ValueError(
                f"The control starts at {self.control_start} but ends at {self.control_end}: let it start first."
            )
        if not self.control and not self.control2:
            raise ValueError("There is no drawing yet: draw lines, colours or both.")
        if self.control:
            require_lines(self.control, self.kind)
        if self.control2:
            require_lines(self.control2, self.control2_kind)
        return self


SPECS = [
    ModelSpec(
        name="controlnet",
        title="ControlNet",
        tab="sketch",
        task="words and a drawing to picture",
        settings=ControlNetSettings,
        pipeline="controlnet.pipeline:ControlNetPipeline",
        weights=(*LATENT_DIFFUSION, "controlnet-edges", "controlnet-scribble", "controlnet-palette"),
        fields=("kind", "control_weight", "control2_weight"),
        draft={"steps": 6, "count": 1},
        starters={
            "a face": {"control": str(EXAMPLES / "face.png"), "prompt": "grinning face", "seed": 2},
            "a heart": {"control": str(EXAMPLES / "heart.png"), "prompt": "red heart", "seed": 2},
            "a hat": {"control": str(EXAMPLES / "person.png"), "prompt": "a woman in a blue hat", "seed": 1},
        },
        help="Draw lines, colours or both, and say what they are: the model follows them step by step.",
        about="The base stays as it is. A copy of its first half reads your drawing and adds what it sees to every "
        "step, so words say what and lines say where.",
        kind="diffusion",
        parents=("latent-diffusion",),
        paper="Zhang et al. 2023",
    ),
]
