"""What each pipeline can be asked: one model a pipeline, from which form, shell, API, metadata and share link derive.

They live here and not in the families, since the page must be up before torch is imported, and since the same name must
mean the same thing everywhere.
"""

from __future__ import annotations

import json
import math
from typing import Any, Literal

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipelines.core import cards
from pipelines.core.cards import worn_of
from pipelines.media import audio as sounds
from pipelines.media import control_maps as controls
from pipelines.media.images import Given, Mask, Maybe, pixels, square, url

LOOK = 6.0  # seconds from one look at what is being taught to the next
FITTED = 10  # steps of fitting from one look at the splats to the next
MORE = {"more": True}  # shown under "More", for those who want to know


class Settings(BaseModel):
    """Frozen; each field has a range, a default and one line of help."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: int = Field(
        0, ge=0, le=2**32 - 1, description="Which noise to start from: the same seed and settings give the same result."
    )


class LatentDiffusion(Settings):
    """Words to picture."""

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
    path: Literal["straight", "cosine", "linear-beta"] = Field(
        "straight",
        description="How noise and data mix on the way: rectified flow's line, the cosine schedule, DDPM's betas.",
        json_schema_extra=MORE,
    )
    eta: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Fresh noise a step, for DDIM only: 0 is deterministic, 1 is ancestral.",
        json_schema_extra=MORE,
    )
    guidance_start: float = Field(
        0.0, ge=0, le=1, description="Guide from this fraction of the run on.", json_schema_extra=MORE
    )
    guidance_end: float = Field(
        1.0, ge=0, le=1, description="Guide up to this fraction; a step after it costs half.", json_schema_extra=MORE
    )
    guidance_rescale: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Bring the contrast of guided estimates back to the plain one's.",
        json_schema_extra=MORE,
    )
    loras: str = Field(
        "",
        max_length=400,
        description="LoRAs to wear, each with its strength: flat:0.8, lines:0.5",
        json_schema_extra=MORE,
    )

    @field_validator("loras")
    @classmethod
    def _known(cls, loras: str) -> str:
        for name, _ in worn_of(loras):
            if name not in cards.loras():
                raise ValueError(
                    f"there is no LoRA '{name}' here; choose one of: {', '.join(cards.loras()) or 'none is there yet'}"
                )
        return loras

    @model_validator(mode="after")
    def _ordered(self) -> LatentDiffusion:
        if self.guidance_start > self.guidance_end:
            raise ValueError(
                f"Guidance starts at {self.guidance_start} but ends at {self.guidance_end}: let it start first."
            )
        return self


class Variation(LatentDiffusion):
    """A picture's like (SDEdit)."""

    image: Given = Field(description="What to start from; its middle square is used.")
    strength: float = Field(
        0.6, gt=0, le=1, description="How much noise to start from: little keeps the picture, 1 keeps nothing."
    )
    ladder: bool = Field(False, description="Show strengths 0.1 to 0.9 in one strip, with the same seed.")


class Inpainting(LatentDiffusion):
    """A part of a picture anew."""

    image: Given = Field(description="The picture; outside the mask no pixel changes.")
    mask: Mask = Field(description="White where to change.")
    method: Literal["conditioned", "repaint", "naive"] = Field(
        "conditioned",
        description="A model that sees the mask; or the base alone: RePaint goes back and forth until new and old agree, at many more calls; naive does not.",
    )
    compare: bool = Field(False, description="Every method side by side, on the same mask and seed.")
    feather: int = Field(4, ge=0, le=32, description="Fade the new part in over so many pixels inside the mask.")
    jump: int = Field(
        4, ge=1, le=20, description="RePaint: how many steps it goes back each time.", json_schema_extra=MORE
    )
    resamples: int = Field(
        3, ge=1, le=10, description="RePaint: how often each stretch is developed.", json_schema_extra=MORE
    )
    blend: bool = Field(
        False,
        description="Blend the seam (Poisson): the part's colours follow what is around it.",
        json_schema_extra=MORE,
    )

    @model_validator(mode="after")
    def _fitting(self) -> Inpainting:
        picture, mask = pixels(self.image), pixels(self.mask)
        if picture.shape[:2] != mask.shape:
            (h, w), (mh, mw) = picture.shape[:2], mask.shape
            raise ValueError(f"The mask is {mw} × {mh} pixels, but the picture is {w} × {h}: give them the same size.")
        if not mask.any():
            raise ValueError("Nothing is painted: paint over what should change.")
        return self


class Outpainting(LatentDiffusion):
    """A picture continued beyond its edges."""

    image: Given = Field(description="The picture; none of its pixels changes.")
    left: int = Field(0, ge=0, le=384, multiple_of=8, description="Pixels to add on the left.")
    right: int = Field(64, ge=0, le=384, multiple_of=8, description="Pixels to add on the right.")
    top: int = Field(0, ge=0, le=384, multiple_of=8, description="Pixels to add above.")
    bottom: int = Field(0, ge=0, le=384, multiple_of=8, description="Pixels to add below.")

    @model_validator(mode="after")
    def _fitting(self) -> Outpainting:
        height, width = pixels(self.image).shape[:2]
        width, height = width + self.left + self.right, height + self.top + self.bottom
        if not self.left + self.right + self.top + self.bottom:
            raise ValueError("Nothing is added: choose a side to continue.")
        if max(width, height) > 512 or min(width, height) < 128:
            raise ValueError(f"The canvas would be {width} × {height} pixels; it can have 128 to 512 a side.")
        return self


class EditByWords(LatentDiffusion):
    """A picture as other words have it."""

    image: Given = Field(description="The picture to change; its middle square is used.")
    source: str = Field(
        "", max_length=2000, description="What the picture shows now, in words. Empty lets the model see it without."
    )
    keep: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Look where the old picture looks for this fraction of the run (prompt-to-prompt): keeps the layout.",
    )
    everywhere: bool = Field(
        False, description="Let the whole picture change, not only where the two captions disagree."
    )


class ControlNet(LatentDiffusion):
    """Words and a drawing to a picture."""

    control: Maybe = Field(
        "",
        description="What to follow: a drawing of lines, or a picture whose edges or colours to take. Its middle square is used.",
    )
    kind: Literal["scribble", "edges", "palette"] = Field(
        "scribble", description="What to take from it: rough thick lines, exact thin ones, or where which colour is."
    )
    weight: float = Field(1.0, ge=0, le=2, description="How strongly to follow it: 0 is the model alone.")
    start: float = Field(
        0.0, ge=0, le=1, description="Follow it from this fraction of the run on.", json_schema_extra=MORE
    )
    end: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Follow it up to this fraction: ending early lets the model tidy up.",
        json_schema_extra=MORE,
    )
    second: Maybe = Field("", description="A second picture to follow at the same time. Empty is none.")
    second_kind: Literal["palette", "scribble", "edges"] = Field("palette", description="What to take from the second.")
    second_weight: float = Field(1.0, ge=0, le=2, description="How strongly to follow the second.")

    @model_validator(mode="after")
    def _span(self) -> ControlNet:
        if self.start > self.end:
            raise ValueError(f"The control starts at {self.start} but ends at {self.end}: let it start first.")
        if not self.control and not self.second:
            raise ValueError("There is no drawing yet: draw lines, colours or both.")
        if self.control:
            _lines(self.control, self.kind)
        if self.second:
            _lines(self.second, self.second_kind)
        return self


def _lines(drawing: str, kind: str) -> None:
    """Refuse a sheet without a line, where lines are wanted."""
    if not controls.control(kind, pixels(drawing)).any():
        raise ValueError("The drawing is empty: draw some lines first.")


class Video(LatentDiffusion):
    """Words, or a picture, to a clip."""

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
    fps: int = Field(8, ge=1, le=30, description="Frames a second when it is played and saved.")
    amount: float = Field(0.5, ge=0, le=1, description="How much is to move: 0 hardly anything, 1 a lot.")
    loop: bool = Field(True, description="Let the last frame lead into the first.")
    image: Maybe = Field("", description="The first frame. Empty lets the words decide. Its middle square is used.")
    last: Maybe = Field("", description="The last frame, where there is one: what is between is drawn.")
    method: Literal["joint", "shared", "independent"] = Field(
        "joint",
        description="All frames together; or each alone, with half of its noise common to all, or with its own noise only.",
    )
    compare: bool = Field(
        False, description="Every way side by side, from the same seed: why frames are drawn together."
    )

    @field_validator("image", "last")
    @classmethod
    def _small(cls, given: str) -> str:
        return given and url(Image.fromarray(square(pixels(given))))  # what is drawn from, and no more, is kept

    @model_validator(mode="after")
    def _ends(self) -> Video:
        if self.steps * self.frames * (3 if self.compare else 1) > 6400:
            raise ValueError(
                f"{self.steps} steps of {self.frames} frames are too many to wait for: take fewer of either, or do not compare."
            )
        if self.last and self.loop:
            raise ValueError("A loop ends where it begins: leave out the last frame, or the loop.")
        return self


PHRASE = Field(
    "",
    max_length=2000,
    description="What to play: an instrument, a melody or chords, the key, the tempo. Empty plays whatever comes to mind.",
)
SECONDS = Field(
    4.0,
    ge=0.5,
    le=16,
    description="How long it lasts. Beyond 4 it goes on part by part, each hearing the end of the last.",
)
LOOP = Field(
    False,
    description="Fade the end into the beginning, so that it can go round; after whole bars where the prompt says a tempo.",
)


class AudioFlow(LatentDiffusion):
    """Words, or a sound, to a sound, all of it at once."""

    prompt: str = PHRASE
    guidance: float = Field(3.0, ge=1, le=15, description="How strongly to follow the words: 1 is the plain model.")
    count: Literal[1] = Field(1, description="One sound at a time.")
    loras: Literal[""] = Field("", description="There are none for sounds yet.")
    seconds: float = SECONDS
    loop: bool = LOOP
    sound: sounds.Maybe = Field(
        "", description="A sound to work on: its first 30 seconds, mono, 16 kHz. Empty lets the words decide."
    )
    method: Literal["continue", "refill", "vary"] = Field(
        "continue", description="With a sound: go on after its end, play a span anew, or make its like."
    )
    start: float = Field(1.0, ge=0, le=30, title="From second", description="Refill: where the span begins.")
    end: float = Field(
        2.0, ge=0, le=30, title="To second", description="Refill: where it ends, at most 3 seconds later."
    )
    strength: float = Field(
        0.6, gt=0, le=1, description="Vary: how much noise to start from: little keeps the sound, 1 keeps nothing."
    )

    @model_validator(mode="after")
    def _span(self) -> AudioFlow:
        if self.sound and self.method == "refill":
            long = len(sounds.samples(self.sound)) / sounds.RATE
            if not 0.05 <= self.end - self.start <= 3.001:
                raise ValueError(
                    f"The span goes from {self.start:g} to {self.end:g} seconds: mark one of 0.05 to 3, its beginning first."
                )
            if self.start >= long:
                raise ValueError(
                    f"The span begins at {self.start:g} seconds, but the sound lasts {long:.1f}: mark a part of it."
                )
        return self


class AudioTokens(Settings):
    """Words, or a sound's end, to a sound, code by code."""

    prompt: str = PHRASE
    negative_prompt: str = Field("", max_length=2000, description="What to keep away from.")
    seconds: float = SECONDS
    guidance: float = Field(3.0, ge=1, le=15, description="How strongly to follow the words: 1 is the plain model.")
    score_guidance: float = Field(
        5.0,
        ge=1,
        le=15,
        description="How strongly to keep to the tempo and the key that the words say: 1 is the plain model.",
    )
    temperature: float = Field(
        1.0, gt=0, le=2, description="Below 1 the likely codes are chosen more often, above 1 less."
    )
    top_k: int = Field(20, ge=1, le=1024, description="Choose among so many of the likeliest codes.")
    loop: bool = LOOP
    sound: sounds.Maybe = Field(
        "", description="A sound to go on from: its first 30 seconds, mono, 16 kHz. Empty lets the words decide."
    )

    @property
    def steps(self) -> int:
        """Parts of a fifth of a second, which are played as they come."""
        return math.ceil(self.seconds / 0.2)


class AudioCodec(Settings):
    """A sound through the codec."""

    sound: sounds.Given = Field(description="The sound: its first 30 seconds, mono, 16 kHz.")
    books: int = Field(
        6, ge=1, le=6, title="Codebooks", description="How many codebooks to keep: half a kilobit a second each."
    )

    @property
    def steps(self) -> int:
        """A codebook a step."""
        return self.books


SPLATS = Field(
    1500,
    ge=1,
    le=4000,
    title="Splats at most",
    description="How many Gaussians may be used: more show finer things and take longer.",
)
FIT = Field(
    200, ge=10, le=2000, title="Steps of fitting", description="How often the splats are corrected against a view."
)
GROW = Field(
    True, title="Densify", description="Add splats where they are pulled about, take away those that are hardly seen."
)


class TextTo3D(LatentDiffusion):
    """Words to a thing that can be turned."""

    prompt: str = Field(
        "",
        max_length=2000,
        description="A toy: what it is, its colours, what is special about it. Empty makes whatever comes to mind.",
    )
    guidance: float = Field(2.0, ge=1, le=15, description="How strongly to follow the words: 1 is the plain model.")
    count: Literal[1] = Field(1, description="One thing at a time.")
    loras: Literal[""] = Field("", description="There are none for toys yet.")
    splats: int = SPLATS
    fit: int = FIT
    grow: bool = GROW


class ImageTo3D(TextTo3D):
    """A picture of a thing to the thing."""

    image: Given = Field(
        description="One thing before a plain background. Its middle square is used, the background is taken away."
    )
    azimuth: int = Field(
        0,
        ge=-180,
        le=180,
        title="Seen from, degrees round",
        description="Where the picture was taken from: 0 is its front, 90 its left side.",
    )
    elevation: int = Field(15, ge=-10, le=40, title="Seen from, degrees up", description="How high the camera stood.")

    @field_validator("image")
    @classmethod
    def _small(cls, given: str) -> str:
        small = square(pixels(given))
        controls.alone(small)  # refuse a picture of nothing before any work
        return url(Image.fromarray(small))


class Splatting(Settings):
    """Splats fitted to views of a toy, or to a picture."""

    method: Literal["scene", "picture"] = Field(
        "scene", title="Fit", description="24 views of a toy, in space; or one picture, on the plane."
    )
    toy: int = Field(
        7,
        ge=0,
        le=9999,
        title="Toy number",
        description="Which toy: shape, colours and proportions follow from its number.",
    )
    image: Maybe = Field("", description="The picture to fit. Its middle square is used.")
    splats: int = SPLATS
    degree: int = Field(
        1,
        ge=0,
        le=2,
        title="Degree of the colours",
        description="How much a colour may depend on where it is seen from: 0 not at all.",
    )
    fit: int = FIT
    grow: bool = GROW

    @field_validator("image")
    @classmethod
    def _small(cls, given: str) -> str:
        return given and url(Image.fromarray(square(pixels(given))))

    @model_validator(mode="after")
    def _given(self) -> Splatting:
        if self.method == "picture" and not self.image:
            raise ValueError("There is no picture yet: choose one, or fit a toy.")
        return self

    @property
    def steps(self) -> int:
        """Looks at what was fitted."""
        return -(-self.fit // FITTED)


class Teaching(Settings):
    """Pictures to a LoRA."""

    pictures: tuple[Given, ...] = Field(
        description="5 to 40 pictures of one style or subject. The middle square of each is used."
    )
    trigger: str = Field(
        "", max_length=40, description="A made-up word that stands for it: say it in a prompt to call it."
    )
    name: str = Field(
        "mine",
        pattern=r"^[a-z0-9-]{2,24}$",
        description="What it is called in the list of LoRAs: small letters, digits, hyphens.",
    )
    rank: int = Field(8, ge=1, le=32, description="How much it can hold: more learns finer things, and larger files.")
    minutes: float = Field(
        2.0, ge=0.02, le=30, description="How long to teach. You can stop earlier and keep what was learnt."
    )

    @property
    def steps(self) -> int:
        """Looks at what was learnt, which save it."""
        return min(200, max(1, round(60 * self.minutes / LOOK)))

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
            url(Image.fromarray(square(pixels(picture)))) for picture in given
        )  # what is learnt from, and no more, is kept
        if len(set(given)) == 1:
            raise ValueError(f"these are {len(given)} copies of one picture: give different ones")
        return given

    @model_validator(mode="after")
    def _named(self) -> Teaching:
        if not self.trigger.strip():
            raise ValueError("There is no trigger word yet: make one up, such as zorblax.")
        if (cards.BUNDLED / f"{cards.LORA}{self.name}.safetensors").exists():
            raise ValueError(f"{self.name} is the name of a LoRA that the program brought along: choose another.")
        return self


class Pix2Pix(Settings):
    """Lines to a picture in one pass."""

    control: Given = Field(
        description="A drawing of lines, or a picture whose edges to take. Its middle square is used."
    )
    style: Literal["emoji", "avatar"] = Field("emoji", description="What the lines are to become.")

    @model_validator(mode="after")
    def _drawn(self) -> Pix2Pix:
        _lines(self.control, "edges")
        return self

    @property
    def steps(self) -> int:
        """One pass."""
        return 1


def sentence(error: ValidationError) -> str:
    """A validation error in one sentence a field: its name, the value, and what is allowed."""
    parts = []
    for item in error.errors():
        if item["type"] == "value_error":  # the whole sentence is ours
            said = item["msg"].removeprefix("Value error, ").rstrip(".")
            parts.append(f"{said[0].upper()}{said[1:]}.")
            continue
        if item["type"] == "missing":
            parts.append(f"{str(item['loc'][-1]).capitalize()} is missing: give one.")
            continue
        name = ".".join(str(p) for p in item["loc"])
        shown = repr(item.get("input"))
        shown = shown if len(shown) <= 60 else shown[:57] + "…"
        message = item["msg"].removeprefix("Input ").removeprefix("Value error, ")
        parts.append(f"{name.replace('_', ' ').capitalize()} is {shown}, but {message[0].lower() + message[1:]}.")
    return " ".join(parts)
