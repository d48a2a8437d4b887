"""Editing in the world of scenes, at 256 pixels, and what was made before there were worlds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from edits import blob, image, run
from pydantic import ValidationError

from pipelines import load
from pipelines.core.settings import format_error


@pytest.mark.parametrize("method", ["conditioned", "repaint", "naive", "next-scale"])
def test_in_the_world_of_scenes_too_nothing_changes_outside_the_mask(method: str) -> None:
    whole, mask = image(300, 280), blob(300, 280)
    frames = run("inpainting", world="scenes", image=whole, mask=mask, method=method)
    for frame in frames:
        assert np.array_equal(frame.preview[mask == 0], whole[mask == 0])
    assert not np.array_equal(frames[-1].result.pixels, whole)


def test_next_scale_prediction_is_of_scenes_and_beside_the_others_when_they_are_compared() -> None:
    whole, mask = image(256, 256), blob(256, 256)
    with pytest.raises(ValidationError) as caught:
        load("inpainting").generate(image=whole, mask=mask, method="next-scale")
    assert "knows the world of scenes" in format_error(caught.value)
    frames = run("inpainting", world="scenes", image=whole, mask=mask, compare=True, steps=2)
    assert [made.settings["method"] for made in frames[-1].result] == [
        "conditioned",
        "repaint",
        "naive",
        "next-scale",
    ]
    assert [f.step for f in frames] == list(range(1, frames[-1].steps + 1))


def test_a_canvas_of_scenes_grows_from_256_pixels_to_1024() -> None:
    whole = image(250, 256)
    frames = run("outpainting", world="scenes", image=whole, right=40, top=24, steps=2)
    for frame in frames:
        assert frame.preview.shape == (274, 296, 3) and np.array_equal(frame.preview[24:, :256], whole)
    wide = load("outpainting").Settings(world="scenes", image=whole, right=384, left=384, top=24)
    assert wide.picture_size() == (256, 250)
    with pytest.raises(ValidationError, match="it needs 256 a side"):
        load("outpainting").generate(world="scenes", image=image(100, 300), right=8)


def test_variations_and_other_words_are_256_pixels_in_the_world_of_scenes() -> None:
    for name in ("variation", "edit-by-words"):
        frames = run(name, world="scenes", image=image(200, 300))
        assert frames[-1].result.pixels.shape == (256, 256, 3)
    strip = run("variation", world="scenes", image=image(), ladder=True)[-1]
    assert strip.preview.shape == (256, 9 * 256, 3)


def test_what_was_made_before_there_were_worlds_is_of_people() -> None:
    assert load("variation").Settings(image=image()).world == "people"
    made = {
        world: run("variation", image=image(), world=world)[-1].result.made_with for world in ("people", "scenes")
    }
    assert made["people"]["weights"] != made["scenes"]["weights"]


def test_loras_of_people_are_refused_in_the_world_of_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.core.cards.loras", lambda: {"flat": Path("flat"), "neon": Path("neon")})
    monkeypatch.setattr(
        "pipelines.core.cards.read_metadata",
        lambda path: {"base": "latent-diffusion-256"} if path.name == "neon" else {},
    )
    settings = load("variation").Settings
    assert settings(world="scenes", image=image(), loras="neon").loras == settings(
        image=image(), loras="flat"
    ).loras.replace("flat", "neon")
    for world, name in (("scenes", "flat"), ("people", "neon")):
        with pytest.raises(ValidationError) as caught:
            settings(world=world, image=image(), loras=name)
        assert format_error(caught.value) == (
            f"The LoRA {name} was taught on another world than this: choose that world, or take it off."
        )
