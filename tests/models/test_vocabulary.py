"""What the world does not know is exchanged for the nearest thing, and said; what it knows is left alone."""

from __future__ import annotations

import pytest

from pipelines.models.latent_diffusion.vocabulary import Vocabulary

KNOWN = [
    "a red car and a dog before a house by the sea, at sunset, snow",
    "doggo at the beach, sunset",
    "a woman with curly red hair and round glasses, smiling",
    "a majestic dog",
    "zebra running fast",
    "a bear fishing",
    "2 apples!",
    "",
    "🐶",
]


@pytest.mark.parametrize("prompt", KNOWN)
def test_what_is_known_stays(prompt: str) -> None:
    assert Vocabulary.load().substitute(prompt) == (prompt, [])


@pytest.mark.parametrize(
    ("prompt", "drawn"),
    [
        ("a lawnmower", "a tractor"),
        ("a blue cello, night", "a blue violin, night"),
        ("a red car and a trombone before a house", "a red car and a trumpet before a house"),
        ("submarines", "boats"),
    ],
)
def test_an_unknown_thing_is_exchanged_and_said(prompt: str, drawn: str) -> None:
    made, exchanged = Vocabulary.load().substitute(prompt)
    assert made == drawn
    assert len(exchanged) == 1 and exchanged[0].instead in drawn and exchanged[0].phrase in str(exchanged[0])


def test_an_unknown_place_is_said_and_left() -> None:
    made, [unknown] = Vocabulary.load().substitute("a dog on a hovercraft")
    assert made == "a dog on a hovercraft" and str(unknown) == "It does not know “hovercraft”."


def test_nonsense_is_said_to_be_unknown() -> None:
    _, exchanged = Vocabulary({"a"}, ["dog"]).substitute("a qwfpgj")
    assert [u.phrase for u in exchanged] == ["qwfpgj"]


def test_every_name_of_a_thing_is_known() -> None:
    vocabulary = Vocabulary.load()
    assert len(vocabulary.things) > 600
    for name in vocabulary.things:
        assert not vocabulary.unknown_phrases(f"a {name}")
