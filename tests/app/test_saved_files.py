"""What people saved with an older version opens for ever.

The files were made by the program of 2026-11-24 (commit 05d2194).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from app import metadata
from pipelines.core import cards
from pipelines.core.registry import CATALOGUE
from pipelines.models.gaussian_splatting.files import load_gaussians

FOLDER = Path(__file__).parents[1] / "fixtures" / "saved-2026-11-24"
SAVED = json.loads((FOLDER / "settings.json").read_text())


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The LoRAs that the program brings along: a saved picture wears one."""
    monkeypatch.setattr(cards, "BUNDLED", Path(__file__).parents[2] / "assets" / "weights")


@pytest.mark.parametrize("name", [name for name in SAVED if name != "link"])
def test_a_file_brings_its_settings_back(name: str) -> None:
    model, settings = metadata.from_file(FOLDER / name)
    assert model == SAVED[name]["model"]
    # whatever a field is called today, each value that was saved is there
    kept = [json.dumps(value) for value in settings.model_dump(mode="json").values()]
    for field, value in SAVED[name]["settings"].items():
        assert json.dumps(value) in kept, field


@pytest.mark.parametrize("name", [name for name in SAVED if name != "link"])
def test_a_file_that_does_not_say_what_it_was_made_with_is_not_doubted(name: str) -> None:
    assert metadata.describe_differences(FOLDER / name, SAVED[name]["model"]) == ""


def test_a_link_brings_its_settings_back() -> None:
    model, settings = metadata.from_link(SAVED["link"]["text"])
    assert model == "latent-diffusion"
    assert settings == CATALOGUE[model].settings.model_validate(SAVED["link"]["settings"])
    assert (settings.steps, settings.sampler, settings.eta, settings.loras) == (4, "ddim", 0.5, "flat:0.8")


@pytest.mark.parametrize("name", ["toy.ply", "toy.glb", "toy.png"])
def test_a_thing_can_be_turned_again(name: str) -> None:
    if name.endswith("png"):
        from pipelines.models.gaussian_splatting.files import GaussianResult

        thing = GaussianResult.from_png((FOLDER / name).read_bytes(), "text-to-3d", {}).splats
    else:
        thing = load_gaussians(FOLDER / name)
    assert len(thing) > 10


def test_a_lora_says_the_word_that_calls_it() -> None:
    assert cards.trigger(FOLDER / "lora-fixture.safetensors") == "zorblax"


def test_scripts_may_go_on_using_the_names_that_fields_had() -> None:
    for spec in CATALOGUE.values():
        for old, new in spec.settings.old_names().items():
            assert new in spec.settings.model_fields and old not in spec.settings.model_fields
    settings = CATALOGUE["latent-diffusion"].settings
    assert settings(path="cosine") == settings(schedule="cosine")
    with pytest.raises(ValidationError):
        settings(path="cosine", schedule="straight")
