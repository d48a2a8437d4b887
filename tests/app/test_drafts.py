"""Forms that the browser kept, variations of a setting, and lessons fit the settings of today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app import variations
from app.desk import as_draft
from app.desktop import Desktop, read_drafts
from app.history import History
from app.lessons import LESSONS
from app.tabs import TABS
from pipelines.core.registry import get_spec, in_tab
from pipelines.models.latent_diffusion.spec import LatentDiffusionSettings


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Desktop:
    return Desktop(History(tmp_path_factory.mktemp("home") / "history.sqlite"))


def draft(desktop: Desktop, tab: str, saved: Any) -> dict[str, Any]:
    context = desktop.tabs[tab]
    names = ["model", "again", "in_files", *context.form.controls]
    return {n: v for n, v in zip(names, desktop.draft(context, saved), strict=True) if not isinstance(v, dict)}


def test_a_form_comes_back_without_what_no_longer_fits(desktop: Desktop) -> None:
    saved = {"model": "inpainting", "again": False, "prompt": "a hat", "steps": 999, "loras": "gone:1", "old": 1}
    assert draft(desktop, "edit", saved) == {"model": "inpainting", "again": False, "prompt": "a hat"}
    assert draft(desktop, "edit", {"model": "gone", "steps": 7}) == {"model": "inpainting", "steps": 7}
    assert draft(desktop, "edit", None) == draft(desktop, "edit", [1]) == {}


@pytest.mark.parametrize("text", [None, "", "[]", "{", "7", '"x"', "null"])
def test_what_is_no_draft_is_none(text: Any) -> None:
    assert read_drafts(text) == {}


@pytest.mark.parametrize("field", [f for f in variations.FIELDS if f in LatentDiffusionSettings.model_fields])
def test_a_setting_is_varied_in_five_valid_values(
    field: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = LatentDiffusionSettings(prompt="x", seed=2**32 - 2, steps=20, guidance=4.0)
    if field == "loras":
        with pytest.raises(ValueError, match="choose a LoRA first"):
            variations.values_of(settings, field)
        return
    values = variations.values_of(settings, field)
    assert len(set(values)) == 5 and getattr(settings, field) in values
    for value in values:
        assert variations.label_of(field, LatentDiffusionSettings(**{field: value}).model_dump()[field])


def test_the_least_and_the_greatest_are_not_passed() -> None:
    assert variations.values_of(LatentDiffusionSettings(steps=1), "steps")[0] == 1
    assert variations.values_of(LatentDiffusionSettings(steps=200), "steps")[-1] == 200


def test_lessons_name_what_is_there(desktop: Desktop) -> None:
    assert len(LESSONS) == 8 and json.dumps(LESSONS)
    titles = {tab.name for tab in TABS}
    for lesson in LESSONS:
        assert lesson["tab"] in titles and lesson["steps"][-1]["say"].startswith("Now you")
        specs = in_tab(lesson["tab"])
        spec = specs[0]
        for step in lesson["steps"]:
            if "starter" in step:
                chosen = next(one for one in specs if step["starter"] in one.starters)
                chosen.settings(**chosen.starters[step["starter"]])
            spec.settings.model_validate({**step.get("fill", {}), **_needed(spec.name)})
            assert step.get("vary", "seed") in variations.FIELDS


def _needed(model: str) -> dict[str, Any]:
    """What a model cannot be asked without."""
    return next(iter(get_spec(model).starters.values())) if model == "controlnet" else {}


def test_a_quicker_model_draws_drafts_where_it_can_all_that_they_ask_for() -> None:
    settings = get_spec("latent-diffusion-256").settings
    model, quick = as_draft("latent-diffusion-256", settings(prompt="a dog", seed=5, steps=30, guidance=6, count=4))
    assert model == "few-step" and (quick.prompt, quick.seed, quick.steps, quick.count) == ("a dog", 5, 2, 1)
    branched = settings(prompt="a dog", first_prompt="a cat", branch_step=15, steps=30)
    assert as_draft("latent-diffusion-256", branched)[1].branch_step == 1
    model, slow = as_draft("latent-diffusion-256", settings(prompt="a dog", negative_prompt="red"))
    assert model == "latent-diffusion-256" and slow.steps == 6
