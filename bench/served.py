"""A desktop that is served from this process, with an empty history, and a Chromium beside it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright


@contextlib.contextmanager
def serve_desktop() -> Iterator[tuple[Browser, str]]:
    """The browser, and the page's address."""
    from app.desktop import Desktop
    from app.history import History
    from app.theme import LAUNCH

    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        demo = Desktop(History(Path(home) / "history.sqlite")).blocks
        demo.queue(max_size=64, default_concurrency_limit=8)
        _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **LAUNCH)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser, url
        browser.close()
        demo.close()


def open_tab(browser: Browser, url: str, tab: str) -> Page:
    """A tab of a fresh page, of somebody new."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(url)
    page.wait_for_selector("#history .entries > *", state="attached")
    page.get_by_role("tab", name=tab).click()
    page.wait_for_timeout(500)
    return page
