"""The Arena in a real Chromium: a blind pair, a vote by key, and the ranking moves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import SCREENSHOTS, fits_a_phone, turn
from playwright.sync_api import Browser, Page, expect


@pytest.fixture
def arena(page: Page) -> Page:
    turn(page, "Arena")
    expect(page.locator(".ranking tbody tr").first).to_be_visible()
    return page


def test_one_votes_by_keyboard_and_sees_the_ranking_move(arena: Page) -> None:
    names = [row.inner_text() for row in arena.locator(".ranking th[scope=row]").all()]
    assert len(names) >= 6
    expect(arena.locator(".two img").first).to_be_visible(timeout=30_000)  # the first pair comes unasked
    first = arena.locator(".two img").first.get_attribute("src")
    arena.keyboard.press("n")
    expect(arena.locator(".two img").first).not_to_have_attribute("src", first, timeout=30_000)
    expect(arena.locator(".two img").first).to_be_visible(timeout=30_000)
    expect(arena.locator(".match .asked")).to_have_text(re.compile("^“.+”$"))
    expect(arena.locator(".two figcaption").first).to_have_text("")  # blind
    arena.keyboard.press("ArrowRight")
    expect(arena.locator(".two figcaption").first).not_to_have_text("")
    left, right = (caption.inner_text() for caption in arena.locator(".two figcaption").all())
    ranked = [row.inner_text() for row in arena.locator(".ranking th[scope=row]").all()]
    assert ranked.index(right) < ranked.index(left)
    votes = arena.locator(".ranking tr", has=arena.get_by_text(right, exact=True)).locator("td").last
    expect(votes).to_have_text(re.compile("[1-9]"))
    arena.keyboard.press("ArrowRight")  # a second vote on the same pair is none
    expect(arena.locator(".verdicts button").first).to_be_disabled()


def test_own_words_are_drawn_and_votes_are_saved_and_added(arena: Page, tmp_path: Path) -> None:
    arena.fill(".ask input", "a purple cat")
    arena.keyboard.press("Enter")
    expect(arena.locator(".match .asked")).to_have_text("“a purple cat”", timeout=30_000)
    arena.get_by_role("button", name="Both are bad").click()
    expect(arena.locator(".two figcaption").first).not_to_have_text("")
    with arena.expect_download() as download:
        arena.get_by_role("button", name="Save the votes").click()
    saved = tmp_path / "votes.jsonl"
    download.value.save_as(saved)
    assert "a purple cat" in saved.read_text()
    arena.set_input_files(".ranking input[type=file]", saved)
    expect(arena.locator("#toast")).to_contain_text("0 votes are new")


def test_it_fits_a_phone(browser: Browser, served: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    fits_a_phone(browser, served, "Arena", ".ask")
