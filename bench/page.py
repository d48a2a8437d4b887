"""From `python app.py` to a page that can be used, in a real Chromium; n = 3 starts."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time

from playwright.sync_api import sync_playwright


def measure() -> dict[str, object]:
    """Seconds from the start of the program until Generate can be pressed, warm."""
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        for _ in range(3):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            start = time.perf_counter()
            app = subprocess.Popen([sys.executable, "app.py"], env={**os.environ, "PORT": str(port)}, stdout=subprocess.DEVNULL)
            try:
                page = browser.new_page()
                while time.perf_counter() - start < 60:
                    try:
                        page.goto(f"http://127.0.0.1:{port}")
                        break
                    except Exception:
                        time.sleep(0.05)
                page.wait_for_selector("#image-generate:enabled")
                page.wait_for_selector("#sheet p")
                found.append(round(time.perf_counter() - start, 2))
                page.close()
            finally:
                app.terminate()
                app.wait()
    return {"seconds from start to usable page": found, "bar": 5}
