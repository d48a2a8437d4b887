"""Layouts in words: read, refused in a sentence, and drawn in place of the dice's layout."""

from __future__ import annotations

import itertools
from dataclasses import asdict

import pytest
from pydantic import ValidationError

from pipelines import load
from pipelines.core.settings import format_error
from pipelines.datasets.scenes.kinds import KINDS
from pipelines.models.latent_diffusion import layout_text
from pipelines.models.latent_diffusion.layout import Vocabulary
from pipelines.models.latent_diffusion.recipe_sources import VOCABULARY as WORLD

VOCABULARY = Vocabulary(**{label: tuple(values) for label, values in layout_text.vocabulary().items()})
RED_CAR = {"kind": "car", "colour": "red", "facing": "left", "gender": "", "tone": "", "box": [80, 96, 240, 208]}


@pytest.mark.parametrize(
    "text", ["red car left 80 96 240 208", "Red  car LEFT: 80, 96, 240, 208", "left red car @ 80 96 240 208;\n ;"]
)
def test_a_thing_is_a_name_and_a_box(text: str) -> None:
    assert layout_text.parse(text) == [RED_CAR]


def test_what_the_page_shows_is_understood_again() -> None:
    text = "; ".join(f"{t['name']} {' '.join(map(str, t['box']))}" for t in layout_text.to_page([RED_CAR, RED_CAR]))
    assert layout_text.parse(text) == [RED_CAR, RED_CAR]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("dog", "“dog” is no thing with a box: write a name and four numbers, such as dog 16 112 112 208."),
        (
            "dog 1 2 3",
            "“dog 1 2 3” is no thing with a box: write a name and four numbers, such as dog 16 112 112 208.",
        ),
        ("carr 0 0 64 64", "The world does not know “carr” as a thing: perhaps car."),
        ("xyzzy 0 0 64 64", "The world does not know “xyzzy” as a thing, or has another word for it."),
        (
            "dog 64 0 0 64",
            "The box of “dog” is [64, 0, 0, 64]: give left, top, right and bottom in 0 to 256, 16 apart at least.",
        ),
        (
            "dog 0 0 300 64",
            "The box of “dog” is [0, 0, 300, 64]: give left, top, right and bottom in 0 to 256, 16 apart at least.",
        ),
        ("red 0 0 64 64", "The world does not know “red” as a thing, or has another word for it."),
        (7 * "dog 0 0 64 64;", "The layout has 7 things: leave at most 6."),
    ],
)
def test_what_is_not_understood_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        load("latent-diffusion-256").Settings(layout=text)
    assert format_error(caught.value) == sentence


def test_a_layout_is_drawn_in_place_of_the_dice() -> None:
    *_, last = load("latent-diffusion-256").generate(prompt="a car", steps=2, layout="red car left 80 96 240 208")
    assert last.trace["layout"] == [{"name": "red car left", "box": [80, 96, 240, 208]}]
    assert last.result.settings["layout"] == "red car left 80 96 240 208"
    *_, moved = load("latent-diffusion-256").generate(prompt="a car", steps=2, layout="red car left 0 96 160 208")
    assert (moved.result.pixels != last.result.pixels).any()


def test_every_thing_of_the_world_is_understood_by_the_name_that_the_page_gives_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {name: kind.name for kind in KINDS for name in kind.names}
    words = {label: list(values) for label, values in asdict(WORLD).items()}
    monkeypatch.setattr(layout_text, "vocabulary", lambda: words)
    monkeypatch.setattr(layout_text, "names", lambda: {name.lower(): kind for name, kind in names.items()})
    for kind in KINDS:
        colours = ["orange", "black"] if kind.colours in ("paint", "fur") else [""]
        people = [(g, t) for g in ("man", "woman") for t in ("light", "medium-dark")] if kind.gendered else [("", "")]
        for (gender, tone), colour, facing in itertools.product(people, colours, ("", "left", "right")):
            labels = {"kind": kind.name, "colour": colour, "facing": facing, "gender": gender, "tone": tone}
            name = layout_text.to_page([{**labels, "box": []}])[0]["name"]
            assert layout_text.read_name(name.lower()) == labels
