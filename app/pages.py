"""What a tab shows besides its stage, or in place of one: family tree, chooser, lab, reports, arena. Each is drawn by
static/pages/."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app import arena, evaluate, lab
from pipelines.core import chooser, lineage
from pipelines.core.spec import ASSETS


@functools.cache
def costs() -> dict[str, Any]:
    """By model, what one result took when `python -m bench costs` measured it; {} where it never did."""
    path = ASSETS / "costs.json"
    return json.loads(path.read_text()) if path.exists() else {}


def choose(answers: Any) -> dict[str, Any]:
    """Five answers, in the order of the questions, to an advice; {"error": sentence} where they are none."""
    try:
        advice = chooser.to_page(chooser.choose(*answers))
    except (TypeError, ValueError) as error:
        return {"error": str(error)}
    return advice | {"cost": costs().get("models", {}).get(advice["model"])}


@dataclass(frozen=True)
class Page:
    """A page: what its button is called, its data, and what it can ask the server."""

    title: str
    data: Callable[[], Any]
    asks: tuple[Callable[[Any], Any], ...] = ()


PAGES = {
    "map": Page("Map", lineage.to_page),
    "chooser": Page("Chooser", lambda: {"questions": chooser.QUESTIONS, "on": costs().get("on", "")}, (choose,)),
    "claims": Page("Claims", dict, (lab.list_experiments, lab.begin_experiment, lab.go_on)),
    "reports": Page("Reports", dict, evaluate.functions()),
    "ballot": Page("Ballot", dict, tuple(arena.functions(arena.Ballots()))),
}
