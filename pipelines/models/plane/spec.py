"""What the bench of six families on the plane can be asked."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pipelines.core.settings import ADVANCED, Settings
from pipelines.core.spec import ModelSpec
from pipelines.media import points as plane_points
from pipelines.media.images import FromEditor


def read_points(given: Any) -> str:
    """Points as the CSV that settings hold. Raises ValueError, one sentence."""
    if not isinstance(given, str):
        raise ValueError("the points must be the text of a CSV, two numbers a line")
    if not given.strip():
        return ""
    text = plane_points.to_text(plane_points.parse_points(given))
    plane_points.parse_points(text)  # what is kept of them is as good
    return text


Points = Annotated[str, BeforeValidator(read_points), FromEditor("points")]


class PlaneSettings(Settings):
    """Six families learn one distribution in the plane, side by side."""

    distribution: Literal["ring", "moons", "spiral", "checkerboard", "letters", "drawn"] = Field(
        "ring", description="What all six learn. Draw on the sheet, or drop a CSV of x,y, for one of your own."
    )
    points: Points = Field("", description="Your own points, as a CSV: two numbers a line.")
    rounds: int = Field(3000, ge=1, le=20_000, description="Training steps of each family.")
    batch: int = Field(256, ge=16, le=1024, multiple_of=16, description="Points a training step.")
    rate: float = Field(
        0.0, ge=-2, le=3, description="Learning rate, in powers of ten: 0 is each family's own, 1 ten times it."
    )
    beta: float = Field(1.0, ge=0, le=50, description="Weight of the VAE's KL term. High: the code is ignored.")
    prior: Literal["learned", "normal"] = Field(
        "learned", description="Where the VAE draws codes from: a mixture learnt with it, or the standard normal."
    )
    generator_rate: float = Field(0.0, ge=-3, le=3, description="The generator's learning rate, likewise.")
    discriminator_rate: float = Field(
        0.0, ge=-3, le=3, description="The discriminator's. Far above the other's, the generator learns little."
    )
    schedule: Literal["cosine", "linear-beta", "straight"] = Field(
        "cosine", description="How noise and data mix in diffusion."
    )
    calls: int = Field(40, ge=1, le=200, description="Steps from noise to data, in diffusion and flow matching.")
    reflow: bool = Field(
        False,
        description="Straighten flow matching's paths: learn on from its own pairs, from round 500 at the earliest.",
    )
    slow: bool = Field(False, description="One training step at a time.")
    turns: str = Field(
        "",
        max_length=100_000,
        description="What was changed while it ran: round:setting=value, …",
        json_schema_extra=ADVANCED,
    )
    resume: Annotated[str, FromEditor("run")] = Field(
        "", max_length=40, description="Go on from the pause of this number, where it is still there."
    )
    only: Annotated[int, FromEditor("run")] = Field(
        0, ge=0, le=20_000, description="Stop after so many rounds; 0 goes to the end."
    )

    @model_validator(mode="before")
    @classmethod
    def _points_of_a_drawing_alone(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("distribution", "ring") != "drawn":
            return {key: value for key, value in values.items() if key != "points"}
        return values

    @field_validator("turns")
    @classmethod
    def _check_turns(cls, turns: str) -> str:
        parse_turns(turns)
        return turns

    @model_validator(mode="after")
    def _drawn(self) -> PlaneSettings:
        if self.distribution == "drawn" and not self.points:
            raise ValueError("Nothing is drawn yet: draw on the sheet, drop a CSV of x,y, or choose a distribution.")
        return self

    @property
    def steps(self) -> int:
        """Frames of a whole run."""
        return -(-self.rounds // ROUNDS)


ROUNDS = 10  # a frame
REFLOW_FROM = 500  # rounds: what has learnt nothing has no pairs worth learning from
TURNED = (
    "batch", "rate", "beta", "prior", "generator_rate", "discriminator_rate", "schedule", "calls", "reflow", "slow",
)  # what may change while it runs  # fmt: skip


def parse_turns(text: str) -> list[tuple[int, str, Any]]:
    """(round, setting, value) of each change, in order. Raises ValueError, one sentence."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"(\d{1,6}):(\w+)=([\w.-]+)", part)
        if not match or match[2] not in TURNED:
            raise ValueError(f"'{part[:40]}' is no change: write round:setting=value, such as 500:beta=4")
        try:
            one = PlaneSettings.model_validate({match[2]: match[3]})
        except ValueError:
            raise ValueError(f"{match[2]} cannot be '{match[3][:40]}', as round {match[1]} wants") from None
        found.append((int(match[1]), match[2], getattr(one, match[2])))
    return sorted(found, key=lambda turn: turn[0])


SPECS = [
    ModelSpec(
        name="plane",
        title="Six families on the plane",
        tab="atlas",
        task="points to six models of them",
        settings=PlaneSettings,
        pipeline="plane.pipeline:PlanePipeline",
        result="plane",
        help="Six families learn what you draw, side by side.",
        starters={
            "Eight modes": {"distribution": "ring", "rounds": 1000},
            "Two moons": {"distribution": "moons", "rounds": 1000},
            "A spiral": {"distribution": "spiral", "rounds": 1000},
            "A checkerboard": {"distribution": "checkerboard", "rounds": 1000},
        },
        fields=("distribution", "rounds", "slow", "rate", "batch"),
        groups={
            "VAE": ("beta", "prior"),
            "GAN": ("generator_rate", "discriminator_rate"),
            "Diffusion and flow matching": ("schedule", "calls", "reflow"),
        },
        about="Every family takes one training step a round, on the same points. Click one to look inside it.",
        turns=TURNED,
        paper="GAN Lab: Kahng et al. 2018",
    ),
]
