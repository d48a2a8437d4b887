"""Teaching a LoRA: it learns, it keeps the base, what is stopped is kept, and bad pictures are refused in a
sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pipelines import load
from pipelines.core import cards
from pipelines.models.lora import spec
from pipelines.models.lora.adapter import load_named
from pipelines.models.lora.pipeline import LoRATrainingPipeline

PICTURES = [np.full((40 + i, 50, 3), (200, 30, 10 * i), np.uint8) for i in range(5)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DARKROOM_HOME", str(tmp_path))
    return tmp_path / "loras"


def test_it_learns_saves_at_each_look_and_can_be_worn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spec, "SECONDS_PER_PREVIEW", 2.0)
    base = {k: v.clone() for k, v in load("latent-diffusion").transformer.state_dict().items()}
    frames = list(LoRATrainingPipeline().generate(pictures=PICTURES, trigger="zorblax", name="reds", minutes=0.1))
    assert [f.step for f in frames] == [1, 2, 3]
    assert frames[-1].trace["calls"] >= 3
    assert frames[-1].result.pixels.shape == (256, 256, 3)
    assert frames[-1].result.attachments == (cards.loras()["reds"],)
    *_, plain = load("latent-diffusion").generate(prompt="zorblax", steps=3)
    *_, taught = load("latent-diffusion").generate(prompt="zorblax", steps=3, loras="reds")
    assert load_named("reds", load("latent-diffusion").transformer).add_trigger("ZORBLAX!", torch.zeros(16, 64)).any()
    assert not np.array_equal(plain.result.pixels, taught.result.pixels)
    assert all(torch.equal(v, base[k]) for k, v in load("latent-diffusion").transformer.state_dict().items())


def test_scenes_learn_a_style_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spec, "SECONDS_PER_PREVIEW", 2.0)
    run = LoRATrainingPipeline().generate(
        pictures=PICTURES, trigger="zorblax", name="bright", minutes=0.03, world="scenes"
    )
    *_, last = run
    assert last.result.pixels.shape == (512, 512, 3)
    assert cards.lora_base(cards.loras()["bright"]) == "latent-diffusion-256"
    plain, worn = (
        list(load("latent-diffusion-256").generate(prompt="zorblax", steps=3, loras=loras))[-1].result.pixels
        for loras in ("", "bright")
    )
    assert not np.array_equal(plain, worn)
    with pytest.raises(ValidationError, match="The LoRA bright was taught on another world"):
        load("latent-diffusion").generate(prompt="zorblax", loras="bright")


def test_a_stop_keeps_what_was_learnt_and_a_second_one_of_that_name_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spec, "SECONDS_PER_PREVIEW", 0.5)
    for _ in range(2):
        frames = LoRATrainingPipeline().generate(pictures=PICTURES, trigger="zorblax", name="early", minutes=0.05)
        next(frames)
        frames.close()
    assert set(cards.loras()) == {"early", "early-2"}
    assert cards.trigger(cards.loras()["early"]) == "zorblax"


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"pictures": PICTURES[:3]}, "3 pictures are too few: give 5 to 40 of one style"),
        ({"pictures": PICTURES[:1] * 6}, "these are 6 copies of one picture: give different ones"),
        ({"pictures": [*PICTURES, __file__]}, "the picture is not a picture; choose a PNG, JPEG or WebP file"),
        ({"pictures": "not a list"}, "the pictures are not a list of pictures"),
        ({"trigger": " "}, "There is no trigger word yet"),
        ({"name": "../up"}, "name"),
        ({"rank": 400}, "less than or equal to 32"),
    ],
)
def test_bad_input_is_refused(bad: dict, sentence: str, folder: Path) -> None:
    with pytest.raises(ValidationError, match=sentence):
        next(LoRATrainingPipeline().generate(**{"pictures": PICTURES, "trigger": "zorblax", **bad}))
    assert not folder.exists()
