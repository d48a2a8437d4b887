"""The Evaluate tab in a real Chromium: report cards are sorted, a model is evaluated and stopped, a zip is scored."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pages import SCREENSHOTS, fits_a_phone, turn
from PIL import Image
from playwright.sync_api import Browser, Page, expect

ROWS, HEADS = ".reports tbody tr", ".reports thead button"


@pytest.fixture
def reports(page: Page) -> Page:
    turn(page, "Evaluate")
    expect(page.locator(ROWS).first).to_be_visible(timeout=30_000)
    return page


def zipped(path: Path, n: int) -> Path:
    """So many noisy pictures and a text."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(n):
            buffer = io.BytesIO()
            Image.fromarray(rng.integers(0, 255, (32, 48, 3), dtype=np.uint8)).save(buffer, "PNG")
            archive.writestr(f"{k}.png", buffer.getvalue())
        archive.writestr("read me.txt", "pictures")
    return path


def test_cards_are_sorted_by_any_figure_and_explained(reports: Page) -> None:
    reports.get_by_role("button", name="faces", exact=True).click()
    first = reports.locator(f"{ROWS} th").first.inner_text()
    reports.locator(HEADS, has_text=re.compile("^ms$")).click()
    expect(reports.locator(f"{HEADS}[aria-pressed=true]")).to_have_text("ms")
    assert reports.locator(f"{ROWS} th").first.inner_text() != first, "the nearest is not the fastest"
    expect(reports.locator(".reports svg circle")).to_have_count(reports.locator(f"{ROWS}:not(.floor)").count())
    reports.locator(f"{ROWS} th button").first.click()
    expect(reports.locator(".reports .notes p")).to_contain_text("biased upwards")


def test_a_model_is_evaluated_in_front_of_one_and_can_be_stopped(reports: Page) -> None:
    reports.select_option("[name=model]", label="VAE · β 5")
    reports.fill("[name=n]", "4")
    reports.get_by_role("button", name="Evaluate", exact=True).last.click()
    expect(reports.locator(f"{ROWS} th", has_text="VAE · β 5 (here)")).to_be_visible(timeout=60_000)
    reports.select_option("[name=model]", label="DDPM")
    reports.get_by_role("button", name="Evaluate", exact=True).last.click()
    expect(reports.locator(".under img")).to_be_visible(timeout=60_000)
    reports.get_by_role("button", name="Stop", exact=True).last.click()
    expect(reports.locator("#toast")).to_contain_text("What was drawn is kept")
    expect(reports.locator(".under")).to_be_hidden()


def test_a_zip_is_scored_and_one_picture_is_a_sentence(reports: Page, tmp_path: Path) -> None:
    reports.set_input_files("[name=mine]", zipped(tmp_path / "mine.zip", 9))
    reports.select_option("[name=against]", "faces")
    reports.get_by_role("button", name="Measure").click()
    expect(reports.locator(".reports .notes p")).to_contain_text("1 of 10 files were left out", timeout=60_000)
    expect(reports.locator(f"{ROWS} th", has_text="mine.zip")).to_be_visible()
    reports.set_input_files("[name=mine]", zipped(tmp_path / "one.zip", 1))
    reports.get_by_role("button", name="Measure").click()
    expect(reports.locator("#toast")).to_contain_text("only 1 of 2 files can be read", timeout=60_000)


def test_it_fits_a_phone(browser: Browser, served: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    fits_a_phone(browser, served, "Evaluate", ROWS)
