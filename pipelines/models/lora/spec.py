"""What the training of a LoRA can be asked."""

from __future__ import annotations

import json
import re
from typing import Any

from PIL import Image
from pydantic import Field, field_validator, model_validator

from pipelines.core import cards
from pipelines.core.spec import EXAMPLES, LATENT_DIFFUSION, LATENT_DIFFUSION_256, ModelSpec
from pipelines.media import images
from pipelines.models.latent_diffusion.spec import WorldChoice

SECONDS_PER_PREVIEW = 6.0
SIDE = 256  # pixels that are kept of a picture at most


class LoRATrainingSettings(WorldChoice):
    """Pictures to a LoRA."""

    pictures: tuple[images.ImageInput, ...] = Field(
        description="5 to 40 pictures of one style or subject. The middle square of each is used."
    )
    trigger: str = Field(
        "", max_length=40, description="A made-up word that stands for it: say it in a prompt to call it."
    )
    name: str = Field(
        "mine",
        max_length=24,
        description="What it is called in the list of LoRAs: small letters, digits, hyphens.",
    )
    rank: int = Field(8, ge=1, le=32, description="How much it can hold: more learns finer things, and larger files.")
    minutes: float = Field(
        2.0, ge=0.02, le=30, description="How long to teach. You can stop earlier and keep what was learnt."
    )

    @field_validator("name")
    @classmethod
    def _file_name(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z0-9-]{2,24}", name):
            raise ValueError(f"'{name}' cannot be its name: use 2 to 24 small letters, digits or hyphens.")
        return name

    @property
    def steps(self) -> int:
        """Looks at what was learnt, which save it."""
        return min(200, max(1, round(60 * self.minutes / SECONDS_PER_PREVIEW)))

    @field_validator("pictures", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """As a JSON list too: so they come from the page."""
        try:
            given = json.loads(given or "[]") if isinstance(given, str) else given
        except ValueError:
            raise ValueError("the pictures are not a list of pictures: choose the files again") from None
        if isinstance(given, (list, tuple)) and not 5 <= len(given) <= 40:
            raise ValueError(
                f"{len(given)} pictures are too {'few' if len(given) < 5 else 'many'}: give 5 to 40 of one style"
            )
        return given

    @field_validator("pictures")
    @classmethod
    def _several(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        given = tuple(
            images.to_url(Image.fromarray(images.center_crop(pixels, min(*pixels.shape[:2], SIDE))))
            for pixels in map(images.from_url, given)
        )  # what is learnt from, and no more, is kept
        if len(set(given)) == 1:
            raise ValueError(f"these are {len(given)} copies of one picture: give different ones")
        return given

    @model_validator(mode="after")
    def _named(self) -> LoRATrainingSettings:
        if not self.trigger.strip():
            raise ValueError("There is no trigger word yet: make one up, such as zorblax.")
        if (cards.BUNDLED / f"{cards.LORA}{self.name}.safetensors").exists():
            raise ValueError(f"{self.name} is the name of a LoRA that the program brought along: choose another.")
        return self


SPECS = [
    ModelSpec(
        name="lora",
        title="LoRA",
        tab="train",
        task="pictures to a style of your own",
        settings=LoRATrainingSettings,
        pipeline="lora.pipeline:LoRATrainingPipeline",
        weights=LATENT_DIFFUSION,
        worlds={"scenes": (*LATENT_DIFFUSION_256, "layout")},
        fields=("world", "trigger", "name", "minutes", "rank"),
        starters={
            "a blueprint": {
                "pictures": tuple(str(EXAMPLES / f"blueprint-{k}.png") for k in range(8)),
                "trigger": "blauprint",
                "name": "blueprint",
                "minutes": 1.0,
            },
        },
        about="The base stays frozen. Beside its layers grow pairs of small matrices that learn your pictures under "
        "the word; pictures of the base itself are kept as they are without it. Above in the tray: with the word; "
        "below: the same without. In any prompt, choose it under More, LoRAs, and say the word.",
        kind="diffusion",
        parents=("latent-diffusion",),
        paper="Hu et al. 2022",
    ),
]
