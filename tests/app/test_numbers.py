"""A number's box that was emptied, or holds what is out of range: one sentence, and nothing runs."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from app import live


@pytest.mark.parametrize("by_keys", [False, True])
@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("steps", "", "Steps is blank: give a number."),
        ("steps", "999", "Steps is 999, but should be less than or equal to 200."),
        ("steps", "-5", "Steps is -5, but should be greater than or equal to 1."),
        ("guidance", "", "Guidance is blank: give a number."),
        ("guidance", "15.5", "Guidance is 15.5, but should be less than or equal to 15."),
    ],
)
def test_it_stays_as_it_was_typed_and_is_refused(
    page: Page, monkeypatch: pytest.MonkeyPatch, name: str, typed: str, sentence: str, by_keys: bool
) -> None:
    runs: list[int] = []
    frames = live.frames
    monkeypatch.setattr(
        live, "frames", lambda model, settings: runs.append(settings["steps"]) or frames(model, settings)
    )
    page.locator("#image-steps input[type=number]").fill("2")
    box = page.locator(f"#image-{name} input[type=number]")
    box.fill(typed)
    if by_keys:
        page.keyboard.press("Control+Enter")
    else:
        page.click("#image-generate")
    expect(page.locator("#toast")).to_have_text(sentence)
    expect(page.locator("#image-generate")).to_be_enabled()
    expect(box).to_have_value(typed)
    assert runs == []
    box.fill("3")
    page.click("#image-generate")
    page.wait_for_selector("#image-downloads a")
    expect(page.locator(f"#image-{name} input[type=range]")).to_have_value("3")
    assert runs == [3 if name == "steps" else 2]
