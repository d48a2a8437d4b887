"""The Atlas in a real Chromium: play, pause, step, turn, draw, look inside; the map and the chooser."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from pages import fits_a_phone, frames, input_of, opened, turn
from playwright.sync_api import Browser, Page, expect

from pipelines.models.plane.pipeline import PAUSED

WHERE = "#atlas-where"


@pytest.fixture
def atlas(page: Page) -> Page:
    turn(page, "Atlas")
    return page


def set_rounds(page: Page, rounds: int) -> None:
    box = page.locator("#atlas-rounds input[type=number]")
    box.fill(str(rounds))
    box.blur()
    frames(page)


def play(page: Page, rounds: int = 20) -> None:
    """A whole run."""
    set_rounds(page, rounds)
    page.click("#atlas-generate")
    expect(page.locator(WHERE)).to_contain_text(f"round {rounds} of {rounds}", timeout=60_000)
    expect(page.locator("#atlas-generate")).to_be_enabled()


def round_of(page: Page) -> int:
    return int(re.search(r"round ([\d,]+) of", page.inner_text(WHERE))[1].replace(",", ""))


def test_play_pause_step_and_go_on(atlas: Page) -> None:
    shots = atlas.locator("#history .shot")
    before = shots.count()
    atlas.click("#atlas-generate")
    expect(atlas.locator(".plane .family")).to_have_count(6, timeout=60_000)
    expect(atlas.locator(WHERE)).to_contain_text("round", timeout=30_000)
    at = round_of(atlas)
    atlas.click("#atlas-stop")
    expect(atlas.locator(WHERE)).to_contain_text("it is kept in the history")
    expect(atlas.locator("#atlas-generate")).to_be_enabled(timeout=20_000)
    expect(shots).to_have_count(before + 1)  # the history is renewed after the button
    atlas.click("[data-do=step]")
    expect(atlas.locator(WHERE)).to_contain_text("round", timeout=30_000)
    expect(atlas.locator("#atlas-generate")).to_be_enabled()
    stepped = round_of(atlas)
    assert stepped >= at + 1
    atlas.click("[data-do=step]")
    expect(atlas.locator(WHERE)).to_contain_text(f"round {stepped + 1} of", timeout=30_000)
    atlas.click("[data-do=reset]")
    expect(atlas.locator("#atlas-empty")).to_be_visible()
    expect(shots).to_have_count(before + 1)  # a step is looked at, not kept


def test_a_rate_is_turned_while_it_runs_and_the_file_says_when(atlas: Page, tmp_path: Path) -> None:
    set_rounds(atlas, 60)
    atlas.click("#atlas-generate")
    expect(atlas.locator(WHERE)).to_contain_text("round", timeout=60_000)
    box = atlas.locator("#atlas-rate input[type=number]")
    box.fill("1.5")
    box.blur()
    expect(atlas.locator(WHERE)).to_contain_text("round 60 of 60", timeout=60_000)
    expect(atlas.locator("#atlas-generate")).to_be_enabled()
    with atlas.expect_download() as download:
        atlas.click("#atlas-downloads a[download$=json]")
    file = tmp_path / "plane.json"
    download.value.save_as(file)
    about = json.loads(file.read_text())
    assert re.fullmatch(r"\d+:rate=1.5", about["settings"]["turns"])
    box.fill("0")
    box.blur()
    atlas.set_input_files("#atlas-drop input[type=file]", file)
    atlas.click("#atlas-more button")
    field = atlas.locator("#atlas-turns textarea, #atlas-turns input")
    expect(field).to_have_value(about["settings"]["turns"])


def test_one_is_made_large_and_a_particle_followed(atlas: Page) -> None:
    play(atlas)
    atlas.locator(".family", has_text="Flow matching").click()
    expect(atlas.locator(".plane .family:visible")).to_have_count(1)
    canvas = atlas.locator(".plane .family:visible canvas")

    def look() -> str:
        return canvas.evaluate("canvas => canvas.toDataURL()")

    pictures = [look()]
    atlas.locator(".plane-tools input[type=range]").fill("0.4")
    pictures.append(look())
    atlas.locator(".plane-tools input[type=checkbox]").check()
    pictures.append(look())
    canvas.click(position={"x": 100, "y": 100})
    pictures.append(look())
    assert len(set(pictures)) == 4
    expect(atlas.locator("#atlas-desk details.card", has_text="Inside")).to_contain_text("straightness")
    atlas.click("[data-do=all]")
    expect(atlas.locator(".plane .family:visible")).to_have_count(6)


def test_what_is_drawn_is_learnt_and_the_link_carries_it(atlas: Page) -> None:
    sheet = atlas.locator(".points-sheet canvas")
    box = sheet.bounding_box()
    atlas.mouse.move(box["x"] + 20, box["y"] + 20)
    atlas.mouse.down()
    atlas.mouse.move(box["x"] + 100, box["y"] + 40, steps=5)
    atlas.mouse.move(box["x"] + 60, box["y"] + 110, steps=5)
    atlas.mouse.up()
    expect(atlas.locator("#atlas-distribution input")).to_have_value("Drawn")
    play(atlas, 10)
    atlas.click("#share")
    atlas.wait_for_function("location.search.includes('s=')")
    other = atlas.context.browser.new_context().new_page()
    other.goto(atlas.url)
    other.wait_for_selector("#history .entries > *", state="attached")
    expect(other.locator("#atlas-distribution input")).to_have_value("Drawn")
    assert len(input_of(other, "atlas", "points")) > 100
    other.context.close()


def test_a_csv_is_taken_or_refused_in_a_sentence(atlas: Page, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("x,y\n" + "\n".join(f"{i},{i * i}" for i in range(50)))
    bad.write_text("1,2\n3,four\n")
    atlas.set_input_files("#atlas-drop input[type=file]", bad)
    expect(atlas.locator("#toast")).to_contain_text("Line 2 of the points is '3,four'")
    atlas.set_input_files("#atlas-drop input[type=file]", good)
    expect(atlas.locator("#atlas-distribution input")).to_have_value("Drawn")


def test_a_closed_page_ends_the_work(browser: Browser, served: str) -> None:
    page = opened(browser, served)
    turn(page, "Atlas")
    page.click("#atlas-generate")
    expect(page.locator(WHERE)).to_contain_text("round", timeout=60_000)
    before = set(PAUSED)
    page.context.close()
    for _ in range(100):
        if set(PAUSED) - before:
            break
        time.sleep(0.1)
    [token] = set(PAUSED) - before
    at = PAUSED[token].rounds
    time.sleep(1)
    assert PAUSED[token].rounds == at < 3000


def test_the_map_opens_what_runs_here(atlas: Page) -> None:
    atlas.click("[data-page=map]")
    expect(atlas.locator("#atlas-generate")).to_be_hidden()
    atlas.click("[data-node=ddpm-2020]")
    expect(atlas.locator(".about")).to_contain_text("Ho et al. 2020")
    assert atlas.locator(".about .send").count() == 0
    atlas.click("[data-node=inpainting]")
    atlas.click(".about .send")
    expect(atlas.get_by_role("tab", name="Edit")).to_have_attribute("aria-selected", "true")


def test_the_chooser_ends_in_a_family_and_opens_it(atlas: Page) -> None:
    atlas.click("[data-page=chooser]")
    for name, value in (("what", "sound"), ("likelihood", "exact"), ("budget", "patient"), ("data", "some")):
        atlas.locator(f".questions input[name={name}][value={value}]").check(force=True)
    expect(atlas.locator(".answer h4")).to_have_text("Autoregressive")
    expect(atlas.locator(".answer")).to_contain_text("A GAN has no likelihood")
    atlas.click(".answer .send")
    expect(atlas.get_by_role("tab", name="Audio")).to_have_attribute("aria-selected", "true")
    expect(atlas.locator("#audio-model input[value=audio-tokens]")).to_be_checked()


def test_it_fits_a_phone(browser: Browser, served: str) -> None:
    fits_a_phone(browser, served, "Atlas", "#atlas-empty")
