"""The rules that hold the house up: who may import whom, and when."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from app.tabs import TABS
from pipelines.core.registry import CATALOGUE
from pipelines.core.spec import FORMATS

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
    assert (
        run("import sys, pipelines; pipelines.catalogue(); print({'torch', 'gradio'} & set(sys.modules))") == "set()"
    )


def test_the_models_do_not_know_the_browser() -> None:
    assert not [p for p in (ROOT / "pipelines").rglob("*.py") if "gradio" in p.read_text()]


def test_nothing_in_app_imports_torch() -> None:
    lines = [line.strip() for p in (ROOT / "app").rglob("*.py") for line in p.read_text().splitlines()]
    assert not [line for line in lines if line.startswith(("import torch", "from torch"))]


# kinds of results are called as some tabs are
NAMES = {*CATALOGUE, *(tab.name for tab in TABS), *(tab.title for tab in TABS)} - set(FORMATS)


def test_no_decision_of_the_page_names_a_model_or_a_tab() -> None:
    """What differs from model to model stands in its spec, what differs from tab to tab in TABS."""
    found = []
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            constants = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
            if isinstance(node, (ast.Compare, ast.Match)) and NAMES & {c for c in constants if isinstance(c, str)}:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found


def test_no_module_of_the_page_names_a_model_or_a_tab() -> None:
    strings = re.compile(r"""["'`]([\w-]+)["'`]""")
    found = {
        f"{path.name}: {name}"
        for path in (ROOT / "app" / "static").rglob("*.js")
        if path.parent.name != "vendor"
        for name in NAMES & set(strings.findall(path.read_text()))
    }
    assert found <= {"sketch.js: sketch", "loras.js: lora"}  # an input editor, and a class of CSS


def test_viewers_and_editors_are_there_for_all_that_the_specs_name() -> None:
    static = ROOT / "app" / "static"
    page = (static / "core" / "main.js").read_text()
    for folder, register, wanted in (
        ("viewers", "registerViewer", set(FORMATS)),
        ("inputs", "registerEditor", {tab.editor for tab in TABS} - {""}),
    ):
        texts = {path: path.read_text() for path in (static / folder).glob("*.js")}
        found = {name for text in texts.values() for name in re.findall(rf'{register}\("(\w+)"', text)}
        assert wanted <= found
        assert all(f"../{folder}/{path.name}" in page for path, text in texts.items() if f"{register}(" in text)


def test_the_start_is_short() -> None:
    assert len((ROOT / "app.py").read_text().splitlines()) <= 40


def test_the_readme_is_a_card_that_a_space_accepts() -> None:
    import yaml

    front = yaml.safe_load((ROOT / "README.md").read_text().split("---")[1])
    assert (front["sdk"], front["app_file"]) == ("gradio", "app.py")
    assert str(front["python_version"]) in {"3.11", "3.12", "3.12.12"}
    assert len(front["short_description"]) <= 60
    assert {"title", "emoji", "colorFrom", "colorTo", "tags", "license", "sdk_version"} <= set(front)
