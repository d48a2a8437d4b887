"""What the world does not know is exchanged for the nearest thing, and said; what it knows is left alone."""

from __future__ import annotations

import pytest

from pipelines.datasets.scenes.kinds import BY_NAME, KINDS, PAINT
from pipelines.models.latent_diffusion import layout_text, layout_wishes
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
        ("submarines", "ships"),
        ("a cat on an armchair", "a cat on a chair"),
        ("ravens, night", "black birds, night"),
        ("a white crow and a pegasus", "a white bird and a unicorn"),
        ("a knight fights a dragon in a shop", "a royal guard fights a dragon in a shop"),
        ("two queens and a king", "two princesses and a prince"),
        ("a lawnmower that is red", "a tractor that is red"),
        ("A tired businesswoman", "A tired woman office worker"),
        ("a hummingbird and a clementine", "a bird and an orange"),
        ("an astronaut on Mars", "an astronaut on red planet"),
    ],
)
def test_an_unknown_thing_is_exchanged_and_said(prompt: str, drawn: str) -> None:
    made, exchanged = Vocabulary.load().substitute(prompt)
    assert made == drawn
    assert exchanged and all(one.instead in drawn and one.phrase in str(one) for one in exchanged)


def test_an_unknown_place_is_said_and_left() -> None:
    made, [unknown] = Vocabulary.load().substitute("a dog on a trampoline")
    assert made == "a dog on a trampoline" and str(unknown) == "It does not know “trampoline”."


@pytest.mark.parametrize(
    "prompt",
    [
        "a chicken sandwich",
        "an office building",
        "a cowboy hat",
        "a loaf of bread",
        "a bottle of wine",
        "a bouquet of flowers",
        "a flock of birds",
    ],
)
def test_a_listed_word_that_is_not_the_thing_itself_stays(prompt: str) -> None:
    assert Vocabulary.load().substitute(prompt) == (prompt, [])


def test_what_nothing_looks_like_is_said_and_left() -> None:
    made, [unknown] = Vocabulary.load().substitute("a train on a bridge")
    assert made == "a train on a bridge" and str(unknown) == "It does not know “bridge”."


def test_the_table_exchanges_what_is_no_thing_of_the_world_for_one_thing_that_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {name.lower(): kind.name for kind in KINDS for name in kind.names}
    monkeypatch.setattr(layout_text, "names", lambda: names)
    monkeypatch.setattr(layout_text, "vocabulary", lambda: {"colour": list(PAINT), "kind": list(BY_NAME)})
    monkeypatch.setattr(layout_text, "people_kinds", lambda: {kind.name for kind in KINDS if kind.gendered})
    table = Vocabulary.load().substitutes
    assert len(table) > 350
    assert not {*table} & {*names}
    for instead in {*table.values()} - {""}:
        assert len(layout_wishes.read_wishes(instead.lower().split())) == 1, instead


def test_nonsense_is_said_to_be_unknown() -> None:
    _, exchanged = Vocabulary({"a"}, ["dog"], {}).substitute("a qwfpgj")
    assert [u.phrase for u in exchanged] == ["qwfpgj"]


def test_every_name_of_a_thing_is_known() -> None:
    vocabulary = Vocabulary.load()
    assert len(vocabulary.things) > 600
    for name in vocabulary.things:
        assert not vocabulary.unknown_phrases(f"a {name}")
