"""The rules that hold the house up: who may import whom, and when."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_building_the_desktop_does_not_import_torch() -> None:
    assert (
        run(
            "import sys; from app.desktop import Desktop; Desktop(); print('torch' in sys.modules, 'transformers' in "
            "sys.modules)"
        )
        == "False False"
    )


def test_the_catalogue_imports_neither_torch_nor_gradio() -> None:
    assert run("import sys, pipelines; pipelines.catalogue(); print({'torch', 'gradio'} & set(sys.modules))") == "set()"


def test_the_models_do_not_know_the_browser() -> None:
    assert not [p for p in (ROOT / "pipelines").rglob("*.py") if "gradio" in p.read_text()]


def test_nothing_in_app_imports_torch() -> None:
    lines = [line.strip() for p in (ROOT / "app").rglob("*.py") for line in p.read_text().splitlines()]
    assert not [line for line in lines if line.startswith(("import torch", "from torch"))]


def test_the_start_is_short() -> None:
    assert len((ROOT / "app.py").read_text().splitlines()) <= 40


def test_the_readme_is_a_card_that_a_space_accepts() -> None:
    import yaml

    front = yaml.safe_load((ROOT / "README.md").read_text().split("---")[1])
    assert (front["sdk"], front["app_file"]) == ("gradio", "app.py")
    assert str(front["python_version"]) in {"3.11", "3.12", "3.12.12"}
    assert len(front["short_description"]) <= 60
    assert {"title", "emoji", "colorFrom", "colorTo", "tags", "license", "sdk_version"} <= set(front)
