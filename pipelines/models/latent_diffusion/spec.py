"""What latent diffusion can be asked, and how the page shows it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from pipelines.core.settings import ADVANCED, SamplingSettings, Settings
from pipelines.core.spec import LATENT_DIFFUSION, ModelSpec
from pipelines.models.latent_diffusion import layout_text

BASES = {"people": "latent-diffusion", "scenes": "latent-diffusion-256"}  # the base of each world


class WorldChoice(Settings):
    """Which of the two bases a model stands on."""

    world: Literal["scenes", "people"] = Field(
        "people",
        description="Scenes draws 256 pixels: things, land and people. People draws 128: people and emoji.",
        json_schema_extra={"initial": "scenes"},  # the default is what files of before mean, which do not say
    )


class WorldSettings(WorldChoice, SamplingSettings):
    """What can be asked of a sampler that stands on either base."""

    @property
    def lora_base(self) -> str:
        return BASES[self.world]


class LatentDiffusionSettings(SamplingSettings):
    """Words to picture."""

    first_prompt: str = Field(
        "",
        max_length=2000,
        description="The words before a branch: up to its step they are followed, then the prompt is.",
        json_schema_extra=ADVANCED,
    )
    branch_step: int = Field(
        0,
        ge=0,
        le=200,
        description="After which step the prompt takes over; 0 is no branch.",
        json_schema_extra=ADVANCED,
    )


class LayoutSettings(Settings):
    """What can be asked of a model that decides first what stands where."""

    layout: str = Field(
        "",
        max_length=400,
        description="Empty: your words and the seed decide what stands where; none: it shows on the way. Or say it, "
        "from far to near: red car 80 96 240 208; dog 16 112 112 208 (left, top, right, bottom).",
        json_schema_extra=ADVANCED,
    )

    @field_validator("layout")
    @classmethod
    def _check_layout(cls, text: str) -> str:
        layout_text.parse(text)
        return text


class LatentDiffusion256Settings(LayoutSettings, LatentDiffusionSettings):
    """Words to picture at 256 pixels."""

    @property
    def lora_base(self) -> str:
        return BASES["scenes"]


SPECS = [
    ModelSpec(
        name="latent-diffusion-256",
        title="Latent diffusion at 256 pixels",
        tab="image",
        task="words to picture, of scenes and people",
        settings=LatentDiffusion256Settings,
        pipeline="latent_diffusion.pipeline_256:LatentDiffusion256Pipeline",
        weights=("latent-diffusion-256", "autoencoder-256", "layout"),
        label="Scenes",
        draft={"steps": 6, "count": 1, "sampler": "euler"},
        drafted_by="few-step",
        contestants={
            "as it is": {},
            "6 steps": {"steps": 6},
            "60 steps": {"steps": 60},
            "without guidance": {"guidance": 1},
            "guidance 9": {"guidance": 9},
            "DDPM, 40 steps": {"sampler": "ddpm", "steps": 40},
        },
        reference="world",
        evaluated={"": {}, "6 steps": {"steps": 6}, "without guidance": {"guidance": 1}},
        help="It knows 338 everyday things, animals and people, in ten landscapes, at all times of day.",
        examples={
            "dog": "a dog",
            "penguins": "two penguins in the snow",
            "castle": "a castle in the mountains",
            "cat on a sofa": "a cat on a sofa",
            "penguin in a top hat": "a penguin wearing a top hat",
            "balloon above a house": "a balloon above a house",
            "bus in the rain": "a bus in the city, rain",
            "purple butterfly": "a purple butterfly",
            "cake": "a birthday cake",
            "red curls": "a woman with curly red hair and round glasses, smiling",
        },
        starters={
            "penguins": {"prompt": "two penguins in the snow", "seed": 2},
            "castle": {"prompt": "a castle in the mountains", "seed": 1},
            "house by the sea": {"prompt": "a house by the sea", "seed": 1},
            "top hat": {"prompt": "a penguin wearing a top hat", "seed": 2},
            "cat on a pumpkin": {"prompt": "a black cat on a pumpkin", "seed": 8},
            "red curls": {"prompt": "a woman with curly red hair and round glasses, smiling", "seed": 0},
        },
        about="Your words become a layout: which things, and where. Then it begins with noise, and at every step the "
        "network says what the noise hides: a rough guess first, details last. Your words steer each guess. The steps "
        "stay below the picture: go back through them, play them, or branch off with other words.",
        groups={"Branch": ("first_prompt", "branch_step")},
        kind="diffusion",
        parents=("ldm", "rectified"),
        paper="Rombach et al. 2022, as a rectified flow (Liu et al. 2022)",
    ),
    ModelSpec(
        name="latent-diffusion",
        title="Latent diffusion",
        tab="image",
        task="words to picture",
        settings=LatentDiffusionSettings,
        pipeline="latent_diffusion.pipeline:LatentDiffusionPipeline",
        weights=LATENT_DIFFUSION,
        label="People",
        draft={"steps": 6, "count": 1},
        contestants={"as it is": {}},
        reference="people",
        help="People, drawn flat, and emoji.",
        examples={
            "red curls": "a woman with curly red hair and round glasses, smiling",
            "shades": "bald man in shades and white dungarees, dark skin, laughing",
            "pink bob": "girl, pink bob, winking, blue hoodie",
            "turban": "a man with a long grey beard and a green turban, on a lavender background",
            "heart eyes": "someone with a blonde afro, heart eyes and a black blazer",
            "police": "police officer, dark skin tone",
            "firefighter": "woman firefighter",
        },
        groups={"Branch": ("first_prompt", "branch_step")},
        kind="diffusion",
        parents=("ldm", "rectified"),
        paper="Rombach et al. 2022, as a rectified flow (Liu et al. 2022)",
    ),
]
