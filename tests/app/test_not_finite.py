"""Numbers that are infinite or NaN: null in the page's JSON, a sentence instead of a black picture."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import pipelines
from app import live, viewer
from app.desktop import Desktop
from app.history import History
from pipelines.core.contract import GenerationError
from pipelines.diffusion import progress, samplers
from pipelines.models.latent_diffusion.spec import LatentDiffusionSettings
from pipelines.models.lora import adapter
from pipelines.models.lora.adapter import LoRA


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of one's own LoRAs."""
    monkeypatch.setenv("DARKROOM_HOME", str(tmp_path))
    (tmp_path / "loras").mkdir()
    return tmp_path / "loras"


def test_numbers_that_json_has_no_word_for_become_null() -> None:
    message = json.loads(
        Desktop.tell({"frame": {"moved": math.nan, "list": [1.0, (math.inf,)], "note": "nan", "step": 3}}, "image"),
        parse_constant=lambda word: pytest.fail(f"{word} is no JSON"),
    )
    assert message["frame"] == {"moved": None, "list": [1.0, [None]], "note": "nan", "step": 3}
    trace = {"sampler": "euler", "coefficients": (math.nan, 1.0, 0.0), "t": 1.0, "next": 0.5, "weight": 1.0}
    assert "nan" not in viewer.equation(trace)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_steps_that_are_not_finite_end_the_run(value: float) -> None:
    good, bad = torch.zeros(1, 2), torch.tensor([[0.0, value]])
    for x, x0 in ((bad, good), (good, bad)):
        steps = progress.follow(iter([(good, good, 0.5), (x, x0, 0.0)]), [1.0, 0.5], samplers.SCHEDULES["straight"])
        assert next(steps).moved == 0
        with pytest.raises(GenerationError, match="lower the guidance or the strength of the LoRAs"):
            next(steps)


def run(history: History, loras: str = "") -> list[dict]:
    settings = LatentDiffusionSettings(prompt="a cat", steps=2, loras=loras)
    return list(live.run("latent-diffusion", settings, "me", history))


def test_a_picture_that_is_not_finite_is_a_sentence_and_not_in_the_history(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history, pipe = History(tmp_path / "h.sqlite"), pipelines.load("latent-diffusion")
    lora = LoRA(pipe.transformer, 2).requires_grad_(False)
    for up in lora.up:
        torch.nn.init.constant_(up, 6e4)
    lora.alpha = 1e36  # each number of it is finite
    monkeypatch.setattr(adapter, "load_named", lambda *_: lora)
    (home / "lora-huge.safetensors").write_bytes(b"")
    end = run(history, "huge")[-1]
    assert "lower the guidance or the strength of the LoRAs" in end["error"]
    monkeypatch.undo()
    monkeypatch.setattr(pipe.autoencoder, "decode", lambda z: torch.full((len(z), 3, 128, 128), math.nan))
    assert "lower the guidance or the strength of the LoRAs" in run(history)[-1]["error"]
    assert not history.recent("me")


def test_a_damaged_lora_is_one_sentence_on_the_page(home: Path, tmp_path: Path) -> None:
    tensors = {f"base_model.model.blocks.0.out.lora_{side}.weight": torch.full((64, 64), math.nan) for side in "AB"}
    save_file(tensors, home / "lora-a.safetensors")
    end = run(History(tmp_path / "h.sqlite"), "a")[-1]
    assert end["error"].startswith("lora-a.safetensors is damaged")
