"""Everybody can use it: axe-core finds no serious fault, tab by tab, dark and light; and the keyboard does it all."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from pages import field, input_of, opened, turn, wait_for_input
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from app.tabs import TABS
from pipelines.core.registry import in_tab

AXE = Path(__file__).parents[2] / "app" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"], exclude: [["footer"]]});
  return found.violations.filter(({impact}) => impact === "serious" || impact === "critical").map(({id, nodes}) =>
    `${id}: ${nodes.length} such as ${nodes[0].target.join(" ")} ${nodes[0].any.map((one) => one.message).join("; ")}`);
}"""


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_no_serious_fault(browser: Browser, served: str, scheme: str) -> None:
    # a darkroom is dark, whatever the system is, unless somebody wants it light
    page = opened(browser, served, color_scheme={"dark": "light", "light": "dark"}[scheme])
    if scheme == "light":
        page.click("#light")
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    page.add_script_tag(path=AXE)
    page.fill("#image-prompt textarea", "a fox")
    page.click("#image-generate")
    page.wait_for_selector("#history .shot")  # with a result, its bar and its cards
    found = []
    for tab in TABS:
        turn(page, tab.title)
        expect(page.locator(".verdicts button:disabled:visible")).to_have_count(0)  # until the arena's pair is there
        page.wait_for_timeout(400)
        found += [f"{tab.name}: {fault}" for fault in page.evaluate(RUN)]
    page.context.close()
    assert found == [], "\n".join(found)


def test_the_keyboard_alone_makes_stops_scrubs_compares_and_saves(page: Page) -> None:
    page.focus("#image-prompt textarea")
    for words in ("a fox", "a whale"):
        page.keyboard.press("Control+a")
        page.keyboard.type(words)
        page.keyboard.press("Control+Enter")
        expect(page.locator(f"#history .shot[title='{words}']")).to_have_count(1)
    page.locator("#image-scrub").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#image-where")).to_contain_text("step 19 of 20")
    reach(page, ".shot")
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    expect(page.locator("dialog.compare")).to_be_visible()
    page.keyboard.press("Escape")
    reach(page, "#image-downloads a")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".png")
    field(page, "image", "steps", 200)
    field(page, "image", "count", 8)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#image-stop")).to_contain_text("of 200", timeout=20_000)  # eight layouts come first
    page.keyboard.press("Escape")
    expect(page.locator("#image-where")).to_contain_text("stopped")


def test_every_tab_is_opened_and_its_run_begun_by_keys(page: Page) -> None:
    for place, tab in enumerate(TABS, 1):
        page.evaluate("document.activeElement.blur()")
        if place <= 10:
            page.keyboard.press(str(place % 10))
        else:  # there are no more digits
            page.get_by_role("tab", name=tab.title).focus()
            page.keyboard.press("Enter")
        expect(page.locator(f"#{tab.name}-desk")).to_be_visible()
        reach(page, f"#{tab.name}-generate" if in_tab(tab.name) else "form .send")


def test_the_atlas_by_keys(page: Page) -> None:
    turn(page, "Atlas")
    field(page, "atlas", "rounds", 10)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#atlas-where")).to_contain_text("round 10 of 10", timeout=60_000)
    expect(page.locator("#atlas-generate")).to_be_enabled()
    reach(page, ".plane .family")
    page.keyboard.press("Enter")
    expect(page.locator(".plane .family:visible")).to_have_count(1)
    reach(page, ".plane-tools [data-do=all]")
    page.keyboard.press("Enter")
    expect(page.locator(".plane .family:visible")).to_have_count(6)


CONTRAST = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const c = channels(getComputedStyle(at).backgroundColor);
      if (c.length < 4 || c[3] === 1) return c;
    }
    return [0, 0, 0];
  };
  const seen = [...document.querySelectorAll(".settings :is(textarea, input:not([type=range]))")]
    .filter((e) => e.offsetParent && e.offsetWidth > 2 && getComputedStyle(e).opacity !== "0")
    .filter((e) => parseFloat(getComputedStyle(e).borderTopWidth) > 0);
  return seen.map((e) => {
    const [a, b] = [channels(getComputedStyle(e).borderTopColor), ground(e.parentElement)].map(light);
    return [e.getAttribute("aria-label") ?? e.type, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  });
}"""


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_edges_of_controls_stand_out_three_to_one(page: Page, scheme: str) -> None:
    if scheme == "light":
        page.click("#light")
    for tab in TABS:
        turn(page, tab.title)
        edges = page.evaluate(CONTRAST)
        assert edges or not in_tab(tab.name), tab.name
        faint = [(name, round(ratio, 2)) for name, ratio in edges if ratio < 3]
        assert not faint, (tab.name, faint)


def test_a_mask_is_made_by_numbers(page: Page) -> None:
    turn(page, "Edit")
    wait_for_input(page, "edit", "image")
    reach(page, "#edit-tools summary")
    page.keyboard.press("Enter")
    reach(page, "#edit-tools [data-do=save]")
    for value in (16, 32, 40, 24):
        page.keyboard.press("Tab")
        page.keyboard.type(str(value))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    mask = np.asarray(Image.open(io.BytesIO(base64.b64decode(input_of(page, "edit", "mask").split(",")[1]))))[..., 0]
    assert (mask > 127).sum() == 40 * 24 and mask[32:56, 16:56].all()


def test_what_is_on_a_canvas_survives_a_reload(page: Page) -> None:
    turn(page, "Edit")
    wait_for_input(page, "edit", "image")
    page.click("#edit-tools summary")
    page.fill("#edit-tools [data-side=width]", "50")
    page.fill("#edit-tools [data-side=height]", "60")
    page.click("#edit-tools [data-do=mark]")
    before = input_of(page, "edit", "mask")
    page.wait_for_timeout(1000)
    page.reload()
    page.wait_for_selector("#history .entries > *", state="attached")
    turn(page, "Edit")
    page.wait_for_timeout(1000)
    assert input_of(page, "edit", "mask") == before


def reach(page: Page, selector: str) -> None:
    """Tab until something has the focus."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by Tab")
