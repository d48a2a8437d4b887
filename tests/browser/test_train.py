"""The Train tab in a real Chromium: pictures and a word become a LoRA, and the Image tab wears it."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from pages import SCREENSHOTS, fits_a_phone, frames, turn
from PIL import Image
from playwright.sync_api import Browser, Page, expect


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    files = []
    for i in range(6):
        files.append(tmp_path / f"{i}.png")
        Image.fromarray(np.full((60, 90 + i, 3), (200, 40 * i, 30), np.uint8)).save(files[-1])
    return files


@pytest.fixture
def train(page: Page) -> Page:
    turn(page, "Train")
    page.wait_for_selector("#train-pile", state="attached")
    return page


def number(page: Page, name: str, value: float) -> None:
    box = page.locator(f"#train-{name} input[type=number]").first
    box.fill(str(value))
    box.press("Tab")


def test_teach_a_style_and_wear_it(train: Page, pictures: list[Path]) -> None:
    train.set_input_files("#train-drop input[type=file]", pictures)
    expect(train.locator("#train-pile img")).to_have_count(6)
    train.fill("#train-trigger textarea, #train-trigger input", "zorblax")
    number(train, "minutes", 0.34)
    train.click("#train-generate")
    train.wait_for_selector("#train-downloads a >> text=lora-mine.safetensors")
    expect(train.locator("#train-where")).to_contain_text("updates · loss")
    train.screenshot(path=SCREENSHOTS / "train.png")
    turn(train, "Image")
    train.fill("#image-prompt textarea", "zorblax")
    train.evaluate(
        "() => { const soon = requestAnimationFrame; window.requestAnimationFrame = (draw) => setTimeout(() => "
        "soon(draw), 500); }"
    )  # a busy page
    train.click("#image-more")
    row = train.locator("#image-loras .lora", has_text="mine")
    expect(row).to_contain_text("say “zorblax”")
    slider = row.locator("input")
    slider.fill("0.8")
    frames(train)
    expect(row.locator("output")).to_have_text("0.80")
    train.click("#image-generate")
    train.wait_for_selector("#image-downloads a")
    expect(train.locator("#toast")).to_be_hidden()
    made = base64.b64decode(train.get_attribute("#image-downloads a", "href").split(",")[1])
    assert '"loras": "mine:0.8"' in Image.open(io.BytesIO(made)).text["darkroom"]


def test_a_stop_keeps_what_was_learnt_and_it_can_be_saved(train: Page, pictures: list[Path]) -> None:
    train.set_input_files("#train-drop input[type=file]", pictures)
    train.fill("#train-trigger textarea, #train-trigger input", "zorblax")
    train.fill("#train-name textarea, #train-name input", "stopped")
    train.click("#train-generate")
    expect(train.locator("#train-where")).to_contain_text("updates · loss", timeout=30_000)
    train.click("#train-stop")
    expect(train.locator("#train-where")).to_contain_text("what was learnt is kept")
    turn(train, "Image")
    train.click("#image-more")
    with train.expect_download() as saved:
        train.locator("#image-loras .lora", has_text="stopped").get_by_role("button", name="Download").click()
    assert saved.value.suggested_filename == "lora-stopped.safetensors"


def test_too_few_and_no_pictures_are_one_sentence(train: Page, pictures: list[Path], tmp_path: Path) -> None:
    text = tmp_path / "notes.png"
    text.write_text("not a picture")
    train.set_input_files("#train-drop input[type=file]", [*pictures[:2], text])
    expect(train.locator("#toast")).to_contain_text("notes.png could not be opened as pictures")
    expect(train.locator("#train-pile img")).to_have_count(2)
    train.fill("#train-trigger textarea, #train-trigger input", "zorblax")
    train.click("#train-generate")
    expect(train.locator("#toast")).to_contain_text("2 pictures are too few: give 5 to 40 of one style.")
    train.locator("#train-pile button").first.click()
    expect(train.locator("#train-pile img")).to_have_count(1)
    expect(train.locator("#train-generate")).to_be_enabled()


def test_it_fits_a_phone(browser: Browser, served: str) -> None:
    fits_a_phone(browser, served, "Train", "#train-count-given")
