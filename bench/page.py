"""The program as a person meets it, in a real Chromium: from `python app.py` to a page that can be used, then pictures.

Times are of the browser's own clock, from the click to the picture in the page; n = 3 starts, 20 warm pictures.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CLOCK = """() => {
  window.times = {};
  const now = document.getElementById('image-now'), since = () => performance.now() - times.click;
  new MutationObserver(() => { times.first ??= since(); if (now.src.startsWith('data:image/png')) times.last ??= since(); }).observe(now, {attributes: true});
  document.getElementById('image-generate').addEventListener('click', () => { window.times = {click: performance.now()}; }, true);
}"""


def picture(page: Page, prompt: str) -> tuple[float, float, float]:
    """Seconds from the click to the first preview and to the finished picture, and what of it was not the run."""
    page.fill("#image-prompt textarea", prompt)
    page.click("#image-generate")
    page.wait_for_function(
        "times.last", polling=100
    )  # the finished picture is the only PNG; polling at every frame would slow the run
    page.wait_for_selector("#image-generate:enabled")
    run = page.evaluate("darkroom.then((page) => page.stage('image').seconds)")
    last = page.evaluate("times.last / 1000")
    return page.evaluate("times.first / 1000"), last, last - run


def peak(process: int) -> float:
    """The greatest resident memory that a process has had, in MB."""
    return next(
        int(line.split()[1]) / 1000
        for line in Path(f"/proc/{process}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )


def measure() -> dict[str, object]:
    """Seconds to the page, to the first preview, to the picture; and the program's peak memory."""
    starts, starters = [], []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as home:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for _ in range(3):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            start = time.perf_counter()
            app = subprocess.Popen(
                [sys.executable, "app.py"],
                env={**os.environ, "PORT": str(port), "DARKROOM_HOME": home},
                stdout=subprocess.DEVNULL,
            )
            try:
                page = browser.new_page()
                while (
                    time.perf_counter() - start < 60
                ):  # not by the browser: its page for a refused connection costs the start half of the processor
                    with socket.socket() as knock:
                        if knock.connect_ex(("127.0.0.1", port)) == 0:
                            break
                    time.sleep(0.05)
                page.goto(f"http://127.0.0.1:{port}")
                page.wait_for_selector("#image-generate:enabled")
                page.wait_for_selector("#history .entries > *", state="attached")
                starts.append(round(time.perf_counter() - start, 2))
                clicked = time.perf_counter()
                page.locator("#image-empty .starters button").first.click()
                page.wait_for_selector("#image-downloads a")
                starters.append(round(time.perf_counter() - clicked, 2))
                if len(starts) == 3:
                    page.evaluate(CLOCK)
                    warm = [picture(page, f"a woman with curly red hair and {i} earrings") for i in range(20)]
                    memory = peak(app.pid)
                page.close()
            finally:
                app.terminate()
                app.wait()
    first, last, more = (round(statistics.median(values), 3) for values in zip(*warm, strict=True))
    return {
        "seconds from start to usable page (bar 3)": starts,
        "seconds from a first click on a starter to its picture (bar 3)": starters,
        "warm: click to first preview (bar 0.2)": first,
        "warm: click to picture (bar 0.6)": last,
        "of it more than the run (bar 0.12)": more,
        "peak memory of the program in MB (bar 2000)": round(memory),
    }
