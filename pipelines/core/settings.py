"""Settings: what a pipeline can be asked. One model a pipeline, from which form, shell, API, metadata and share link
derive.

Here is what several families share; each family's own are in its spec. The same name means the same thing everywhere.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo

from pipelines.core import cards
from pipelines.media.images import FromEditor

ADVANCED = {"more": True}  # shown under "More", for those who want to know
NEEDS_INPUT = {"needs_input": True}  # shown only where the input editor gives something


class Settings(BaseModel):
    """Frozen; each field has a range, a default and one line of help."""

    OLD_NAMES: ClassVar[dict[str, str]] = {}  # what fields were called in files, links and scripts of older versions

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: int = Field(
        0,
        ge=0,
        le=2**32 - 1,
        description="Which noise to start from: the same seed and settings give the same result.",
    )

    @classmethod
    def old_names(cls) -> dict[str, str]:
        """What fields were called before, and what they are called now."""
        return {old: new for part in cls.__mro__ for old, new in getattr(part, "OLD_NAMES", {}).items()}

    @model_validator(mode="before")
    @classmethod
    def _rename(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        names = cls.old_names()
        return {names.get(key, key) if names.get(key) not in values else key: value for key, value in values.items()}


class SamplingSettings(Settings):
    """What every sampler of a diffusion model can be asked."""

    OLD_NAMES: ClassVar[dict[str, str]] = {"path": "schedule"}

    prompt: str = Field(
        "", max_length=2000, description="What to draw, in your own words. Empty draws whatever comes to mind."
    )
    negative_prompt: str = Field("", max_length=2000, description="What to keep away from.")
    sampler: Literal["dpm-solver++", "heun", "euler", "ddim", "ddpm"] = Field(
        "dpm-solver++",
        description="How to step from noise to picture: the weights are the same. Heun calls the network twice a step.",
    )
    steps: int = Field(20, ge=1, le=200, description="More steps follow the path closer and take longer.")
    guidance: float = Field(4.0, ge=1, le=15, description="How strongly to follow the words: 1 is the plain model.")
    count: int = Field(1, ge=1, le=8, description="How many pictures, with the seeds seed, seed + 1, …")
    schedule: Literal["straight", "cosine", "linear-beta"] = Field(
        "straight",
        description="How noise and data mix on the way: rectified flow's line, the cosine schedule, DDPM's betas.",
        json_schema_extra=ADVANCED,
    )
    eta: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Fresh noise a step, for DDIM only: 0 is deterministic, 1 is ancestral.",
        json_schema_extra=ADVANCED,
    )
    guidance_start: float = Field(
        0.0, ge=0, le=1, description="Guide from this fraction of the run on.", json_schema_extra=ADVANCED
    )
    guidance_end: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Guide up to this fraction; a step after it costs half.",
        json_schema_extra=ADVANCED,
    )
    guidance_rescale: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Bring the contrast of guided estimates back to the plain one's.",
        json_schema_extra=ADVANCED,
    )
    loras: str = Field(
        "",
        max_length=400,
        description="LoRAs to wear, each with its strength: flat:0.8, lines:0.5",
        json_schema_extra=ADVANCED,
    )

    @field_validator("loras")
    @classmethod
    def _check_loras(cls, loras: str) -> str:
        for name, _ in cards.parse_loras(loras):
            if name not in cards.loras():
                raise ValueError(
                    f"there is no LoRA '{name}' here; choose one of: {', '.join(cards.loras()) or 'none is there yet'}"
                )
        return loras

    @property
    def lora_base(self) -> str:
        """The weights beside which its LoRAs have to be taught."""
        return cards.LORA_BASES[0]

    @model_validator(mode="after")
    def _loras_fit(self) -> SamplingSettings:
        known = cards.loras()
        for name, _ in cards.parse_loras(self.loras):
            if name in known and cards.lora_base(known[name]) != self.lora_base:
                raise ValueError(
                    f"The LoRA {name} was taught on another world than this: choose that world, or take it off."
                )
        return self

    @model_validator(mode="after")
    def _ordered(self) -> SamplingSettings:
        if self.guidance_start > self.guidance_end:
            raise ValueError(
                f"Guidance starts at {self.guidance_start} but ends at {self.guidance_end}: let it start first."
            )
        return self


def format_error(error: ValidationError) -> str:
    """A validation error in one sentence a field: its name, the value, and what is allowed."""
    parts = []
    for item in error.errors():
        if item["type"] == "value_error":  # the whole sentence is ours
            text = item["msg"].removeprefix("Value error, ").rstrip(".")
            parts.append(f"{text[0].upper()}{text[1:]}.")
            continue
        if item["type"] == "missing":
            parts.append(f"{str(item['loc'][-1]).capitalize()} is missing: give one.")
            continue
        name = ".".join(str(p) for p in item["loc"]).replace("_", " ").capitalize()
        if item["type"] in ("int_type", "float_type") and item.get("input") is None:  # a box that was emptied
            parts.append(f"{name} is blank: give a number.")
            continue
        shown = repr(item.get("input"))
        shown = shown if len(shown) <= 60 else shown[:57] + "…"
        message = item["msg"].removeprefix("Input ").removeprefix("Value error, ")
        parts.append(f"{name} is {shown}, but {message[0].lower() + message[1:]}.")
    return " ".join(parts)


def editor_fields(model: type[Settings]) -> dict[str, str]:
    """The fields that an input editor gives, and what each accepts ("image", "audio", …)."""
    found = {}
    for name, field in model.model_fields.items():
        inner = [mark for part in get_args(field.annotation) for mark in getattr(part, "__metadata__", ())]
        for mark in (*field.metadata, *inner):
            if isinstance(mark, FromEditor):
                found[name] = mark.accepts
    return found


def bulky_fields(model: type[Settings]) -> set[str]:
    """The fields of an editor that hold pictures, sounds or points: too large to be listed."""
    return {name for name, accepts in editor_fields(model).items() if accepts != "plane"}


def needs_input(field: FieldInfo) -> bool:
    """Whether a field says something only where the input editor gives something."""
    return bool((field.json_schema_extra or {}).get("needs_input"))


def is_advanced(models: dict[str, type[Settings]], name: str) -> bool:
    """Whether a field is for those who want to know, in every model that has it."""
    fields = [model.model_fields[name] for model in models.values() if name in model.model_fields]
    return all((field.json_schema_extra or {}).get("more") for field in fields)
