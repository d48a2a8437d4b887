"""What ControlNet can be asked."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pipelines.core.settings import ADVANCED
from pipelines.core.spec import EXAMPLES, LATENT_DIFFUSION, LATENT_DIFFUSION_256, ModelSpec
from pipelines.media import images
from pipelines.media.control_maps import require_content
from pipelines.models.latent_diffusion.spec import WorldSettings


class ControlNetSettings(WorldSettings):
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
    kind: Literal["scribble", "edges", "palette", "depth"] = Field(
        "scribble",
        description="What to take from it: rough thick lines, exact thin ones, where which colour is, or, in the world "
        "of scenes, what is near and what is far.",
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
    control2_kind: Literal["palette", "scribble", "edges", "depth"] = Field(
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
        kinds = [kind for kind, given in ((self.kind, self.control), (self.control2_kind, self.control2)) if given]
        if self.world == "people" and "depth" in kinds:
            raise ValueError("People have no depth here: choose the world of scenes, or follow something else.")
        if self.control:
            require_content(self.control, self.kind)
        if self.control2:
            require_content(self.control2, self.control2_kind)
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
        worlds={"scenes": (*LATENT_DIFFUSION_256, "layout", "controlnet-256", "depth")},
        fields=("world", "kind", "control_weight", "control2_weight"),
        draft={"steps": 6, "count": 1},
        starters={
            "mountains": {
                "world": "scenes",
                "control": str(EXAMPLES / "hills.png"),
                "prompt": "mountains at sunset",
                "seed": 1,
            },
            "a house": {
                "world": "scenes",
                "control": str(EXAMPLES / "house.png"),
                "prompt": "a house in a meadow",
                "seed": 1,
            },
            "a fish": {
                "world": "scenes",
                "control": str(EXAMPLES / "fish.png"),
                "prompt": "an orange fish",
                "seed": 1,
            },
            "a face": {"world": "scenes", "control": str(EXAMPLES / "face.png"), "prompt": "a smiley", "seed": 2},
            "a heart": {
                "world": "scenes",
                "control": str(EXAMPLES / "heart.png"),
                "prompt": "a red heart",
                "seed": 1,
            },
            "a hat": {
                "control": str(EXAMPLES / "person.png"),
                "prompt": "a woman in a white hat, smiling",
                "seed": 2,
            },
        },
        help="Draw lines, colours or both, and say what they are: the model follows them step by step.",
        about="The base stays as it is. A copy of its first half reads your drawing and adds what it sees to every "
        "step, so words say what and lines say where. In the world of scenes it follows depth, too, and reads it from "
        "any picture that you drop here.",
        kind="diffusion",
        parents=("latent-diffusion",),
        paper="Zhang et al. 2023",
    ),
]
