"""The Sketch tab in a real Chromium: draw, see pix2pix follow, steer the model by lines and colours."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import numpy as np
import pytest
from pages import SCREENSHOTS, fits_a_phone, input_of, turn
from PIL import Image
from playwright.sync_api import Browser, Page, expect


@pytest.fixture
def sketch(page: Page) -> Page:
    turn(page, "Sketch")
    page.wait_for_selector("#sketch-lines")
    return page


def draw(page: Page, *points: tuple[float, float]) -> None:
    box = page.locator("#sketch-lines").bounding_box()
    for i, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
        if i == 0:
            page.mouse.down()
    page.mouse.up()


def layer(page: Page, name: str) -> np.ndarray:
    url = input_of(page, "sketch", name)
    return (
        np.array(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB")) if url else np.zeros(0)
    )


def soon(holds: Callable[[], bool], page: Page) -> None:
    for _ in range(100):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError


SQUARE = [(0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7), (0.3, 0.3)]


def test_pix2pix_follows_every_stroke_and_generate_keeps_it(sketch: Page) -> None:
    sketch.get_by_label("pix2pix").check()
    draw(sketch, *SQUARE)
    sketch.wait_for_selector("#sketch-now:not([hidden])")
    first = sketch.get_attribute("#sketch-now", "src")
    draw(sketch, (0.2, 0.9), (0.8, 0.9))
    soon(lambda: sketch.get_attribute("#sketch-now", "src") != first, sketch)
    expect(sketch.locator("#sketch-where")).to_contain_text("one pass")
    sketch.click("#sketch-generate")
    sketch.wait_for_selector("#sketch-downloads a")
    expect(sketch.locator("#history .shot")).to_have_count(1)
    sketch.screenshot(path=SCREENSHOTS / "sketch-pix2pix.png")


def test_pen_colour_eraser_undo_and_an_empty_sheet(sketch: Page) -> None:
    assert layer(sketch, "control").size == 0
    draw(sketch, *SQUARE)
    lines = layer(sketch, "control")
    assert 0.01 < (lines < 128).mean() < 0.2
    sketch.click("#sketch-tools >> text=Colour")
    draw(sketch, (0.4, 0.5), (0.6, 0.5))
    assert layer(sketch, "control2").size and np.array_equal(layer(sketch, "control"), lines)
    sketch.click("#sketch-tools >> text=Eraser")
    draw(sketch, (0.3, 0.5), (0.7, 0.5))
    assert not np.array_equal(layer(sketch, "control"), lines)
    sketch.click("#sketch-tools >> text=Undo")
    assert np.array_equal(layer(sketch, "control"), lines)
    sketch.click("#sketch-tools >> text=Clear")
    assert layer(sketch, "control").size == layer(sketch, "control2").size == 0
    sketch.get_by_label("pix2pix").check()
    sketch.click("#sketch-generate")
    expect(sketch.locator("#toast")).to_contain_text("There is no drawing yet; give one.")


def test_a_picture_is_traced_onto_the_sheet(sketch: Page) -> None:
    turn(sketch, "Edit")
    sketch.wait_for_selector("#edit-mask")
    sketch.click("#edit-seg >> text=Canvas")
    sketch.evaluate("document.getElementById('edit-now').src = document.getElementById('edit-base').toDataURL()")
    sketch.evaluate("document.getElementById('edit-send').hidden = false")
    sketch.click("#edit-send [data-to=sketch]")
    soon(lambda: layer(sketch, "control").size > 0 and layer(sketch, "control2").size > 0, sketch)
    assert 0.01 < (layer(sketch, "control") < 128).mean() < 0.3


def choose(page: Page, field: str, value: str) -> None:
    page.click(f"#sketch-{field} input")
    page.get_by_role("option", name=value, exact=True).click()


def test_the_inspector_shows_what_is_followed(sketch: Page) -> None:
    draw(sketch, *SQUARE)
    sketch.click("#sketch-generate")
    sketch.wait_for_selector("#sketch-downloads a")
    card = sketch.locator(".controls-seen figure")
    expect(card).to_have_count(1)
    expect(card).to_have_text("scribble")
    assert card.locator("img").evaluate("image => image.naturalWidth") == 128


def test_the_depth_of_a_picture_is_read_onto_the_sheet(sketch: Page) -> None:
    choose(sketch, "kind", "Depth")
    ramp = np.linspace(0, 255, 96).astype(np.uint8)
    picture = np.stack(
        [np.repeat(ramp[:, None], 96, 1), np.full((96, 96), 90, np.uint8), np.repeat(ramp[None], 96, 0)], -1
    )
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    sketch.set_input_files(
        "#sketch-drop input[type=file]", {"name": "a.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    soon(lambda: layer(sketch, "control").size > 0, sketch)
    grey = layer(sketch, "control").mean(2)
    assert ((grey > 40) & (grey < 215)).mean() > 0.2  # shades, and not lines
    assert layer(sketch, "control2").size == 0
    sketch.click("#sketch-generate")
    sketch.wait_for_selector("#sketch-downloads a")
    expect(sketch.locator(".controls-seen figcaption")).to_have_text("depth: near is white")


def test_a_picture_is_traced_for_a_model_without_depth_too(sketch: Page) -> None:
    choose(sketch, "kind", "Depth")
    sketch.get_by_label("pix2pix").check()
    file = io.BytesIO()
    Image.fromarray(np.pad(np.zeros((40, 40, 3), np.uint8), ((30, 30), (30, 30), (0, 0)), constant_values=255)).save(
        file, "PNG"
    )
    sketch.set_input_files(
        "#sketch-drop input[type=file]", {"name": "a.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    soon(lambda: layer(sketch, "control").size > 0, sketch)
    assert 0.005 < (layer(sketch, "control") < 128).mean() < 0.3  # lines, and no shades


def test_it_fits_a_phone(browser: Browser, served: str) -> None:
    fits_a_phone(browser, served, "Sketch", "#sketch-lines")
