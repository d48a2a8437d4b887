"""What next-scale prediction can be asked, and how the page shows it."""

from __future__ import annotations

from pydantic import Field

from pipelines.core.settings import ADVANCED
from pipelines.core.spec import ModelSpec
from pipelines.models.latent_diffusion.spec import LayoutSettings


class NextScaleSettings(LayoutSettings):
    """Words to picture, scale after scale."""

    prompt: str = Field(
        "", max_length=2000, description="What to draw, in your own words. Empty draws whatever comes to mind."
    )
    guidance: float = Field(
        3.0, ge=1, le=15, description="How strongly to follow the words, at the finest scale: 1 is the plain model."
    )
    temperature: float = Field(
        0.9, ge=0.01, le=2, description="Below 1 the likely codes are chosen more often, above 1 less."
    )
    top_k: int = Field(9, ge=1, le=9, description="Choose among so many of the likeliest levels.")
    top_p: float = Field(
        0.95, gt=0, le=1, description="Choose among the likeliest levels that together have these odds."
    )
    count: int = Field(1, ge=1, le=8, description="How many pictures, with the seeds seed, seed + 1, …")
    first_prompt: str = Field(
        "",
        max_length=2000,
        description="The words before a branch: its scales follow them, finer ones the prompt.",
        json_schema_extra=ADVANCED,
    )
    branch_step: int = Field(
        0,
        ge=0,
        le=5,
        description="How many coarse scales to keep: finer ones are thrown anew. 0 is no branch.",
        json_schema_extra=ADVANCED,
    )
    branch_seed: int = Field(
        7, ge=0, le=2**32 - 1, description="The dice after the branch.", json_schema_extra=ADVANCED
    )

    @property
    def steps(self) -> int:
        """A scale a step."""
        return 6


SPECS = [
    ModelSpec(
        name="next-scale",
        title="Next-scale prediction",
        tab="image",
        task="words to picture without diffusion, coarse to fine",
        settings=NextScaleSettings,
        pipeline="next_scale.pipeline:NextScalePipeline",
        weights=("next-scale", "latent-diffusion-256", "autoencoder-256", "layout"),
        label="Next scale",
        contestants={"as it is": {}, "without guidance": {"guidance": 1}},
        reference="world",
        evaluated={"": {}, "without guidance": {"guidance": 1}},
        help="No noise at all: six passes, from 2 × 2 cells to 16 × 16, each the likely next one. It knows things alone best.",
        fields=("prompt", "guidance", "temperature", "top_k", "top_p"),
        groups={"Branch": ("first_prompt", "branch_step", "branch_seed")},
        examples={
            "robot": "a robot",
            "castle": "a castle in the mountains",
            "astronaut": "an astronaut",
            "apples": "three red apples",
        },
        starters={
            "robot": {"prompt": "a robot", "seed": 1},
            "apples": {"prompt": "three red apples", "seed": 0},
            "pizza": {"prompt": "a slice of pizza", "seed": 2},
        },
        about="A picture is six grids of codes, each saying what the coarser ones left over. A transformer reads those "
        "that are there and your words, gives odds for every code of the next grid, and dice choose. Keep the coarse "
        "scales and throw the fine ones anew: the layout stays, its details change.",
        kind="autoregressive",
        parents=("var", "ldm"),
        state="What this scale adds",
        paper="Tian et al. 2024; Han et al. 2024",
    ),
]
