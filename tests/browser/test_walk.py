"""The Latent tab in a real Chromium: drag over the plane, encode, mix, invert, scrub the chain, keep a walk as a
film."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import SCREENSHOTS, field, fits_a_phone, frames, input_of, opened, turn, wait_for_input
from playwright.sync_api import Browser, Page, expect

from pipelines.core.spec import EXAMPLES

AVATAR = EXAMPLES / "avatar.png"
WHERE, NOW = "#latent-where", "#latent-now"


@pytest.fixture
def latent(page: Page) -> Page:
    turn(page, "Latent")
    expect(page.locator(".corners img")).to_be_visible(timeout=30_000)  # the map of the plane
    return page


def drag(page: Page, *points: tuple[float, float]) -> None:
    """Over the plane, in shares of its side."""
    box = page.locator(".corners").bounding_box()
    for i, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if i == 0:
            page.mouse.down()
    page.mouse.up()


def choose(page: Page, model: str) -> None:
    page.get_by_label(model, exact=True).check()
    frames(page)


def test_the_plane_is_there_unasked_and_a_drag_draws_its_picture(latent: Page) -> None:
    expect(latent.locator("#latent-empty")).to_be_visible()  # its starters
    drag(latent, (0.2, 0.2), (0.75, 0.25))
    expect(latent.locator(WHERE)).to_contain_text("one pass")
    assert input_of(latent, "latent", "x") == pytest.approx(0.5, abs=0.02)
    assert input_of(latent, "latent", "y") == pytest.approx(0.5, abs=0.02)
    expect(latent.locator("#latent-desk .inspect")).to_contain_text("Units of the code")
    first = latent.get_attribute(NOW, "src")
    latent.locator(".corners canvas").focus()
    latent.keyboard.press("ArrowLeft")
    expect(latent.locator(NOW)).not_to_have_attribute("src", first)
    assert input_of(latent, "latent", "x") == pytest.approx(0.45, abs=0.02)
    expect(latent.locator("#history .shot")).to_have_count(0)  # what is dragged past is not kept
    latent.click("#latent-generate")
    expect(latent.locator("#latent-downloads a")).to_contain_text("PNG")
    expect(latent.locator("#history .shot")).to_have_count(1)


def test_while_one_drags_one_request_is_out_and_the_last_place_is_drawn(latent: Page) -> None:
    latent.evaluate(
        """() => { window.out = 0; window.most = 0; const send = window.fetch;
        window.fetch = async (url, ...rest) => {
          const mine = String(url).includes("queue/join") || String(url).includes("/run/");
          if (mine) window.most = Math.max(window.most, ++window.out);
          try { return await send(url, ...rest); } finally { if (mine) window.out--; } } }"""
    )
    drag(latent, (0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9), (0.5, 0.55))
    frames(latent)
    expect(latent.locator(".tools output").first).to_contain_text("x 0.00, y -0.10")
    latent.wait_for_timeout(500)
    assert latent.evaluate("window.most") <= 1
    drawn = latent.get_attribute(NOW, "src")
    latent.locator(".corners canvas").focus()
    for key in ("ArrowLeft", "ArrowRight"):
        latent.keyboard.press(key)
    latent.wait_for_timeout(500)
    assert latent.get_attribute(NOW, "src") == drawn  # the same place is the same picture


def test_a_picture_is_encoded_and_what_has_no_encoder_says_so(latent: Page) -> None:
    latent.set_input_files("#latent-drop input[type=file]", AVATAR)
    wait_for_input(latent, "latent", "image")
    assert (input_of(latent, "latent", "x"), input_of(latent, "latent", "y")) == (-1, 1)
    expect(latent.locator(WHERE)).to_contain_text("one pass")
    latent.click("#latent-seg [data-show=state]")
    expect(latent.locator(NOW)).to_be_visible()
    choose(latent, "GAN")
    button = latent.get_by_role("button", name="Encode a picture")
    expect(button).to_be_disabled()
    assert "no encoder" in button.get_attribute("title")
    choose(latent, "Autoencoder")
    latent.get_by_role("button", name="Without the picture").click()
    assert input_of(latent, "latent", "image") == ""


def test_styles_are_mixed_and_a_face_is_inverted_and_stopped(latent: Page) -> None:
    choose(latent, "StyleGAN")
    expect(latent.locator(WHERE)).to_contain_text("one pass")
    first = latent.get_attribute(NOW, "src")
    field(latent, "latent", "mix_from", 2)
    expect(latent.locator(NOW)).not_to_have_attribute("src", first)
    choose(latent, "Inversion")
    latent.click("#latent-generate")
    expect(latent.locator("#toast")).to_contain_text("There is no picture yet; give one.")
    latent.set_input_files("#latent-drop input[type=file]", AVATAR)
    wait_for_input(latent, "latent", "image")
    field(latent, "latent", "descent_steps", 2000)
    latent.click("#latent-generate")
    expect(latent.locator(WHERE)).to_contain_text("dB at step", timeout=30_000)
    latent.click("#latent-stop")
    expect(latent.locator(WHERE)).to_contain_text("it is kept in the history")
    expect(latent.locator("#history .shot")).to_have_count(1, timeout=30_000)


def test_the_chain_is_scrubbed(latent: Page) -> None:
    choose(latent, "DDPM")
    expect(latent.locator(".corners")).to_be_hidden()
    field(latent, "latent", "steps", 12)
    latent.click("#latent-generate")
    latent.wait_for_selector("#latent-downloads a")  # the end shows the last step once more
    expect(latent.locator(WHERE)).to_contain_text("step 12 of 12")
    latent.keyboard.press("ArrowLeft")
    expect(latent.locator(WHERE)).to_contain_text("step 11 of 12")
    expect(latent.locator("#latent-desk .inspect")).to_contain_text("Loss by noise level")


def test_a_picture_goes_to_its_noise_and_its_path_is_drawn(latent: Page) -> None:
    choose(latent, "Rectified flow")
    latent.set_input_files("#latent-drop input[type=file]", AVATAR)
    wait_for_input(latent, "latent", "image")
    field(latent, "latent", "steps", 4)
    latent.click("#latent-generate")
    expect(latent.locator(WHERE)).to_contain_text("step 8 of 8", timeout=30_000)
    expect(latent.locator(WHERE)).to_contain_text("back at")
    expect(latent.get_by_role("img", name="The way, on its two principal components")).to_be_visible()


def test_a_walk_is_a_film_to_keep(latent: Page, tmp_path: Path) -> None:
    choose(latent, "Walk")
    field(latent, "latent", "stops", 2)
    field(latent, "latent", "leg", 3)
    latent.click("#latent-generate")
    film = latent.locator("#latent-downloads a[download$=mp4]")
    expect(film).to_be_attached(timeout=30_000)
    expect(latent.locator("#latent-clip")).to_be_visible()
    assert film.get_attribute("href").startswith("data:video/mp4")
    shot = latent.locator("#history .shot").first
    expect(shot).to_be_visible()
    shot.click()
    expect(latent.locator(WHERE)).to_contain_text("from the history")
    expect(latent.locator("#latent-clip")).to_be_visible()


def test_a_link_brings_the_place_back(latent: Page, browser: Browser) -> None:
    drag(latent, (0.25, 0.25), (0.25, 0.3))
    latent.click("#share")
    latent.wait_for_function("location.search.includes('s=')")
    again = opened(browser, latent.url)
    expect(again.locator("#latent-desk")).to_be_visible()
    again.wait_for_timeout(500)
    assert input_of(again, "latent", "x") == input_of(latent, "latent", "x")
    again.context.close()


def test_it_fits_a_phone(browser: Browser, served: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    fits_a_phone(browser, served, "Latent", ".corners")
