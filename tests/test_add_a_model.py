"""docs/add-a-model.md, followed to the letter in a copy of the tree: one folder, one edited line, and everything
works."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "add-a-model.md").read_text()

CHECK = """
import json, sys
from pathlib import Path
from app import live, metadata
from app.desktop import Desktop
from app.history import History
from pipelines.core.registry import get_spec

history = History(Path("history.sqlite"))
desktop = Desktop(history)
form = desktop.tabs["image"].form
assert {"beta", "size", "steps"} <= set(form.controls)
values = [2.0 if name == "beta" else control.value for name, control in form.controls.items()]
settings = form.settings("coloured-noise", tuple(values))
messages = list(live.run("coloured-noise", settings, "me", history))
frames = [m["frame"] for m in messages if "frame" in m]
assert messages[-1]["done"]["files"][0]["name"] == "coloured-noise-0.png", messages[-1]
assert len(messages[-1]["done"]["steps"]) == settings.steps and frames
[item] = history.recent("me")
Path("made.png").write_bytes(history.find("me", item.id).png)
model, again = metadata.from_file("made.png")
assert (model, again) == ("coloured-noise", settings)
config = desktop.blocks.get_api_info()["named_endpoints"]["/coloured_noise"]
assert {p["parameter_name"] for p in config["parameters"]} == {"beta", "size", "steps", "seed"}
print("all is there")
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree with the page's family in it."""
    tree = tmp_path_factory.mktemp("tree")
    for part in ("app", "pipelines"):
        shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "assets").symlink_to(ROOT / "assets")
    shutil.copy(ROOT / "app.py", tree)
    for name, code in re.findall(r"`(pipelines/models/[\w/]+\.py)`\n\n```python\n(.*?)```", PAGE, re.S):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(code)
    line = re.search(r"registry\.py`:\n\n```text\n(.*?)```", PAGE, re.S)[1]
    registry = tree / "pipelines" / "core" / "registry.py"
    text = registry.read_text()
    registry.write_text(text.replace("FAMILIES = (\n", "FAMILIES = (\n" + line))
    assert len(registry.read_text().splitlines()) == len(text.splitlines()) + 1
    return tree


def run(tree: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=tree, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_shell_lists_runs_and_describes_it(copy: Path) -> None:
    assert "coloured-noise" in run(copy, "-m", "pipelines", "list")
    run(copy, "-m", "pipelines", "generate", "coloured-noise", "--beta", "2", "--steps", "2", "--out", "noise.png")
    assert (copy / "noise.png").stat().st_size > 1000
    run(copy, "-m", "pipelines", "card", "coloured-noise")


def test_form_frames_history_file_and_endpoint_follow(copy: Path) -> None:
    assert "all is there" in run(copy, "-c", CHECK)
