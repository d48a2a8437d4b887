"""The Video tab in a real Chromium: a clip comes up, plays, is scrubbed both ways, animates a picture, and is saved as a film."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from pages import SCREENSHOTS, field, fits_a_phone, turn
from PIL import Image
from playwright.sync_api import Browser, Page, expect

SECONDS = 60_000


@pytest.fixture
def video(page: Page) -> Page:
    turn(page, "Video")
    page.wait_for_selector("#video-input")
    field(page, "video", "frames", 5)
    field(page, "video", "steps", 4)
    return page


def generate(page: Page) -> None:
    page.click("#video-generate")
    page.wait_for_selector("#video-downloads a", timeout=SECONDS)


def shot(page: Page) -> str:
    return page.evaluate("document.getElementById('video-clip').toDataURL()")


def test_a_clip_comes_up_and_is_scrubbed_both_ways(video: Page, tmp_path: Path) -> None:
    video.fill("#video-prompt textarea", "waving hand")
    generate(video)
    expect(video.locator("#video-where")).to_contain_text(
        "step 8 of 8"
    )  # four of the first frame, four of the others
    assert video.locator("#video-downloads a").all_inner_texts() == ["Download MP4", "PNG", "WEBP", "GIF", "ZIP"]
    video.evaluate(
        "const f = document.getElementById('video-frame'); f.value = 2; f.dispatchEvent(new Event('input'))"
    )
    expect(video.locator("#video-at")).to_have_text("frame 2 of 5")
    expect(video.locator("#video-tools button")).to_have_text("Play")
    last = shot(video)
    video.keyboard.press("ArrowLeft")  # a step back: the same frame, noisier
    expect(video.locator("#video-where")).to_contain_text("step 7 of 8")
    video.wait_for_timeout(300)
    assert shot(video) != last
    video.keyboard.press("ArrowRight")
    video.wait_for_timeout(300)
    assert shot(video) == last
    assert video.evaluate("document.getElementById('video-slice').width") == 5
    expect(video.locator("#video-flicker")).to_contain_text("of 255")
    video.screenshot(path=SCREENSHOTS / "video.png")
    video.click("#video-tools button")
    expect(video.locator("#video-at")).not_to_have_text("frame 2 of 5")
    with video.expect_download() as got:
        video.click("#video-downloads a:text-is('Download MP4')")
    got.value.save_as(tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as film:
        assert film.streams.video[0].codec_context.name == "h264"
        assert sum(1 for _ in film.decode(video=0)) == 5


def test_a_picture_is_animated_and_a_film_gives_its_first_frame(video: Page, tmp_path: Path) -> None:
    turn(video, "Image")
    video.fill("#image-prompt textarea", "red heart")
    video.click("#image-generate")
    video.wait_for_selector("#image-downloads a", timeout=SECONDS)
    video.click("#image-send [data-to=video]")
    expect(video.locator("#video-input .on")).to_have_count(1)
    expect(video.locator("#video-prompt textarea")).to_have_value("red heart")
    generate(video)
    expect(video.locator("#history .shot")).to_have_count(2)
    video.locator("#history .shot").first.click()  # the newest: the clip, back from the history, with its first frame
    expect(video.locator("#video-where")).to_contain_text("from the history")
    expect(video.locator("#video-at")).to_contain_text("of 5")
    assert "Download MP4" in video.locator("#video-downloads a").all_inner_texts()
    expect(video.locator("#video-input .on")).to_have_count(1)
    video.click("#share")
    expect(video.locator("#toast")).to_contain_text("cannot carry a picture")
    video.click("#video-input [data-do=clear]")
    expect(video.locator("#video-input .on")).to_have_count(0)
    video.click("#share")
    video.wait_for_url("**/?s=*")
    with av.open(str(tmp_path / "film.mp4"), "w") as film:
        stream = film.add_stream("libx264", rate=8, options={"crf": "20"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        film.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (64, 64), "red"))))
        film.mux(stream.encode())
    video.set_input_files("#video-drop input[type=file]", tmp_path / "film.mp4")
    expect(video.locator("#toast")).to_contain_text("its first frame was taken")
    expect(video.locator("#video-input .on")).to_have_count(1)


def test_stop_keeps_the_clip_so_far_playing(video: Page) -> None:
    field(video, "video", "steps", 100)
    video.click("#video-generate")
    video.wait_for_selector("#video-clip:not([hidden])", timeout=SECONDS)
    expect(video.locator("#video-at")).to_contain_text("of 5", timeout=SECONDS)  # the first frame comes alone
    video.keyboard.press("Escape")
    expect(video.locator("#video-where")).to_contain_text("it is kept in the history")
    seen = video.locator("#video-at").inner_text()
    expect(video.locator("#video-at")).not_to_have_text(seen)


def test_it_fits_a_phone(browser: Browser, served: str) -> None:
    fits_a_phone(browser, served, "Video", "#video-generate")
