"""As I type: drafts at every pause of the keystrokes, of the seed that Generate then develops."""

from __future__ import annotations

from image_tab import PROMPT
from pages import field, frames, turn
from playwright.sync_api import Page, expect

WHERE, NOW = "#image-where", "#image-now"


def test_one_types_and_sees_and_enter_develops_the_same_seed(page: Page) -> None:
    page.get_by_label("As I type").check()
    field(page, "image", "steps", 30)
    page.click(PROMPT)
    page.keyboard.type("a cat", delay=30)
    expect(page.locator(WHERE)).to_contain_text("a draft of 2 steps", timeout=30_000)  # by the quicker model
    frames(page)
    first = page.get_attribute(NOW, "src")
    page.keyboard.type(" and a dog", delay=30)
    expect(page.locator(NOW)).not_to_have_attribute("src", first)
    expect(page.locator("#history .shot")).to_have_count(0)  # nothing is kept
    seed = page.input_value("#image-seed input")
    page.keyboard.press("Enter")
    expect(page.locator(WHERE)).to_contain_text("step 30 of 30", timeout=30_000)
    assert page.input_value(PROMPT) == "a cat and a dog"
    expect(page.locator("#s-seed")).to_have_text(seed)
    assert page.input_value("#image-seed input") == seed
    expect(page.locator("#history .shot")).to_have_count(1)


def test_keystrokes_never_queue_and_the_last_one_is_drawn(page: Page) -> None:
    page.get_by_label("As I type").check()
    page.click(PROMPT)
    page.keyboard.type("x")
    expect(page.locator(WHERE)).to_contain_text("a draft", timeout=30_000)
    page.evaluate(
        """() => { window.asked = 0;
        document.getElementById("image-live").addEventListener("click", () => { window.asked++; }, true); }"""
    )
    page.keyboard.type(" a purple butterfly over a lake", delay=100)  # ten a second
    page.wait_for_timeout(1500)
    asked = page.evaluate("window.asked")
    drawn = page.get_attribute(NOW, "src")
    assert 1 <= asked <= 31
    page.evaluate("darkroom.then((page) => page.redraw('image'))")
    page.wait_for_timeout(1500)
    assert page.get_attribute(NOW, "src") == drawn  # what stands there is what was typed last


def test_without_the_switch_nothing_is_drawn_and_a_drawing_can_be_followed(page: Page) -> None:
    page.fill(PROMPT, "a cat")
    page.wait_for_timeout(700)
    expect(page.locator("#image-empty")).to_be_visible()
    turn(page, "Sketch")
    page.get_by_label("As I draw").check()
    page.fill("#sketch-prompt textarea", "a face")
    box = page.locator("#sketch-lines").bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 180, steps=5)
    page.mouse.up()
    expect(page.locator("#sketch-where")).to_contain_text("a draft of 6 steps", timeout=30_000)
