"""The Image tab in a real Chromium, as a person uses it. Screenshots land in tests/browser/screenshots."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest
from image_tab import PROMPT, field, generate, slow
from pages import SCREENSHOTS, frames, opened
from playwright.sync_api import Browser, Page, expect

from pipelines.core.registry import get_spec, in_tab


def test_words_become_a_picture_step_by_step(page: Page) -> None:
    page.evaluate(
        "() => { window.seen = new Set(); new MutationObserver(() => seen.add(document.getElementById('image-now').src))"
        ".observe(document.getElementById('image-now'), {attributes: true}); }"
    )
    generate(page, steps=200)
    assert page.evaluate("seen.size") >= 5
    expect(page.locator("#image-where")).to_contain_text("step 200 of 200")
    expect(page.locator("#image-cost td:nth-child(2)").first).to_have_text("200")
    assert page.input_value("#image-seed input") == page.inner_text("#s-seed")  # chosen before the run, written back
    page.screenshot(path=SCREENSHOTS / "desk.png")


def test_scrubbing_happens_in_the_browser(page: Page) -> None:
    generate(page)
    last = page.get_attribute("#image-now", "src")
    page.context.set_offline(True)
    page.locator("#image-where").click()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#image-where")).to_contain_text("step 19 of 20")
    assert page.get_attribute("#image-now", "src") != last
    page.locator("#image-scrub").fill("3")
    expect(page.locator("#image-where")).to_contain_text("step 3 of 20")
    expect(page.locator("#image-equation")).to_contain_text(
        "x0.85 = 0.944 x0.90 + 0.056 D̂"
    )  # DPM-Solver++ from t = 0.9 to 0.85
    prediction = page.get_attribute("#image-now", "src")
    page.click("text=State xt")
    assert page.get_attribute("#image-now", "src") != prediction
    page.click("text=Prediction")
    page.locator("#image-film img").last.click()
    assert page.get_attribute("#image-now", "src") == last
    page.context.set_offline(False)


def test_a_word_shows_where_it_looks(page: Page) -> None:
    generate(page)
    assert page.locator("#image-words button").all_inner_texts() == ["a", "bald", "man", "in", "shades"]
    expect(page.locator("#image-heat")).to_be_hidden()
    page.click("#image-words button:has-text('shades')")
    expect(page.locator("#image-heat")).to_be_visible()
    assert (
        page.evaluate(
            "() => { const c = document.getElementById('image-heat'); return new "
            "Set(c.getContext('2d').getImageData(0, 0, 256, 256).data).size }"
        )
        > 20
    )
    page.screenshot(path=SCREENSHOTS / "heat.png")
    page.mouse.move(700, 400)
    expect(page.locator("#image-heat")).to_be_visible()  # chosen, not only under the pointer
    page.click("#image-words button:has-text('shades')")
    page.mouse.move(700, 400)
    expect(page.locator("#image-heat")).to_be_hidden()


def test_stop_keeps_the_last_picture_and_the_next_run_starts_clean(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow(monkeypatch)
    page.fill(PROMPT, "a cat")
    field(page, "steps", 200)
    field(page, "count", 8)
    page.click("#image-generate")
    page.wait_for_selector("#image-now:not([hidden])")
    page.keyboard.press("Escape")
    expect(page.locator("#image-where")).to_contain_text("it is kept in the history")
    expect(page.locator("#image-now")).to_be_visible()
    expect(page.locator("#history .entry small")).to_have_text("stopped")
    with page.expect_download() as download:
        page.click("#image-downloads a")
    assert download.value.suggested_filename.endswith("-stopped.png")
    kept = page.get_attribute("#image-now", "src")
    late = {"tab": "image", "frame": {"step": 199, "steps": 200, "preview": "", "note": "was on its way"}}
    page.evaluate("m => darkroom.then((page) => page.receive(JSON.stringify(m)))", late)
    expect(page.locator("#image-where")).to_contain_text("it is kept in the history")
    page.wait_for_timeout(700)
    assert page.get_attribute("#image-now", "src") == kept
    field(page, "count", 1)
    generate(page, steps=5)
    expect(page.locator("#image-where")).to_contain_text("step 5 of 5")


def test_closing_the_page_stops_its_run(browser: Browser, served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = slow(monkeypatch)
    page = opened(browser, served)
    page.fill(PROMPT, "a cat")
    field(page, "steps", 200)
    page.click("#image-generate")
    page.wait_for_selector("#image-now:not([hidden])")
    page.context.close()
    time.sleep(2)
    reached = len(steps)
    time.sleep(1)
    assert len(steps) == reached < 200


def test_four_pages_at_once_all_finish_and_the_waiting_see_their_place(
    browser: Browser, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow(monkeypatch)
    pages = [opened(browser, served) for _ in range(4)]
    for page in pages:
        page.fill(PROMPT, "a cat")
        page.click("#image-generate")
        page.wait_for_timeout(100)
    expect(pages[-1].locator("#image-where")).to_contain_text("in the queue", timeout=10_000)
    pages[-1].screenshot(path=SCREENSHOTS / "queue.png")
    finished = []
    while len(finished) < 4:  # as they came
        finished += [
            i for i, page in enumerate(pages) if i not in finished and page.locator("#image-downloads a").count()
        ]
        pages[0].wait_for_timeout(50)
    assert finished == sorted(finished)
    for page in pages:
        page.context.close()


DROP = """async ([name, data]) => {
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0)), carrier = new DataTransfer();
  carrier.items.add(new File([bytes], name, {type: 'image/png'}));
  document.querySelector('.tray').dispatchEvent(new DragEvent('drop', {dataTransfer: carrier, bubbles: true, cancelable: true}));
}"""


def test_a_dropped_png_brings_its_settings_and_its_pixels_back(page: Page, tmp_path: Path) -> None:
    generate(page, "a dropped cat", steps=6)
    with page.expect_download() as download:
        page.click("#image-downloads a")
    saved = tmp_path / "saved.png"
    download.value.save_as(saved)
    seed = page.inner_text("#s-seed")
    page.reload()
    page.wait_for_selector("#history .shot")
    frames(page)
    page.evaluate(DROP, ["saved.png", base64.b64encode(saved.read_bytes()).decode()])
    expect(page.locator(PROMPT)).to_have_value("a dropped cat")
    expect(page.locator("#image-seed input")).to_have_value(seed)
    expect(page.locator("#image-again input")).not_to_be_checked()
    page.click("#image-generate")
    page.wait_for_selector("#image-downloads a")
    again = page.get_attribute("#image-downloads a", "href").split(",")[1]
    assert base64.b64decode(again) == saved.read_bytes()


def test_a_dropped_text_file_is_refused_in_one_sentence(page: Page) -> None:
    page.fill(PROMPT, "keep me")
    page.evaluate(DROP, ["notes.png", base64.b64encode(b"I am text").decode()])
    expect(page.locator("#toast")).to_contain_text("notes.png is not a whole PNG picture")
    assert page.input_value(PROMPT) == "keep me"


def test_a_share_link_restores_the_whole_form(page: Page) -> None:
    page.fill(PROMPT, "shared 漢字 🎉")
    field(page, "steps", 33)
    page.click("#share")
    page.wait_for_url("**/?s=*")
    link = page.url
    other = page.context.new_page()
    other.goto(link)
    expect(other.locator(PROMPT)).to_have_value("shared 漢字 🎉")
    expect(other.locator("#image-steps input[type=number]")).to_have_value("33")
    expect(other.locator("#image-again input")).not_to_be_checked()


def test_it_works_by_keyboard_alone(page: Page) -> None:
    page.focus(PROMPT)
    page.keyboard.type("a keyboard cat")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#image-downloads a")
    assert page.locator("#image-words button").all_inner_texts() == ["a", "keyboard", "cat"]


def test_no_words_says_so(page: Page) -> None:
    generate(page, "")
    expect(page.locator("#toast")).to_contain_text("No words were given")


def test_a_bad_seed_is_one_sentence_and_loses_nothing(page: Page) -> None:
    generate(page, "a cat")
    picture = page.get_attribute("#image-now", "src")
    page.uncheck("#image-again input")
    field(page, "seed", -1)
    page.click("#image-generate")
    expect(page.locator("#toast")).to_contain_text("Seed is -1, but should be greater than or equal to 0")
    assert page.get_attribute("#image-now", "src") == picture
    expect(page.locator("#image-generate")).to_be_enabled()


@pytest.mark.parametrize(("value", "said"), [("", "Steps is blank"), ("100000", "Steps is 100000")])
def test_a_bad_slider_is_one_sentence_and_the_page_goes_on(page: Page, value: str, said: str) -> None:
    generate(page, "a cat", steps=5)
    picture = page.get_attribute("#image-now", "src")
    box = page.locator("#image-steps input[type=number]").first
    box.evaluate(  # what the browser itself would not let through
        "(box, value) => { box.removeAttribute('max'); box.value = value; box.dispatchEvent(new Event('input', "
        "{bubbles: true})); }",
        value,
    )
    page.click("#image-generate")
    expect(page.locator("#toast")).to_contain_text(said)
    expect(page.locator("#image-generate")).to_be_enabled()
    assert page.get_attribute("#image-now", "src") == picture
    expect(page.locator("#image-where")).to_contain_text("step 5 of 5")
    generate(page, "a cat", steps=6)
    expect(page.locator("#image-where")).to_contain_text("step 6 of 6")


def test_a_starter_fills_the_form_and_runs(page: Page) -> None:
    starters = get_spec("latent-diffusion-256").starters
    buttons = page.locator("#image-empty .starters button")
    expect(buttons).to_have_count(sum(len(spec.starters) for spec in in_tab("image")))
    caption, settings = list(starters.items())[2]
    buttons.nth(2).click()
    page.wait_for_selector("#image-downloads a")
    expect(page.locator(PROMPT)).to_have_value(settings["prompt"])
    assert caption in buttons.nth(2).text_content()
    assert page.input_value("#image-seed input") == page.inner_text("#s-seed") == str(settings["seed"])
    expect(buttons.first).to_be_hidden()


def test_points_are_shown_by_a_viewer_of_their_own(page: Page) -> None:
    points = [[x / 10, x / 20] for x in range(-10, 11)]
    still = {"note": "a line", "view": {"kind": "points", "points": points, "span": 1.1}}
    show = "m => darkroom.then((page) => page.receive(JSON.stringify(m)))"
    page.evaluate(show, {"tab": "image", "still": still})
    expect(page.locator("#image-points")).to_be_visible()
    expect(page.locator("#image-where")).to_have_text("a line")
    drawn = """() => {
      const canvas = document.getElementById('image-points'), side = canvas.width;
      const alpha = canvas.getContext('2d').getImageData(0, 0, side, side).data.filter((v, i) => i % 4 === 3);
      const at = [...alpha.keys()].filter((i) => alpha[i]);
      return [at.length, at[0] % side > side / 2];
    }"""
    count, rises = page.evaluate(drawn)
    assert count >= len(points) and rises  # the highest point lies right
    generate(page, "a cat", steps=5)
    expect(page.locator("#image-points")).to_be_hidden()
    expect(page.locator("#image-now")).to_be_visible()


def test_it_fits_a_phone(browser: Browser, served: str) -> None:
    page = opened(browser, served, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    generate(page, "a cat on the phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=SCREENSHOTS / "phone.png", full_page=True)
    page.context.close()


def test_the_light_theme_is_light(browser: Browser, served: str) -> None:
    page = opened(browser, served)
    page.click("#light")
    generate(page, "a cat in the light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(244, 239, 232)"
    page.screenshot(path=SCREENSHOTS / "light.png")
    page.context.close()


def test_only_the_control_in_use_shows_its_help(page: Page) -> None:
    page.click("#image-more")
    page.focus("#image-eta input[type=number]")
    page.mouse.move(700, 300)
    page.wait_for_timeout(1000)
    shown = "[...document.querySelectorAll('.info-text')].filter((help) => getComputedStyle(help).opacity > 0.5).map((help) => help.textContent.trim())"
    assert page.evaluate(shown) == ["Fresh noise a step, for DDIM only: 0 is deterministic, 1 is ancestral."]


def test_keys_belong_to_what_has_the_focus(page: Page) -> None:
    generate(page, "a cat", steps=9)
    page.focus("#image-steps input[type=range]")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#image-steps input[type=number]")).to_have_value("10")
    expect(page.locator("#image-where")).to_contain_text("step 9 of 9")
    page.locator("#image-where").click()
    page.keyboard.press("Control+ArrowLeft")
    expect(page.locator("#image-where")).to_contain_text("step 9 of 9")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#image-where")).to_contain_text("step 8 of 9")


def test_a_link_of_another_tab_opens_it(page: Page) -> None:
    page.get_by_role("tab", name="Audio").click()
    page.fill("#audio-prompt textarea", "a harp of a link")
    page.click("#share")
    page.wait_for_url("**/?s=*")
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("#audio-prompt textarea")).to_be_visible()
    expect(other.locator("#audio-prompt textarea")).to_have_value("a harp of a link")
    expect(other.locator("#toast")).to_contain_text("The settings of the link")


def test_text_is_pasted_where_the_clipboard_has_a_picture_too(page: Page) -> None:
    page.focus(PROMPT)
    prevented = page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData("text/plain", "from a sheet");
          data.items.add(new File([new Uint8Array(9)], "cells.png", { type: "image/png" }));
          const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
          document.activeElement.dispatchEvent(event);
          return event.defaultPrevented;
        }"""
    )
    assert not prevented


def test_a_box_of_the_layout_is_dragged_and_becomes_the_layout(page: Page) -> None:
    page.get_by_role("button", name="More").first.click()
    layout = page.locator("#image-layout textarea, #image-layout input").first
    layout.fill("dog 16 112 112 208")
    generate(page, "a dog", steps=2)
    card = page.locator("svg.layout")
    expect(card.locator("text")).to_have_text("dog")
    box = card.locator("rect").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 2 * box["width"], box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    expect(layout).not_to_have_value("dog 16 112 112 208")
    _, left, top, right, bottom = layout.input_value().split()
    assert int(left) > 16 and (top, bottom) == ("112", "208") and int(right) - int(left) == 96
    page.click("#image-generate")
    expect(page.get_by_text("As the form's layout says.")).to_be_visible()
    expect(card.locator("rect").first).to_have_attribute("x", left)
    page.get_by_role("button", name="Throw the dice again").click()
    expect(layout).to_have_value("")


def test_next_scale_prediction_grows_and_says_how_unsure_it_was(page: Page) -> None:
    page.get_by_label("Next scale").check()
    page.fill(PROMPT, "a dog")
    page.click("#image-generate")
    page.wait_for_selector("#image-downloads a")
    expect(page.locator("#image-where")).to_contain_text("16 × 16 cells")
    expect(page.get_by_text("bits a code of this scale")).to_be_visible()
