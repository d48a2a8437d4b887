"""The avatars' grammar and the splits."""

from __future__ import annotations

import random

import pytest

from pipelines.training.data import avatars, emoji


def drawn(n: int, seed: int = 0) -> list[dict[str, str]]:
    rng = random.Random(seed)
    return [avatars.draw(rng) for _ in range(n)]


def test_every_value_is_drawn_and_every_label_can_be_said() -> None:
    seen: dict[str, set[str]] = {}
    rng = random.Random(0)
    for a in drawn(3000):
        labels = avatars.fold(a)
        for name, value in labels.items():
            assert value in avatars.LABELS[name]
            seen.setdefault(name, set()).add(value)
        text, named = avatars.caption(labels, a["gender"], rng)
        assert text and "{" not in text and "  " not in text
        assert set(named) <= set(labels)
    assert {name: len(values) for name, values in seen.items()} == {name: len(values) for name, values in avatars.LABELS.items()}


@pytest.mark.parametrize("name", sorted(avatars.LABELS))
def test_a_caption_names_what_it_was_asked_to(name: str) -> None:
    rng = random.Random(1)
    labels = next(found for a in drawn(500, 2) if (found := avatars.fold(a)).get(name, "none") != "none")
    for _ in range(20):
        text, named = avatars.caption(labels, "man", rng, [name])
        said = avatars.COLOURS.get(name, (None, {}))[1] or {}
        ways = [avatars.SAY, avatars.SAY_CLOTH, avatars.SAY_SKIN, avatars.SAY_GROUND]
        if name in avatars.PHRASES:
            phrases = [p for how in avatars.PHRASES[name][labels[name]].values() for p in how]
            words = {" ".join(p.replace("{hair}", "").replace("{hat}", "").replace("{beard}", "").replace("{cloth}", "").split()) for p in phrases}
            words = {w.removeprefix("a ").removeprefix("an ") for w in words}
        else:
            words = {w.removesuffix(" skin") for way in ways for w in way.get(labels[name], [])} | {labels[name]} | set(said) & {labels[name]}
        assert named == [name]
        assert any(word in text for word in words), (text, words)


def test_dark_glasses_hide_the_eyes() -> None:
    for a in drawn(500):
        assert ("eyes" in avatars.fold(a)) == (a["glasses"] not in ("kurt", "sunglasses", "wayfarers", "eyepatch"))


def test_no_training_picture_has_a_held_out_pair() -> None:
    kept = [avatars.fold(a) for i, a in enumerate(drawn(5000)) if avatars.split_of(avatars.fold(a), str(i)) != "compositional"]
    for pair in avatars.HELD_OUT:
        assert not any(all(labels.get(k) == v for k, v in pair.items()) for labels in kept)
        assert all(any(labels.get(k) == v for labels in kept) for k, v in pair.items())  # each half is known


def test_siblings_of_unseen_signs_are_unseen_too() -> None:
    signs = [{"family": f"person {i}"} for i in range(300)]
    splits = [{emoji.split_of(sign, f"{i}-{tone}", 6) for tone in range(6)} for i, sign in enumerate(signs)]
    assert all(found == {"unseen"} or "unseen" not in found for found in splits)
    assert any(found == {"unseen"} for found in splits)
    assert any({"train", "sibling"} <= found for found in splits)
