"""The Audio tab in a real Chromium: a sound comes up and is heard, the codec takes it, a recording goes in, files carry
settings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pages import SCREENSHOTS, field, fits_a_phone, turn, wait_for_input
from playwright.sync_api import Browser, Page, expect

from pipelines.media import audio as sounds
from pipelines.media.audio import RATE

SECONDS = 60_000
HUM = """navigator.mediaDevices.getUserMedia = async () => {
  const context = new AudioContext(), hum = context.createOscillator(), out = context.createMediaStreamDestination();
  hum.connect(out); hum.start();
  return out.stream;
};"""


@pytest.fixture
def audio(page: Page) -> Page:
    turn(page, "Audio")
    page.wait_for_selector("#audio-input")
    return page


def generate(page: Page) -> None:
    page.click("#audio-generate")
    page.wait_for_selector("#audio-downloads a", timeout=SECONDS)


def choose(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).check()


def tone(tmp_path: Path, seconds: float = 1.0) -> Path:
    path = tmp_path / "tone.wav"
    path.write_bytes(sounds.file((0.4 * np.sin(np.arange(round(seconds * RATE)) / 5)).astype(np.float32), "wav"))
    return path


def test_a_spectrum_clears_up_and_the_sound_plays_and_is_saved(audio: Page, tmp_path: Path) -> None:
    audio.fill("#audio-prompt textarea", "bright vibraphone melody")
    field(audio, "audio", "seconds", 1)
    generate(audio)
    expect(audio.locator("#audio-where")).to_contain_text("step 20 of 20")
    last = audio.get_attribute("#audio-now", "src")
    audio.keyboard.press("ArrowLeft")
    assert audio.get_attribute("#audio-now", "src") != last
    audio.keyboard.press("ArrowRight")
    expect(audio.locator("#audio-factor")).to_contain_text("real time")
    audio.wait_for_function("document.getElementById('audio-audio').duration > 0.9")
    loud = """async () => {
      const held = await (await fetch(document.getElementById('audio-audio').src)).arrayBuffer();
      return Math.max(...(await new AudioContext().decodeAudioData(held)).getChannelData(0));
    }"""
    assert audio.evaluate(loud) > 0
    audio.screenshot(path=SCREENSHOTS / "audio.png")
    with audio.expect_download() as got:
        audio.click("#audio-downloads a:text-is('Download WAV')")
    got.value.save_as(tmp_path / "made.wav")
    assert len(sounds.load_audio(str(tmp_path / "made.wav"))) == RATE
    audio.fill("#audio-prompt textarea", "something else")
    audio.set_input_files("#audio-drop input[type=file]", tmp_path / "made.wav")
    expect(audio.locator("#audio-prompt textarea")).to_have_value("bright vibraphone melody")


def test_tokens_fill_a_grid_go_on_from_it_and_a_stop_keeps_what_was_heard(audio: Page) -> None:
    choose(audio, "Tokens")
    field(audio, "audio", "seconds", 1)
    generate(audio)
    expect(audio.locator("#audio-codes")).to_be_visible()
    assert (
        audio.evaluate("document.getElementById('audio-codes').width") == 55
    )  # 50 codes, the sixth codebook five steps late
    expect(audio.locator("#audio-send button:visible")).to_have_text("Continue this sound")
    audio.click("#audio-send [data-to=audio]")
    wait_for_input(audio, "audio", "sound")
    generate(audio)
    audio.wait_for_function("document.getElementById('audio-audio').duration > 1.9")
    audio.click("#audio-input [data-do=clear]")
    field(audio, "audio", "seconds", 16)
    audio.click("#audio-generate")
    expect(audio.locator("#audio-where")).to_contain_text("of 80", timeout=SECONDS)
    audio.keyboard.press("Escape")
    expect(audio.locator("#audio-where")).to_contain_text("is kept")


def test_a_sound_goes_through_the_codec_and_back_from_the_history(audio: Page, tmp_path: Path) -> None:
    choose(audio, "Codec")
    audio.click("#audio-generate")
    expect(audio.locator("#toast")).to_contain_text("give one")
    audio.set_input_files("#audio-drop input[type=file]", tone(tmp_path))
    expect(audio.locator("#toast")).to_contain_text("16 kHz")
    field(audio, "audio", "codebooks", 3)
    generate(audio)
    expect(audio.locator("#audio-stages tr")).to_have_count(4)
    first = audio.get_attribute("#audio-now", "src")
    field(audio, "audio", "codebooks", 1)
    generate(audio)
    expect(audio.locator("#audio-stages tr")).to_have_count(2)
    assert audio.get_attribute("#audio-now", "src") != first
    expect(audio.locator("#history .shot")).to_have_count(2)
    audio.locator("#history .shot").last.click()
    expect(audio.locator("#audio-where")).to_contain_text("from the history")
    audio.wait_for_function("document.getElementById('audio-audio').duration > 0.9")


def test_a_recording_is_taken(audio: Page) -> None:
    audio.evaluate(HUM)
    choose(audio, "Codec")
    audio.click("#audio-input [data-do=record]")
    audio.wait_for_timeout(700)
    audio.click("#audio-input [data-do=record]")
    wait_for_input(audio, "audio", "sound")
    generate(audio)
    expect(audio.locator("#audio-stages tr")).to_have_count(7)


def test_it_fits_a_phone(browser: Browser, served: str) -> None:
    fits_a_phone(browser, served, "Audio", "#audio-generate")
