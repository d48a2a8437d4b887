"""The history in a real Chromium: what was made is found, opened, compared, starred, deleted and brought back."""

from __future__ import annotations

import pytest
from image_tab import PROMPT, field, generate, slow
from pages import opened
from playwright.sync_api import Browser, Page, expect


def test_history_survives_a_reload_and_brings_settings_back(page: Page) -> None:
    generate(page, "an owl in the history", steps=7)
    expect(page.locator("#history .shot")).to_have_count(1)
    page.reload()
    page.wait_for_selector("#history .shot")
    page.fill(PROMPT, "")
    page.click("#history .shot")
    expect(page.locator(PROMPT)).to_have_value("an owl in the history")
    expect(page.locator("#image-steps input[type=number]")).to_have_value("7")
    expect(page.locator("#image-now")).to_be_visible()
    expect(page.locator("#image-again input")).not_to_be_checked()


def test_another_browser_has_another_history(browser: Browser, served: str) -> None:
    page = opened(browser, served)
    expect(page.locator("#history .shot")).to_have_count(0)
    page.context.close()


def test_an_older_picture_does_not_break_into_a_run(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(page, "an owl", steps=7)
    expect(page.locator("#history .shot")).to_have_count(1)
    page.click("#history .shot")
    expect(page.locator("#image-where")).to_contain_text("from the history")
    expect(page.locator("#image-words")).to_be_hidden()  # the inspector shows no other picture's numbers
    expect(page.locator("#image-equation")).to_be_hidden()
    slow(monkeypatch)
    field(page, "steps", 60)
    page.click("#image-generate")
    page.wait_for_selector("#image-film img, #image-words button")
    page.click("#history .shot")
    expect(page.locator("#toast")).to_contain_text("Stop the run first")
    page.wait_for_selector("#image-downloads a")
    expect(page.locator("#image-where")).to_contain_text("step 60 of 60")


def test_the_history_is_searched_starred_deleted_and_brought_back(page: Page) -> None:
    for words in ("a red fox", "a blue whale", "a red house"):
        generate(page, words, steps=2)
    shots = page.locator("#history .shot")
    expect(shots).to_have_count(3)
    page.fill("#history [type=search]", "red")
    expect(shots).to_have_count(2)
    shots.nth(1).focus()  # the fox
    page.keyboard.press("s")
    page.fill("#history [type=search]", "")
    page.click("#history [data-do=starred]")
    expect(shots).to_have_count(1)
    assert shots.first.get_attribute("title") == "a red fox"
    page.click("#history [data-do=starred]")
    expect(shots).to_have_count(3)
    shots.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Delete")
    expect(shots).to_have_count(2)
    page.reload()
    expect(shots).to_have_count(2)
    page.locator("#history .shot[title='a red fox']").hover()
    page.locator("#history .entry", has=page.locator("[title='a red fox']")).locator(".dots").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(shots).to_have_count(1)
    page.click("#toast button")
    expect(shots).to_have_count(2)


def test_the_history_is_scrolled_to_its_end(page: Page, served: str) -> None:
    generate(page, "the first of many", steps=1)
    field(page, "count", 8)
    shots = page.locator("#history .shot")
    for k in range(8):
        generate(page, "many", steps=1)
        expect(shots).to_have_count(min(60, 9 + 8 * k))
    page.evaluate("document.querySelector('#history .entries').scrollLeft = 1e6")
    expect(shots).to_have_count(65)
    assert shots.last.get_attribute("title") == "the first of many"


def test_two_of_the_history_are_compared_by_keyboard(page: Page) -> None:
    generate(page, "a red fox", steps=2)
    generate(page, "a red house", steps=3)
    shots = page.locator("#history .shot")
    expect(shots).to_have_count(2)
    shots.first.focus()
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    rows = page.locator("dialog.compare tr")
    expect(rows.filter(has_text="prompt")).to_have_text("prompta red housea red fox")
    expect(rows.filter(has_text="steps")).to_have_text("steps32")
    pair = page.locator(".compare .both")
    before = pair.evaluate("pair => getComputedStyle(pair.lastElementChild).clipPath")
    page.keyboard.press("ArrowRight")
    assert pair.evaluate("pair => getComputedStyle(pair.lastElementChild).clipPath") != before
    page.keyboard.press("Escape")
    expect(page.locator("dialog.compare")).to_have_count(0)
