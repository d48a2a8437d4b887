"""A Chromium and what a person does in every tab."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

SCREENSHOTS = Path(__file__).parent / "browser" / "screenshots"


FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)


def opened(browser: Browser, address: str, **options: object) -> Page:
    context = browser.new_context(
        **{"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark", "accept_downloads": True, **options}
    )
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#history .entries > *", state="attached")
    return page


@pytest.fixture
def page(browser: Browser, served: str) -> Iterator[Page]:
    yield from watched(opened(browser, served))


@pytest.fixture
def painted(browser: Browser, served: str) -> Iterator[Page]:
    """A page with WebGL: by SwiftShader, which makes everything else slow too."""
    own = browser.browser_type.launch(
        executable_path=shutil.which("chromium"), args=[*FLAGS, "--enable-unsafe-swiftshader"]
    )
    yield from watched(opened(own, served))
    own.close()


def watched(page: Page) -> Iterator[Page]:
    """The page; its errors, and whatever else is in its console, fail the test that it was for."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") and not quiet(m.text) else 0)
    yield page
    assert errors == [], errors
    page.context.close()


def quiet(text: str) -> bool:
    """What the browser itself says of a machine without a GPU, of a network that a test took away, of pixels that a
    test reads, and Gradio of each upload."""
    own = (
        "GPU stall",
        "GroupMarkerNotSet",
        "ERR_INTERNET_DISCONNECTED",
        "willReadFrequently",
        "Method not implemented",
    )
    return any(part in text for part in own)


def frames(page: Page) -> None:
    """Two frames pass. Gradio writes the first values of what it shows for the first time once more a frame later, over
    what was typed before."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def turn(page: Page, tab: str) -> None:
    """To a tab."""
    page.get_by_role("tab", name=tab).click()
    frames(page)


def input_of(page: Page, tab: str, name: str) -> str:
    """What a tab's input editor gives, as a data URL."""
    return page.evaluate(f"darkroom.then((page) => page.get('{tab}', '{name}'))")


def wait_for_input(page: Page, tab: str, name: str) -> None:
    """Wait until the editor gives something, for ten seconds at most."""
    for _ in range(100):
        if input_of(page, tab, name):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"nothing is given as {name}")


def field(page: Page, tab: str, name: str, value: float) -> None:
    """A number into a tab's control."""
    box = page.locator(f"#{tab}-{name} input[type=number]")
    box.fill(str(value))
    box.blur()


def fits_a_phone(browser: Browser, address: str, tab: str, waits_for: str) -> None:
    """A tab on a phone: nothing is wider than the screen; a screenshot is kept."""
    page = opened(browser, address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.locator("#tabrow button", has_text=tab).click()
    frames(page)
    page.wait_for_selector(waits_for)
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=SCREENSHOTS / f"{tab.lower()}-phone.png", full_page=True)
    page.context.close()
