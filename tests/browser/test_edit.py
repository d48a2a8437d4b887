"""The Edit tab in a real Chromium: paint, refill, undo, and pictures that travel between the tabs."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import numpy as np
import pytest
from pages import SCREENSHOTS, fits_a_phone, input_of, turn
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from app.tabs.layout import EXAMPLES


@pytest.fixture
def edit(page: Page) -> Page:
    turn(page, "Edit")
    page.wait_for_selector("#edit-mask")
    expect(page.locator("#edit-base")).to_have_js_property("width", 256)  # the example lies on the canvas
    return page


def paint(page: Page, left: float = 0.3, right: float = 0.7, height: float = 0.42) -> None:
    box = page.locator("#edit-mask").bounding_box()
    y = box["y"] + height * box["height"]
    page.mouse.move(box["x"] + left * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + right * box["width"], y, steps=6)
    page.mouse.up()


def pixels(url: str) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB"))


def mask(page: Page) -> np.ndarray:
    return pixels(input_of(page, "edit", "mask"))[..., 0]


def soon(holds: Callable[[], bool], page: Page) -> None:
    """Wait until it holds, for five seconds at most."""
    for _ in range(50):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError


def generate(page: Page, prompt: str = "sunglasses", steps: int = 4) -> np.ndarray:
    page.fill("#edit-prompt textarea", prompt)
    box = page.locator("#edit-steps input[type=number]").first
    box.fill(str(steps))
    box.press("Tab")
    page.click("#edit-generate")
    page.wait_for_selector("#edit-downloads a")
    expect(page.locator("#edit-generate")).to_be_enabled()
    return pixels(page.get_attribute("#edit-downloads a", "href"))


def test_what_is_painted_is_drawn_anew_and_nothing_else(edit: Page) -> None:
    paint(edit)
    painted = mask(edit)
    assert 0.02 < (painted > 0).mean() < 0.3
    edit.screenshot(path=SCREENSHOTS / "edit-canvas.png")
    made, whole = generate(edit), np.array(Image.open(EXAMPLES / "scene.png").convert("RGB"))
    assert np.array_equal(made[painted == 0], whole[painted == 0])
    assert not np.array_equal(made, whole)
    edit.screenshot(path=SCREENSHOTS / "edit.png")
    turn(edit, "Image")
    turn(edit, "Edit")
    edit.click("text=Canvas")
    assert np.array_equal(mask(edit), painted)  # it survives a run and another tab


def test_brush_eraser_undo_and_opencv(edit: Page) -> None:
    paint(edit)
    first = mask(edit)
    edit.click("#edit-tools >> text=Eraser")
    paint(edit, 0.45, 0.55)
    erased = mask(edit)
    assert 0 < (erased > 0).sum() < (first > 0).sum()
    edit.click("#edit-tools >> text=Undo")
    assert np.array_equal(mask(edit), first)
    edit.click("#edit-tools summary")
    for name, holds in (("Grow", np.greater), ("Undo", np.equal), ("Shrink", np.less), ("Undo", np.equal)):
        edit.click(f"#edit-tools >> text={name}")
        soon(lambda holds=holds: bool(holds((mask(edit) > 0).sum(), (first > 0).sum())), edit)
    edit.click("#edit-tools >> text=Invert")
    soon(lambda: np.array_equal(mask(edit), 255 - first), edit)
    edit.click("#edit-tools >> text=Clear")
    assert not mask(edit).any()


def test_nothing_painted_is_one_sentence(edit: Page) -> None:
    edit.click("#edit-generate")
    expect(edit.locator("#toast")).to_contain_text("Nothing is painted: paint over what should change.")
    expect(edit.locator("#edit-generate")).to_be_enabled()


def test_a_picture_goes_from_image_to_edit_and_onto_the_canvas_again(edit: Page) -> None:
    turn(edit, "Image")
    edit.fill("#image-prompt textarea", "a cat to be edited")
    edit.click("#image-generate")
    edit.wait_for_selector("#image-downloads a")
    made = pixels(edit.get_attribute("#image-downloads a", "href"))
    edit.click("#image-send [data-to=edit]")
    expect(edit.locator("#edit-mask")).to_be_visible()
    edit.wait_for_timeout(300)
    assert np.array_equal(pixels(edit.evaluate("document.getElementById('edit-base').toDataURL()")), made)
    paint(edit)
    generate(edit)
    expect(edit.locator("#history .shot")).to_have_count(2)
    edit.locator("#history .shot").last.click()  # the cat of the history, which another tab made
    edit.wait_for_timeout(600)
    assert np.array_equal(pixels(edit.evaluate("document.getElementById('edit-base').toDataURL()")), made)
    edit.locator("#history .shot").first.click()  # and the edit itself, with its settings
    expect(edit.locator("#edit-prompt textarea")).to_have_value("sunglasses")
    expect(edit.locator("#edit-now")).to_be_visible()  # the result, not the canvas that it was made on


def test_each_mode_shows_its_own_controls_and_keeps_the_prompt(edit: Page) -> None:
    edit.fill("#edit-prompt textarea", "keep me")
    edit.get_by_label("Outpaint").check()
    expect(edit.locator("#edit-right")).to_be_visible()
    expect(edit.locator("#edit-method")).to_be_hidden()
    made = generate(edit, "keep me")
    assert made.shape == (256, 320, 3)
    edit.get_by_role("radio", name="Vary").check()
    expect(edit.locator("#edit-strength")).to_be_visible()
    edit.get_by_label("Change by words").check()
    expect(edit.locator("#edit-source_prompt textarea")).to_be_visible()
    assert edit.input_value("#edit-prompt textarea") == "keep me"
    assert generate(edit, "a red hat").shape == (256, 256, 3)


def test_it_fits_a_phone(browser: Browser, served: str) -> None:
    fits_a_phone(browser, served, "Edit", "#edit-mask")
