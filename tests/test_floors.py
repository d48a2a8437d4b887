"""The plan of the house: imports run downwards only (DESIGN.md), and nobody meets in a circle."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# what a folder of pipelines/ may import, besides itself
FLOORS = {
    "media": set(),
    "core": {"media"},
    "nn": {"core"},
    "text": {"core", "nn"},
    "diffusion": {"core", "nn", "media", "text"},
    "models": {"media", "core", "nn", "diffusion", "text"},
    "backends": {"media", "core", "nn", "diffusion", "text", "models"},
    "evaluation": {"media", "core", "nn", "diffusion", "text", "models"},
    "lab": {"media", "core", "nn", "diffusion", "text", "models", "evaluation"},
    "datasets": {"media", "core", "nn", "diffusion", "text", "models"},
    "training": {"media", "core", "nn", "diffusion", "text", "models", "datasets", "evaluation"},
}
SPECS = "pipelines.models.*.spec"  # the registry reads each family's spec, the one import that goes up


def is_recipe(path: Path) -> bool:
    """Recipes lie in their family's folder, but stand on the highest floor: training alone imports them."""
    return path.stem.startswith("recipe") or path.name == "training.py"


def imports(path: Path) -> set[str]:
    """Modules of pipelines that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("pipelines"):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("pipelines")}
    return found


@pytest.mark.parametrize("floor", sorted(f for f in FLOORS if (ROOT / "pipelines" / f).exists()))
def test_imports_run_downwards(floor: str) -> None:
    wrong = []
    for path in (ROOT / "pipelines" / floor).rglob("*.py"):
        allowed = FLOORS["training"] | {"training"} if is_recipe(path) else FLOORS[floor] | {floor}
        for module in imports(path):
            parts = module.split(".")
            if len(parts) > 2 and (ROOT / "pipelines" / parts[1]).is_dir() and parts[1] not in allowed:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
            if len(parts) > 3 and parts[-2].startswith("recipe") and not is_recipe(path) and floor != "training":
                wrong.append(f"{path.relative_to(ROOT)} imports {module}, a recipe")
    assert not wrong, "\n".join(sorted(wrong))


def test_importing_every_spec_imports_no_torch() -> None:
    code = (
        "import sys, pipelines; pipelines.catalogue(); print({'torch', 'gradio', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_family_has_its_spec_and_is_one_line_of_the_registry() -> None:
    from pipelines.core.registry import FAMILIES

    folders = {path.parent.name for path in (ROOT / "pipelines" / "models").glob("*/spec.py")}
    assert folders == set(FAMILIES)
