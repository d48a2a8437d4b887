"""What a walk through a latent space can be asked, and the space of the base's noise."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from pipelines.core.latent import LatentSettings
from pipelines.core.settings import Settings
from pipelines.core.spec import ModelSpec

MOST, MOST_LARGE = 960, 240  # frames of a film of 64 pixels, and of one of 256
CASTLE = "a castle in the mountains, at sunset"


class WalkSettings(Settings):
    """A film from code to code."""

    space: Literal["vae", "autoencoder", "gan", "conditional-gan", "stylegan", "noise-space"] = Field(
        "stylegan", description="Whose latent space to walk through."
    )
    words: str = Field(
        CASTLE, max_length=2000, description="What the noise of the base becomes; faces take no words."
    )
    stops: int = Field(5, ge=2, le=16, description="How many seeds to pass: seed, seed + 1, …")
    leg: int = Field(16, ge=1, le=120, description="Frames from one to the next.")
    fps: int = Field(16, ge=4, le=30, description="Frames a second.")
    loop: bool = Field(True, description="Come back to the first, so that the film has no end.")
    straight: bool = Field(
        False,
        description="In a straight line, through codes that are too short, not around the sphere; StyleGAN's always "
        "is.",
    )

    @property
    def frames(self) -> int:
        """Of the whole film."""
        return self.leg * (self.stops if self.loop else self.stops - 1) + (not self.loop)

    @property
    def steps(self) -> int:
        """A step a frame."""
        return self.frames

    @model_validator(mode="after")
    def _short(self) -> WalkSettings:
        most = MOST_LARGE if self.space == "noise-space" else MOST
        if self.frames > most:
            raise ValueError(f"The film would have {self.frames:,} frames: make it {most} at most.")
        return self


class NoiseSpaceSettings(LatentSettings):
    """Scenes between the noises of four seeds."""

    prompt: str = Field(CASTLE, max_length=2000, description="What the noise becomes.")
    calls: int = Field(
        8, ge=1, le=40, description="Steps from noise to picture: few, so that it follows the pointer."
    )
    guidance: float = Field(3.0, ge=1, le=15, description="How strongly to follow the words: 1 is the plain model.")


SPECS = [
    ModelSpec(
        name="latent-walk",
        title="Walk",
        tab="latent",
        task="seeds to a film from face to face",
        settings=WalkSettings,
        pipeline="walk.pipeline:WalkPipeline",
        weights=(
            "gan",
            "conditional-gan",
            "stylegan",
            "vae-mid",
            "vae-plain",
            "latent-diffusion-256",
            "autoencoder-256",
            "layout",
        ),
        result="video",
        help="From seed to seed through one model's latent space, as a film to keep.",
        fields=("space", "words", "stops", "leg", "fps", "loop", "straight"),
        starters={"A walk": {"seed": 5, "stops": 4, "leg": 12}},
        paper="White 2016",
    ),
    ModelSpec(
        name="noise-space",
        title="Noise of latent diffusion",
        tab="latent",
        task="words and a place among four noises to picture",
        settings=NoiseSpaceSettings,
        pipeline="walk.noise:NoiseSpacePipeline",
        weights=("latent-diffusion-256", "autoencoder-256", "layout"),
        label="Noise of the base",
        help="The noise that a picture begins with is a code, too: drag from one composition to another.",
        fields=("prompt", "calls", "guidance"),
        starters={"Four noises": {"seed": 2, "calls": 12}},
        paper="White 2016; Song et al. 2020",
        live=True,
    ),
]
