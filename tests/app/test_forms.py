"""Controls made from Settings, and what is refused from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from pydantic import ValidationError

from app.forms import Form
from pipelines.core.registry import CATALOGUE
from pipelines.core.settings import format_error
from pipelines.models.editing.spec import VariationSettings
from pipelines.models.latent_diffusion.spec import LatentDiffusionSettings

form = Form.build({"latent-diffusion": LatentDiffusionSettings}, "test")


def values(**changed: object) -> tuple:
    return tuple(
        changed.get(name, field.default)
        for name, field in ((n, LatentDiffusionSettings.model_fields[n]) for n in form.controls)
    )


def test_defaults_come_back() -> None:
    assert form.settings("latent-diffusion", values()) == LatentDiffusionSettings()
    assert form.values(LatentDiffusionSettings(steps=7))[list(form.controls).index("steps")] == 7


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("steps", 100_000, "Steps is 100000, but should be less than or equal to 200."),
        ("steps", None, "Steps is blank: give a number."),
        ("guidance", None, "Guidance is blank: give a number."),
        ("steps", 7.5, "Steps is 7.5, but should be a valid integer, got a number with a fractional part."),
        ("guidance", 99, "Guidance is 99, but should be less than or equal to 15."),
        ("count", 0, "Count is 0, but should be greater than or equal to 1."),
    ],
)
def test_a_slider_lets_settings_refuse(name: str, value: object, said: str) -> None:
    assert (
        form.controls[name].preprocess(value) == value
    )  # Gradio's own refusal would be an exception without a sentence
    with pytest.raises(ValidationError) as caught:
        form.settings("latent-diffusion", values(**{name: value}))
    assert format_error(caught.value) == said


def test_a_path_of_the_server_is_no_picture(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "private.png")
    edits = Form.build({"variation": VariationSettings}, "edits")
    with pytest.raises(ValidationError, match="the picture must be a data URL"):
        edits.settings(
            "variation",
            tuple(VariationSettings.model_fields[n].default for n in edits.controls),
            {"image": str(tmp_path / "private.png")},
        )


def test_an_empty_seed_is_the_default() -> None:
    assert form.settings("latent-diffusion", values(seed=None)).seed == 0


def test_two_fields_that_contradict_each_other_are_one_sentence() -> None:
    with pytest.raises(ValidationError) as caught:
        form.settings("latent-diffusion", values(guidance_start=0.9, guidance_end=0.1))
    assert format_error(caught.value) == "Guidance starts at 0.9 but ends at 0.1: let it start first."


def test_a_shared_control_follows_the_chosen_model_and_keeps_what_was_set() -> None:
    models = {name: CATALOGUE[name].settings for name in ("ddpm", "rectified-flow", "noise-space")}
    form = Form.build(models, "x")
    names = list(form.controls)

    def follow(model: str, **values: object) -> dict[str, dict]:
        given = [values.get(name, form.controls[name].value) for name in names]
        return dict(zip(names, form.follow(model, *given), strict=True))

    steps = follow("rectified-flow", steps=50)["steps"]  # DDPM's own
    assert (steps["value"], steps["maximum"]) == (12, 100)
    assert "value" not in follow("rectified-flow", steps=33)["steps"]  # what a person set
    assert follow("rectified-flow", prompt=CATALOGUE["noise-space"].settings().prompt)["prompt"]["value"] == ""
    assert follow("noise-space", guidance=1.0)["guidance"]["value"] == 3.0
