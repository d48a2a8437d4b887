"""The documents are current: figures come from the cards, and what they link to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench import results

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "BUNDLED", ROOT / "assets" / "weights")


def test_results_are_current() -> None:
    assert results.RESULTS.read_text() == results.results(), "run python -m bench results"


def test_the_table_of_families_is_current() -> None:
    assert results.MARKS[0] in results.README.read_text()
    assert results.README.read_text() == results.readme(), "run python -m bench results"


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert ((ROOT / page).parent / target).exists(), target
