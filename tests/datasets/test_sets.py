"""The avatars' grammar and the splits."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.datasets import avatars, emoji, motion, notes
from pipelines.models.gaussian_splatting import toys
from pipelines.models.gaussian_splatting.rasterize import Camera


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
    assert {name: len(values) for name, values in seen.items()} == {
        name: len(values) for name, values in avatars.LABELS.items()
    }


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
            words = {
                " ".join(
                    p.replace("{hair}", "").replace("{hat}", "").replace("{beard}", "").replace("{cloth}", "").split()
                )
                for p in phrases
            }
            words = {w.removeprefix("a ").removeprefix("an ") for w in words}
        else:
            words = (
                {w.removesuffix(" skin") for way in ways for w in way.get(labels[name], [])}
                | {labels[name]}
                | set(said) & {labels[name]}
            )
        assert named == [name]
        assert any(word in text for word in words), (text, words)


def test_dark_glasses_hide_the_eyes() -> None:
    for a in drawn(500):
        assert ("eyes" in avatars.fold(a)) == (a["glasses"] not in ("kurt", "sunglasses", "wayfarers", "eyepatch"))


def test_no_training_picture_has_a_held_out_pair() -> None:
    kept = [
        avatars.fold(a)
        for i, a in enumerate(drawn(5000))
        if avatars.split_of(avatars.fold(a), str(i)) != "compositional"
    ]
    for pair in avatars.HELD_OUT:
        assert not any(all(labels.get(k) == v for k, v in pair.items()) for labels in kept)
        assert all(any(labels.get(k) == v for labels in kept) for k, v in pair.items())  # each half is known


def test_siblings_of_unseen_signs_are_unseen_too() -> None:
    signs = [{"family": f"person {i}"} for i in range(300)]
    splits = [{emoji.split_of(sign, f"{i}-{tone}", 6) for tone in range(6)} for i, sign in enumerate(signs)]
    assert all(found == {"unseen"} or "unseen" not in found for found in splits)
    assert any(found == {"unseen"} for found in splits)
    assert any({"train", "sibling"} <= found for found in splits)


def moving(x: list[int], y: list[int]) -> np.ndarray:
    """A dotted square that is here and there."""
    clip = np.full((len(x), 128, 128, 3), 255, np.uint8)
    for frame, a, b in zip(clip, x, y, strict=True):
        frame[b : b + 40, a : a + 40] = np.random.default_rng(0).integers(0, 200, (40, 40, 1))
    return clip


def test_motion_is_measured_as_it_is() -> None:
    there = [20, 24, 28, 32, 36, 40, 44, 48, 48, 44, 40, 36, 32, 28, 24, 20]
    across, down, away = moving(there, [40] * 16), moving([40] * 16, there), moving(list(range(10, 74, 4)), [40] * 16)
    assert [motion.direction(clip) for clip in (across, down)] == ["from side to side", "up and down"]
    assert [motion.loops(clip) for clip in (across, down, away)] == [True, True, False]
    assert motion.change(moving([40] * 16, [40] * 16)) == 0 < motion.change(across)
    said = {
        motion.caption("cat face", ["cat", "pet"], "large motion", "up and down", random.Random(k)) for k in range(40)
    }
    assert any("large motion, moving up and down" in caption for caption in said)
    assert any("motion" not in caption and "moving" not in caption for caption in said)


def test_a_loop_is_sixteen_frames_of_the_whole(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((16, 16, 4), (k, 0, 0, 255), np.uint8)) for k in range(0, 64, 2)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert motion.loop(tmp_path / "a.webp")[:, 0, 0, 0].tolist() == list(range(0, 64, 4))
    frames[0].save(tmp_path / "still.webp")
    assert motion.loop(tmp_path / "still.webp") is None


def test_a_phrase_follows_from_its_number_and_keeps_to_its_key() -> None:
    for number in range(60):
        row = notes.compose(number)
        assert row == notes.compose(number)
        assert row["notes"] and all(
            0 <= at < notes.SECONDS and length > 0 and 0 < velocity < 128 for at, length, _, velocity in row["notes"]
        )
        if row["tonic"] is not None:
            degrees = {(pitch - row["tonic"]) % 12 for _, _, pitch, _ in row["notes"]}
            assert degrees <= set(notes.MODES[row["mode"]])
            assert max(pitch for _, _, pitch, _ in row["notes"]) <= 108
        said, named = notes.caption(row, random.Random(number))
        assert "instrument" in named and ("tempo" not in named or str(row["tempo"]) in said)
    assert len(notes.NAMES) >= 40 and {notes.split_of(k) for k in range(300)} == {"train", "validation", "test"}


def test_phrases_follow_each_other_in_one_score() -> None:
    rows = [notes.compose(k) for k in range(3)]
    track = notes.midi(rows).tracks[0]
    assert sum(message.type == "note_on" for message in track) == sum(len(row["notes"]) for row in rows)
    assert sum(message.type == "program_change" for message in track) == 3
    assert all(message.time >= 0 for message in track)


def test_a_toy_is_seen_where_its_camera_says() -> None:
    ball = toys.Part("ellipsoid", (0.3, 0.2, -0.1), (0.15, 0.15, 0.15), "red")
    for azimuth, elevation in ((0.0, 15.0), (120.0, 40.0)):
        (picture,), (depth,) = toys.shoot([ball], [(azimuth, elevation)], side=48, fine=1)
        y, x = np.argwhere(depth > 0).mean(0) + 0.5
        camera = Camera.around(azimuth, elevation, toys.DISTANCE, toys.FOV, 48)
        seen = camera.world_to_camera @ torch.tensor([*ball.at, 1.0])
        assert (
            np.hypot(
                x - (seen[0] / seen[2] * camera.focal + 24).item(), y - (seen[1] / seen[2] * camera.focal + 24).item()
            )
            < 1
        )
        assert depth[depth > 0].min() == pytest.approx(seen[:3].norm().item() - 0.15, abs=0.02)
        assert (picture[depth == 0] == 255).all()


def test_toys_follow_from_their_number_fit_into_the_picture_and_say_what_they_are() -> None:
    kinds = set()
    for number in range(40):
        parts, row = toys.compose(number)
        assert (parts, row) == toys.compose(number)
        kinds.add(row["kind"])
        assert row["colour"] in toys.caption(row, random.Random(0))[0]
        if number < 6:
            _, (depth,) = toys.shoot(parts, [(30, 15)], side=32, fine=1)
            assert (depth > 0).sum() > 40
            assert not depth[[0, -1]].any() and not depth[:, [0, -1]].any()
    assert len(toys.KINDS) >= 12 and len(kinds) >= 10
