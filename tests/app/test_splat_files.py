"""Files of splats that are dropped on the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.desktop import GAUSSIAN_FILES, UNREAD_GAUSSIAN_FILES, Desktop
from app.tabs import TABS, Tab
from app.theme import LAUNCH
from pipelines.core.registry import in_tab
from pipelines.models.gaussian_splatting import files as scenes

POINTS = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nend_header\n"


def drop(path: Path, tab: Tab) -> dict[str, Any]:
    """What the page is told."""
    message, *_ = Desktop.__new__(Desktop).restore(SimpleNamespace(tab=tab, form=None, unchanged=[]), str(path))
    return json.loads(message)


def test_a_million_splats_of_degree_3_may_be_sent_to_the_page() -> None:
    size = re.fullmatch(r"(\d+)mb", LAUNCH["max_file_size"])
    assert size and int(size[1]) * 1024**2 > 4 * 62 * scenes.MOST


def test_the_page_says_how_many_splats_were_left_out(tmp_path: Path) -> None:
    home = next(tab for tab in TABS if tab.files == "gaussians")
    (tmp_path / "a.PLY").write_text(POINTS + "0 0 0\n1 1 1\nnan 0 0\n")
    message = drop(tmp_path / "a.PLY", home)
    assert message["still"]["view"]["count"] == 2
    assert message["say"] == "Left out: 1 of 3 splats, for numbers that are none or out of all bounds."
    (tmp_path / "a.PLY").write_text(POINTS + "0 0 0\n1 1 1\n0 0 0\n")
    assert "say" not in drop(tmp_path / "a.PLY", home)
    (tmp_path / "a.PLY").write_text(POINTS + "0 0 0\n")
    assert "is cut off" in drop(tmp_path / "a.PLY", home)["error"]


WITH_MODELS = [tab for tab in TABS if in_tab(tab.name)]


@pytest.mark.parametrize("tab", WITH_MODELS, ids=[tab.name for tab in WITH_MODELS])
def test_formats_that_are_not_read_are_named_in_every_tab(tab: Tab, tmp_path: Path) -> None:
    assert set(UNREAD_GAUSSIAN_FILES) == set(scenes.UNREAD) and not set(GAUSSIAN_FILES) & set(scenes.UNREAD)
    for kind in UNREAD_GAUSSIAN_FILES:
        assert "export it as .ply" in drop(tmp_path / f"a{kind.upper()}", tab)["error"]
    if tab.files != "gaussians":
        assert "open the tab 3D" in drop(tmp_path / "a.ply", tab)["error"]
