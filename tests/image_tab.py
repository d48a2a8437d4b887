"""What a person does in the Image tab."""

from __future__ import annotations

import time
from typing import Any

import pages
import pytest
from playwright.sync_api import Page, expect

from app import live, viewer

PROMPT = "#image-prompt textarea"


def field(page: Page, name: str, value: float) -> None:
    """A number into a control."""
    pages.field(page, "image", name, value)


def generate(page: Page, prompt: str = "a bald man in shades", steps: int = 20) -> None:
    """A prompt into its picture."""
    page.fill(PROMPT, prompt)
    field(page, "steps", steps)
    page.click("#image-generate")
    page.wait_for_selector("#image-downloads a")
    expect(page.locator("#image-generate")).to_be_enabled()


def slow(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make every step take a while and be sent, and count them."""
    steps: list[int] = []
    frame_message = viewer.frame_message

    def counted(frame: Any) -> dict[str, Any]:
        steps.append(frame.step)
        time.sleep(0.05)
        return frame_message(frame)

    monkeypatch.setattr(viewer, "frame_message", counted)
    monkeypatch.setattr(live, "EVERY", 0)
    return steps
