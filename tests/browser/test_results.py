"""What is done with a result in a real Chromium: varied, played, saved, branched off from; lessons, and drafts."""

from __future__ import annotations

import json
import re
from pathlib import Path

from image_tab import PROMPT, field, generate
from PIL import Image
from playwright.sync_api import Page, expect


def test_one_setting_is_varied_and_a_click_takes_one_over(page: Page) -> None:
    generate(page, "a fox", steps=3)
    seed = page.inner_text("#s-seed")
    page.keyboard.press("v")
    page.get_by_role("menuitem", name="Guidance").click()
    cells = page.locator("#image-desk .cells button")
    expect(cells).to_have_count(5)
    page.wait_for_function("document.querySelector('#image-desk .varied b').textContent === 'Guidance'")
    assert len({cell.get_attribute("src") for cell in cells.locator("img").all()}) == 5
    label = cells.nth(4).locator("span").inner_text()
    cells.nth(4).click()
    page.wait_for_function(f"document.querySelector('#image-guidance input[type=number]').value === '{label}'")
    expect(page.locator("#history .shot")).to_have_count(2)
    assert page.inner_text("#s-seed") == seed


def test_a_variation_that_is_closed_before_it_began_is_forgotten(page: Page) -> None:
    generate(page, "a fox", steps=3)
    page.keyboard.press("v")
    page.get_by_role("menuitem", name="Guidance").evaluate(
        """item => { item.click(); document.querySelector("#image-desk .varied [data-do=close]").click() }"""
    )
    generate(page, "a fox", steps=2)
    expect(page.locator("#image-desk .varied")).to_be_hidden()
    expect(page.locator("#image-desk .cells button")).to_have_count(0)


def test_two_settings_are_varied_across_each_other_with_their_calls(page: Page) -> None:
    generate(page, "a fox", steps=4)
    page.keyboard.press("v")
    page.get_by_role("menuitem", name="Sampler").click()
    cells = page.locator("#image-desk .cells button")
    expect(cells).to_have_count(5)
    page.locator("#image-desk .varied [data-do=across]").click()
    expect(page.get_by_role("menuitem", name="Sampler")).to_have_count(0)
    page.get_by_role("menuitem", name="Steps").click()
    expect(cells).to_have_count(25, timeout=60_000)
    expect(page.locator("#image-desk .varied b")).to_have_text("Sampler × Steps")
    heun = cells.filter(has_text="Heun · 4")
    expect(heun).to_contain_text("7 calls")  # two a step, one at the end
    heun.click()
    expect(page.locator("#image-where")).to_contain_text("step 4 of 4")
    expect(page.locator("#image-sampler input")).to_have_value("Heun")


def test_a_grid_is_saved_as_one_picture_and_drawn_again_from_it(page: Page) -> None:
    generate(page, "a fox", steps=3)
    page.keyboard.press("v")
    page.get_by_role("menuitem", name="Guidance").click()
    save = page.locator("#image-desk .varied [data-do=save]")
    expect(save).to_be_visible(timeout=30_000)
    with page.expect_download() as download:
        save.click()
    sheet = Path(download.value.path())
    with Image.open(sheet) as picture:
        assert picture.width > 5 * 256 and json.loads(picture.text["darkroom"])["varied"] == ["guidance"]
    cells = page.locator("#image-desk .cells button")
    first = [image.get_attribute("src") for image in cells.locator("img").all()]
    page.fill("#image-prompt textarea", "something else")
    page.click("#image-desk .varied [data-do=close]")
    page.set_input_files("#image-drop input[type=file]", sheet.rename(sheet.with_suffix(".png")))
    expect(save).to_be_visible(timeout=30_000)
    expect(page.locator("#image-prompt textarea")).to_have_value("a fox")
    assert [image.get_attribute("src") for image in cells.locator("img").all()] == first


def test_the_development_is_played_and_saved(page: Page) -> None:
    generate(page, "a fox", steps=6)
    page.keyboard.press("Space")
    expect(page.locator("#image-where")).to_contain_text(re.compile("step [1-5] of 6"))
    expect(page.locator("#image-where")).to_contain_text("step 6 of 6")
    for name, head in (("Film (MP4)", b"ftyp"), ("GIF", b"GIF89a"), ("Contact sheet (PNG)", b"PNG")):
        page.click("#image-icons [data-do=save]")
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=name, exact=True).click()
        assert head in Path(download.value.path()).read_bytes()[:16]


def test_a_branch_keeps_the_steps_before_it(page: Page) -> None:
    generate(page, "a fox", steps=6)
    first = page.locator("#image-film img").first.get_attribute("src")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.click("#image-icons [data-do=branch]")
    expect(page.locator("#image-desk .notice")).to_have_text("Steps 1 to 4 follow “a fox”.Remove")
    generate(page, "a whale", steps=6)
    assert page.locator("#image-film img").first.get_attribute("src") == first
    page.click("#image-desk .notice button")
    expect(page.locator("#image-desk .notice")).to_be_hidden()


def test_a_reload_keeps_the_form_and_earlier_prompts_come_back(page: Page) -> None:
    generate(page, "an older prompt", steps=2)
    field(page, "steps", 33)
    page.fill(PROMPT, "typed, not run")
    page.uncheck("#image-again input")
    page.wait_for_function("JSON.parse(localStorage['darkroom-forms']).image.again === false")
    page.reload()
    expect(page.locator(PROMPT)).to_have_value("typed, not run")
    expect(page.locator("#image-steps input[type=number]")).to_have_value("33")
    expect(page.locator("#image-again input")).not_to_be_checked()
    page.fill(PROMPT, "")
    page.focus(PROMPT)
    page.keyboard.press("ArrowUp")
    expect(page.locator(PROMPT)).to_have_value("an older prompt")
    page.keyboard.press("ArrowDown")
    expect(page.locator(PROMPT)).to_have_value("")


def test_a_lesson_leads_to_its_end(page: Page) -> None:
    page.click("#lessons")
    page.get_by_role("menuitem", name="What is a seed?").click()
    expect(page.locator("#image-where")).to_contain_text("step 20 of 20", timeout=30_000)
    expect(page.locator("#image-seed")).to_have_class(re.compile("pointed"))
    page.locator(".lesson [data-do=next]").evaluate("next => { for (const _ of '123') next.click() }")  # in a hurry
    expect(page.locator("#image-desk .cells button")).to_have_count(5, timeout=60_000)
    page.click(".lesson [data-do=next]")
    expect(page.locator(".lesson")).to_have_count(0)


def test_one_of_four_is_enlarged_by_a_click(page: Page) -> None:
    field(page, "count", 4)
    generate(page, "a fox", steps=3)
    urls = [link.get_attribute("href") for link in page.locator("#image-downloads a").all()]
    now = page.locator("#image-now")
    grid = now.get_attribute("src")
    box = now.bounding_box()
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
    expect(now).to_have_attribute("src", urls[1])
    page.mouse.click(box["x"] + 10, box["y"] + 10)
    expect(now).to_have_attribute("src", grid)
