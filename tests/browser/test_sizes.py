"""Windows, zooms and phones: the whole picture, nothing cut, nothing overlapping, the prompt beside its button."""

from __future__ import annotations

import pytest
from pages import SCREENSHOTS, frames, opened
from playwright.sync_api import Browser

from app.tabs import TABS

SIZES = [
    (1440, 900),
    (1366, 768),
    (1280, 720),
    (720, 450),
    (844, 390),
    (390, 844),
]  # 720 x 450 is 1440 x 900 at 200 %
FAULTS = """(tab) => {
  const found = [], desk = document.getElementById(`${tab}-desk`), box = (e) => e.getBoundingClientRect();
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) found.push(`the page is ${wide} wide`);
  if (!desk.querySelector(".tray")) return found;  // a page without a stage
  const tray = box(desk.querySelector(".tray"));
  if (Math.max(tray.width, tray.height) < 200) found.push(`the tray is ${tray.width} x ${tray.height}`);
  const now = document.getElementById(`${tab}-now`);
  if (now.offsetParent && Math.min(box(now).width, box(now).height) < 199)
    found.push(`the picture is ${box(now).width} x ${box(now).height}`);
  const parts = [...desk.querySelectorAll(".bar, .tray, .toolrows, .film, .scrub, .cap")].filter((e) => e.offsetParent);
  for (const [i, one] of parts.entries()) {
    const view = box(desk.querySelector(".view"));
    if (box(one).left < view.left - 1 || box(one).right > view.right + 1) found.push(`${one.className} is cut`);
    for (const other of parts.slice(i + 1))
      if (box(one).bottom > box(other).top + 1 && box(other).bottom > box(one).top + 1)
        found.push(`${one.className} overlaps ${other.className}`);
  }
  const view = desk.querySelector(".view");  // what does not fit can be scrolled to
  if (view.scrollHeight > view.clientHeight + 1 && getComputedStyle(view).overflowY === "hidden") found.push("cut below");
  const run = box(document.getElementById(`${tab}-generate`));
  if (innerWidth > 1180 && run.bottom > box(desk).bottom + 1) found.push(`the button ends ${run.bottom}`);
  const prompt = document.querySelector(`#${tab}-prompt textarea`);
  if (prompt?.offsetParent) {
    prompt.scrollIntoView({block: "start"});
    const last = box(document.getElementById(`${tab}-generate`)).bottom;
    if (box(prompt).top < -1 || last > innerHeight + 1) found.push(`the prompt ends ${last} of ${innerHeight}`);
    scrollTo(0, 0);
  }
  return found;
}"""


@pytest.mark.parametrize("size", SIZES)
def test_every_tab_fits(browser: Browser, served: str, size: tuple[int, int]) -> None:
    page = opened(browser, served, viewport={"width": size[0], "height": size[1]})
    page.fill("#image-prompt textarea", "a cat")
    page.click("#image-generate")
    page.wait_for_selector("#image-downloads a")
    found = []
    for tab in TABS:
        page.evaluate(f"document.querySelector('#tabrow [data-tab={tab.name}]').click()")
        page.wait_for_selector(f"#{tab.name}-desk")
        page.wait_for_timeout(200)
        frames(page)
        found += [f"{tab.name}: {fault}" for fault in page.evaluate(FAULTS, tab.name)]
    page.screenshot(path=SCREENSHOTS / f"size-{size[0]}.png")
    page.context.close()
    assert found == [], "\n".join(found)
