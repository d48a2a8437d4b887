"""The Lab in a real Chromium: experiments are run, their sliders moved, and the verdict follows."""

from __future__ import annotations

import pytest
from pages import SCREENSHOTS, fits_a_phone, turn
from playwright.sync_api import Browser, Page, expect


@pytest.fixture
def lab(page: Page) -> Page:
    turn(page, "Lab")
    expect(page.locator(".claims .list button")).not_to_have_count(0, timeout=30_000)
    return page


def test_three_experiments_are_run_and_their_sliders_moved(lab: Page) -> None:
    verdict = lab.locator(".claims .verdict h4")
    for title, holds in (("Beginning at zero", True), ("A schedule cut short", False), ("Elo's order", True)):
        lab.get_by_role("button", name=title).click()
        expect(verdict).to_have_text("It holds, here" if holds else "It does not hold, here", timeout=60_000)
        expect(lab.locator(".claims svg polyline").first).to_be_visible()
    text = lab.locator(".claims .verdict p").inner_text()
    slider = lab.locator(".claims input[name=votes]")
    slider.focus()
    slider.press("ArrowLeft")
    expect(lab.locator(".claims .verdict p")).not_to_have_text(text, timeout=60_000)
    expect(lab.locator(".claims label", has=lab.locator("input[name=votes]")).locator("output")).to_have_text("150")


def test_a_claim_that_fails_looks_like_one_and_the_last_choice_wins(lab: Page) -> None:
    lab.get_by_role("button", name="The rank that LoRA needs").click()
    lab.get_by_role("button", name="All of a scale at once").click()
    expect(lab.locator(".claims h3")).to_have_text("All of a scale at once")
    expect(lab.locator(".claims .verdict p")).to_contain_text("passes", timeout=60_000)
    lab.wait_for_timeout(4000)  # what the other one finds is dropped
    expect(lab.locator(".claims .verdict p")).to_contain_text("passes")


def test_it_fits_a_phone(browser: Browser, served: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    fits_a_phone(browser, served, "Lab", ".claims .list button")
