"""What the DDPM of faces can be asked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.core.settings import NEEDS_INPUT, Settings
from pipelines.core.spec import ModelSpec
from pipelines.media.images import OptionalImageInput


class DDPMSettings(Settings):
    """A face out of noise, pixel by pixel, in up to a thousand steps."""

    image: OptionalImageInput = Field("", description="A picture to noise and bring back; empty begins with noise.")
    strength: float = Field(
        0.5,
        ge=0.05,
        le=1,
        description="How far to noise your picture before it comes back.",
        json_schema_extra=NEEDS_INPUT,
    )
    sampler: Literal["ddim", "ddpm"] = Field(
        "ddim", description="DDIM goes the same way each time; the ancestral sampler adds fresh noise at each step."
    )
    steps: int = Field(50, ge=1, le=1000, description="Of the thousand noise levels, how many are visited.")
    schedule: Literal["cosine", "linear-beta"] = Field(
        "cosine", description="How noise and data mix: the cosine schedule, or DDPM's linear betas."
    )
    levels: int = Field(
        1000,
        ge=20,
        le=1000,
        description="How many of the linear betas there are: a schedule cut short never reaches pure noise.",
    )
    rescaled: bool = Field(False, description="The cure: scale the schedule so that it ends in pure noise.")
    clipped: bool = Field(True, description="Keep each prediction within what pixels can be.")

    @property
    def whole(self) -> bool:
        """Whether the schedule ends where sampling begins, in pure noise."""
        return self.schedule == "cosine" or self.rescaled or self.levels == 1000


SPECS = [
    ModelSpec(
        name="ddpm",
        title="DDPM",
        tab="latent",
        task="noise to a face, in up to 1,000 steps",
        settings=DDPMSettings,
        pipeline="ddpm.pipeline:DDPMPipeline",
        weights=("ddpm",),
        help="No code to drag: a thousand small steps from noise, all of which can be looked at.",
        fields=("strength", "schedule", "levels", "rescaled", "clipped"),
        starters={
            "Fifty steps": {"seed": 1},
            "Cut short": {"seed": 1, "schedule": "linear-beta", "levels": 100},
        },
        state="State x<sub>t</sub>",
        kind="diffusion",
        parents=("ddpm-2020", "ddim"),
        reference="faces",
        about="The network predicts v, of which noise and picture follow. A schedule that stops early leaves part of "
        "the picture in its last level; sampling begins without it, and faces come out grey and grainy: rescale it.",
        paper="Ho et al. 2020; Lin et al. 2024",
    ),
]
