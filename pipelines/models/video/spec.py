"""What the video model can be asked."""

from __future__ import annotations

from typing import ClassVar, Literal

from PIL import Image
from pydantic import Field, field_validator, model_validator

from pipelines.core.settings import ADVANCED, SamplingSettings
from pipelines.core.spec import LATENT_DIFFUSION, ModelSpec
from pipelines.media import images


class VideoSettings(SamplingSettings):
    """Words, or a picture, to a clip."""

    OLD_NAMES: ClassVar[dict[str, str]] = {"amount": "motion", "last": "last_image"}

    guidance: float = Field(
        4.0,
        ge=1,
        le=15,
        description="How strongly a drawn first frame follows the words; the frames after it follow the first one.",
    )
    count: Literal[1] = Field(1, description="One clip at a time.")
    frames: int = Field(
        16,
        ge=2,
        le=48,
        description="How many frames. Beyond 16, windows follow each other, each beginning with the end of the last.",
    )
    fps: int = Field(
        8, ge=1, le=30, description="Frames a second when it is played and saved.", json_schema_extra=ADVANCED
    )
    motion: float = Field(0.5, ge=0, le=1, description="How much is to move: 0 hardly anything, 1 a lot.")
    loop: bool = Field(True, description="Let the last frame lead into the first.")
    image: images.OptionalImageInput = Field(
        "", description="The first frame. Empty lets the words decide. Its middle square is used."
    )
    last_image: images.OptionalImageInput = Field(
        "", description="The last frame, where there is one: what is between is drawn."
    )
    method: Literal["joint", "shared", "independent"] = Field(
        "joint",
        description="All frames together; or each alone, with half of its noise common to all, or with its own noise "
        "only.",
    )
    compare: bool = Field(
        False, description="Every way side by side, from the same seed: why frames are drawn together."
    )

    @field_validator("image", "last_image")
    @classmethod
    def _small(cls, given: str) -> str:
        return given and images.to_url(
            Image.fromarray(images.center_crop(images.from_url(given)))
        )  # what is drawn from, and no more, is kept

    @model_validator(mode="after")
    def _ends(self) -> VideoSettings:
        if self.steps * self.frames * (3 if self.compare else 1) > 6400:
            raise ValueError(
                f"{self.steps} steps of {self.frames} frames are too many to wait for: take fewer of either, or do "
                "not compare."
            )
        if self.last_image and self.loop:
            raise ValueError("A loop ends where it begins: leave out the last frame, or the loop.")
        return self


SPECS = [
    ModelSpec(
        name="video",
        title="Video",
        tab="video",
        task="words or a picture to a clip",
        settings=VideoSettings,
        pipeline="video.pipeline:VideoPipeline",
        weights=(*LATENT_DIFFUSION, "video"),
        result="video",
        examples={
            "waving": "waving hand, large motion",
            "grin": "grinning face",
            "dance": "woman dancing",
            "rocket": "rocket",
            "heart": "beating heart",
            "clown": "clown face, small motion",
        },
        fields=("frames", "motion", "loop"),
        starters={
            "grin": {"prompt": "grinning face", "seed": 2},
            "heart": {"prompt": "beating heart", "seed": 0},
            "rocket": {"prompt": "rocket", "seed": 0},
        },
        about="All frames develop at once, and each looks at the others at every step: that is why they agree. Give a "
        "first frame, a last one, or both, and what is between is drawn.",
        groups={"Why together?": ("method", "compare")},
        kind="diffusion",
        parents=("latent-diffusion",),
        paper="Video diffusion: Ho et al. 2022; windows: Blattmann et al. 2023",
    ),
]
