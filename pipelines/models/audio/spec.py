"""What the codec and the two generators of sound can be asked."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pipelines.core.settings import NEEDS_INPUT, SamplingSettings, Settings
from pipelines.core.spec import ModelSpec
from pipelines.media import audio

PHRASE_FIELD = Field(
    "",
    max_length=2000,
    description="What to play: an instrument, a melody or chords, the key, the tempo. Empty plays whatever comes to "
    "mind.",
)
SECONDS_FIELD = Field(
    4.0,
    ge=0.5,
    le=16,
    description="How long it lasts. Beyond 4 it goes on part by part, each hearing the end of the last.",
)
LOOP_FIELD = Field(
    False,
    description="Fade the end into the beginning, so that it can go round; after whole bars where the prompt says a "
    "tempo.",
)


class AudioFlowSettings(SamplingSettings):
    """Words, or a sound, to a sound, all of it at once."""

    prompt: str = PHRASE_FIELD
    guidance: float = Field(3.0, ge=1, le=15, description="How strongly to follow the words: 1 is the plain model.")
    count: Literal[1] = Field(1, description="One sound at a time.")
    loras: Literal[""] = Field("", description="There are none for sounds yet.")
    seconds: float = SECONDS_FIELD
    loop: bool = LOOP_FIELD
    sound: audio.OptionalAudioInput = Field(
        "", description="A sound to work on: its first 30 seconds, mono, 16 kHz. Empty lets the words decide."
    )
    method: Literal["continue", "refill", "vary"] = Field(
        "continue",
        description="With a sound: go on after its end, play a span anew, or make its like.",
        json_schema_extra=NEEDS_INPUT,
    )
    start: float = Field(
        1.0,
        ge=0,
        le=30,
        title="From second",
        description="Refill: where the span begins.",
        json_schema_extra=NEEDS_INPUT,
    )
    end: float = Field(
        2.0,
        ge=0,
        le=30,
        title="To second",
        description="Refill: where it ends, at most 3 seconds later.",
        json_schema_extra=NEEDS_INPUT,
    )
    strength: float = Field(
        0.6,
        gt=0,
        le=1,
        description="Vary: how much noise to start from: little keeps the sound, 1 keeps nothing.",
        json_schema_extra=NEEDS_INPUT,
    )

    @model_validator(mode="after")
    def _span(self) -> AudioFlowSettings:
        if self.sound and self.method == "refill":
            long = len(audio.from_url(self.sound)) / audio.RATE
            if not 0.05 <= self.end - self.start <= 3.001:
                raise ValueError(
                    f"The span goes from {self.start:g} to {self.end:g} seconds: mark one of 0.05 to 3, its "
                    "beginning first."
                )
            if self.start >= long:
                raise ValueError(
                    f"The span begins at {self.start:g} seconds, but the sound lasts {long:.1f}: mark a part of it."
                )
        return self


class AudioTokensSettings(Settings):
    """Words, or a sound's end, to a sound, code by code."""

    prompt: str = PHRASE_FIELD
    negative_prompt: str = Field("", max_length=2000, description="What to keep away from.")
    seconds: float = SECONDS_FIELD
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
    loop: bool = LOOP_FIELD
    sound: audio.OptionalAudioInput = Field(
        "", description="A sound to go on from: its first 30 seconds, mono, 16 kHz. Empty lets the words decide."
    )

    @property
    def steps(self) -> int:
        """Parts of a fifth of a second, which are played as they come."""
        return math.ceil(self.seconds / 0.2)


class AudioCodecSettings(Settings):
    """A sound through the codec."""

    OLD_NAMES: ClassVar[dict[str, str]] = {"books": "codebooks"}

    sound: audio.AudioInput = Field(description="The sound: its first 30 seconds, mono, 16 kHz.")
    codebooks: int = Field(
        6, ge=1, le=6, title="Codebooks", description="How many codebooks to keep: half a kilobit a second each."
    )

    @property
    def steps(self) -> int:
        """A codebook a step."""
        return self.codebooks


EXAMPLES = {
    "vibraphone": "bright vibraphone melody, fast, C major",
    "choir": "soft choir chords, slow, A minor",
    "bass": "slap bass line, 125 bpm, E minor",
    "harp": "harp arpeggio, smooth, D major",
    "drums": "loud drum kit beat at 130 bpm",
    "chiptune": "8-bit synth melody, quick, staccato",
}
SPECS = [
    ModelSpec(
        name="audio-flow",
        title="Sound, as a flow",
        tab="audio",
        task="words or a sound to a sound",
        settings=AudioFlowSettings,
        pipeline="audio.flow:AudioFlowPipeline",
        weights=("audio-flow", "audio-words", "audio-codec"),
        result="audio",
        label="Flow",
        help="All of a phrase at once: its spectrum clears up step by step.",
        examples=EXAMPLES,
        starters={label: {"prompt": prompt, "seed": 1} for label, prompt in EXAMPLES.items()},
        fields=("method", "start", "end", "strength"),
        about="A flow begins with noise and refines the whole sound at every step; code by code, a language model "
        "writes it from its beginning to its end. Both work on the codec's numbers, a fiftieth of the samples.",
        kind="diffusion",
        parents=("flowmatching",),
        paper="Lipman et al. 2023",
    ),
    ModelSpec(
        name="audio-tokens",
        title="Sound, code by code",
        tab="audio",
        task="words or a sound's end to a sound",
        settings=AudioTokensSettings,
        pipeline="audio.tokens:AudioTokensPipeline",
        weights=("audio-tokens", "audio-words", "audio-codec"),
        result="audio",
        label="Tokens",
        help="Code by code, like a language; it is played while it is written.",
        examples=EXAMPLES,
        fields=("score_guidance", "temperature", "top_k"),
        kind="autoregressive",
        parents=("audiolm", "audio-codec"),
        paper="MusicGen: Copet et al. 2023",
    ),
    ModelSpec(
        name="audio-codec",
        title="Codec",
        tab="audio",
        task="a sound to codes and back",
        settings=AudioCodecSettings,
        pipeline="audio.codec:AudioCodecPipeline",
        weights=("audio-codec",),
        result="audio",
        label="Codec",
        help="Any sound as both models hear it: with one codebook, two, … six. Give it one first.",
        fields=("codebooks",),
        kind="latent",
        parents=("vqvae",),
        paper="SoundStream: Zeghidour et al. 2021; Vocos: Siuzdak 2024",
    ),
]
