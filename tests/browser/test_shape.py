"""The 3D tab in a real Chromium: a thing comes up and is turned, files go out and in, a picture and a toy become
splats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pages import SCREENSHOTS, field, fits_a_phone, turn, wait_for_input
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect

from pipelines.models.gaussian_splatting import files as scenes

SECONDS = 60_000
PIXELS = """() => {
  const canvas = document.getElementById('shape-orbit'), small = document.createElement('canvas');
  small.width = small.height = 48; small.getContext('2d').drawImage(canvas, 0, 0, 48, 48);
  return [...small.getContext('2d').getImageData(0, 0, 48, 48).data];
}"""


@pytest.fixture
def shape(painted: Page) -> Page:
    page = painted
    turn(page, "3D")
    page.wait_for_selector("#shape-model")
    for name, value in (("steps", 2), ("fit_steps", 20), ("max_gaussians", 80)):
        field(page, "shape", name, value)
    return page


def generate(page: Page) -> None:
    page.click("#shape-generate")
    page.wait_for_selector("#shape-downloads a", timeout=SECONDS)


def pixels_of(page: Page) -> np.ndarray:
    return np.array(page.evaluate(PIXELS)).reshape(48, 48, 4)[..., :3]


def pinch(page: Page, middle: tuple[float, float]) -> None:
    """Two fingers come together, to half their distance."""
    touch, (x, y) = page.context.new_cdp_session(page), middle
    for kind, apart in (("touchStart", 80), ("touchMove", 60), ("touchMove", 40)):
        touch.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x + side * apart, "y": y, "id": side + 1} for side in (-1, 1)]},
        )
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def thing(tmp_path: Path) -> Path:
    sheet = Image.new("RGB", (160, 160), "white")
    ImageDraw.Draw(sheet).ellipse((50, 40, 110, 120), fill=(30, 90, 200))
    sheet.save(tmp_path / "thing.png")
    return tmp_path / "thing.png"


def test_a_thing_comes_up_is_turned_and_goes_out_as_files(shape: Page, tmp_path: Path) -> None:
    shape.fill("#shape-prompt textarea", "a red car")
    generate(shape)
    expect(shape.locator("#shape-where")).to_contain_text("32 splats")
    shape.click("#shape-tools [data-do=front]")
    shape.wait_for_timeout(300)
    first = pixels_of(shape)
    assert (first < 240).any() and (first > 250).any()
    box = shape.locator("#shape-orbit").bounding_box()
    assert box
    shape.mouse.move(box["x"] + 200, box["y"] + 200)
    shape.mouse.down()
    shape.mouse.move(box["x"] + 320, box["y"] + 240)
    shape.mouse.up()
    shape.wait_for_timeout(300)
    turned = pixels_of(shape)
    assert np.abs(turned - first).mean() > 0.3
    shape.locator("#shape-orbit").press("ArrowLeft")
    shape.wait_for_timeout(300)
    assert not np.array_equal(pixels_of(shape), turned)
    expect(shape.locator("#shape-where")).to_contain_text(
        "step 4 of 4"
    )  # the arrows turned the thing, and did not scrub
    large = (pixels_of(shape) < 240).any(-1).sum()
    pinch(shape, (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    shape.wait_for_timeout(300)
    assert (pixels_of(shape) < 240).any(-1).sum() < 0.8 * large
    shape.click("#shape-tools [data-do=solid]")
    shape.wait_for_timeout(300)
    shape.screenshot(path=SCREENSHOTS / "shape.png")
    shape.click("#shape-seg [data-show=state]")
    expect(shape.locator("#shape-orbit")).to_be_hidden()
    shape.click("#shape-seg [data-show=preview]")
    expect(shape.locator("#shape-orbit")).to_be_visible()
    for kind, label in (("PLY", "Download PLY"), ("GLB", "GLB")):
        with shape.expect_download() as got:
            shape.click(f"#shape-downloads a:text-is('{label}')")
        path = tmp_path / f"made.{kind.lower()}"
        got.value.save_as(path)
        assert len(scenes.load_gaussians(path)) == (32 if kind == "PLY" else scenes.SAMPLED)
    shape.set_input_files("#shape-drop input[type=file]", tmp_path / "made.ply")
    expect(shape.locator("#shape-where")).to_contain_text("32 splats of a file")


def test_a_picture_becomes_a_thing_and_comes_back_from_the_history(shape: Page, tmp_path: Path) -> None:
    shape.get_by_role("radio", name="From a picture").check()
    shape.click("#shape-generate")
    expect(shape.locator("#toast")).to_contain_text("give one", ignore_case=True)
    shape.set_input_files("#shape-drop input[type=file]", thing(tmp_path))
    wait_for_input(shape, "shape", "image")
    generate(shape)
    shape.reload()
    shape.wait_for_selector("#history .shot")
    turn(shape, "3D")
    shape.locator("#history .shot").first.click()
    expect(shape.locator("#shape-where")).to_contain_text("from the history")
    expect(shape.locator("#shape-orbit")).to_be_visible()
    shape.wait_for_timeout(500)
    assert (pixels_of(shape) < 240).any()


def test_splats_learn_a_toy_and_a_stop_keeps_them(shape: Page) -> None:
    shape.get_by_role("radio", name="Splatting").check()
    field(shape, "shape", "fit_steps", 2000)
    shape.click("#shape-generate")
    expect(shape.locator("#shape-where")).to_contain_text("of 200", timeout=SECONDS)
    shape.keyboard.press("Escape")
    expect(shape.locator("#shape-where")).to_contain_text("is kept")
    expect(shape.locator("#shape-orbit")).to_be_visible()


def test_a_large_file_of_splats_is_drawn_by_a_library_and_words_come_after_it(shape: Page, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = np.zeros(6000, [("at", "<f4", 3), ("scale", "<f4", 3), ("colour", "u1", 4), ("turn", "u1", 4)])
    rows["at"], rows["scale"] = rng.normal(size=(6000, 3)) * 0.3, 0.02
    rows["colour"], rows["turn"] = (200, 30, 30, 255), (255, 128, 128, 128)
    (tmp_path / "large.splat").write_bytes(rows.tobytes())
    shape.set_input_files("#shape-drop input[type=file]", tmp_path / "large.splat")
    expect(shape.locator("#shape-where")).to_contain_text("6,000 splats of a file")
    expect(shape.locator("#shape-orbit-large")).to_be_visible()
    expect(shape.locator("#shape-orbit")).to_be_hidden()
    red = """() => {
      const canvas = document.getElementById('shape-orbit-large'), small = document.createElement('canvas');
      small.width = small.height = 32; small.getContext('2d').drawImage(canvas, 0, 0, 32, 32);
      const pixels = small.getContext('2d').getImageData(0, 0, 32, 32).data;
      return new Promise((done) => requestAnimationFrame(() => {
        small.getContext('2d').drawImage(canvas, 0, 0, 32, 32);
        const now = small.getContext('2d').getImageData(0, 0, 32, 32).data;
        done(now.filter((v, i) => i % 4 === 0 && v > 100 && now[i + 1] < 90).length);
      }));
    }"""
    shape.wait_for_function(f"async () => await ({red})() > 20", timeout=SECONDS)
    shape.screenshot(path=SCREENSHOTS / "shape-large.png")
    shape.fill("#shape-prompt textarea", "a red car")
    generate(shape)
    expect(shape.locator("#shape-orbit-large")).to_be_hidden()
    expect(shape.locator("#shape-orbit")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "held", "said"),
    [("a.ply", b"ply\n", "PLY"), ("b.splat", b"123", "no whole .splat"), ("c.glb", b"glTF", "damaged")],
)
def test_a_file_that_is_none_is_one_sentence(shape: Page, tmp_path: Path, name: str, held: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(held)
    shape.set_input_files("#shape-drop input[type=file]", tmp_path / name)
    expect(shape.locator("#toast")).to_contain_text(said)


def test_it_fits_a_phone(browser: Browser, served: str) -> None:
    fits_a_phone(browser, served, "3D", "#shape-generate")
