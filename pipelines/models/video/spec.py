"""What the video model can be asked."""

from __future__ import annotations

from typing import ClassVar, Literal

from PIL import Image
from pydantic import Field, field_validator, model_validator

from pipelines.core.settings import ADVANCED
from pipelines.core.spec import LATENT_DIFFUSION, LATENT_DIFFUSION_256, ModelSpec
from pipelines.media import images
from pipelines.models.latent_diffusion.spec import LayoutSettings, WorldSettings


class VideoSettings(LayoutSettings, WorldSettings):
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
    loop: bool = Field(
        True,
        description="Let the last frame lead into the first: what goes comes back.",
        json_schema_extra={"initial": False},  # most of what people ask for goes somewhere
    )
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
        worlds={"scenes": (*LATENT_DIFFUSION_256, "layout", "video-256")},
        result="video",
        examples={
            "car": "a red car driving to the left by the sea",
            "balloon": "a balloon rising over the hills",
            "penguins": "two penguins dancing in the snow",
            "sunset": "the sun sets behind the mountains",
            "rocket": "a rocket takes off at night",
            "dog": "a dog running in a meadow",
            "zoom": "a castle in the mountains, camera zooms in",
        },
        fields=("world", "frames", "motion", "loop"),
        starters={
            name: {"world": "scenes", "prompt": prompt, "seed": seed, "loop": loop}
            for name, prompt, seed, loop in (
                ("car", "a red car driving to the left by the sea", 0, False),
                ("train", "a train driving through the desert at sunset", 0, False),
                ("sunset", "the sun sets behind the mountains", 0, False),
                ("penguins", "two penguins dancing in the snow", 4, True),
                ("heart", "a beating red heart", 0, True),
                ("nightfall", "night falls over a city", 0, False),
            )
        },
        help="Say what is there and what it does: drives, flies, rises, jumps, dances; the sun sets, clouds drift, the "
        "camera zooms in.",
        about="Your words say what moves where: boxes go through the clip, and every frame is told what stands where. "
        "All frames develop at once, and each looks at the others at every step: that is why they agree. Give a first "
        "frame, a last one, or both, and what is between is drawn.",
        groups={"Why together?": ("method", "compare")},
        kind="diffusion",
        parents=("latent-diffusion",),
        paper="Video diffusion: Ho et al. 2022; windows: Blattmann et al. 2023",
    ),
]
