"""Memory of the program while every model runs in turn, with its starters and examples, as people who try all tabs do.

DARKROOM_MINUTES says how long (30).
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from app import live
from app.history import History
from pipelines.core.registry import CATALOGUE
from pipelines.core.spec import EXAMPLES, ModelSpec

MINUTES = float(os.environ.get("DARKROOM_MINUTES", "30"))


def chosen(spec: ModelSpec) -> list[dict[str, Any]]:
    """Settings to run a model with: its starters, its examples, or its input and defaults."""
    given = {"image": str(EXAMPLES / "avatar.png"), "control": str(EXAMPLES / "face.png")}
    inputs = {name: url for name, url in given.items() if name in spec.settings.model_fields}
    found = [dict(starter) for starter in spec.starters.values()]
    found += [{"prompt": prompt} for prompt in spec.examples.values()]
    return found or [inputs]


def measure() -> dict[str, object]:
    """Resident memory in MB when each model has run once, at its most, and at the end; what was refused."""
    refused: dict[str, str] = {}
    runs, memory, start = 0, [], time.perf_counter()
    with tempfile.TemporaryDirectory() as home:
        history = History(Path(home) / "history.sqlite")
        for turn in itertools.count():
            for spec in CATALOGUE.values():
                wanted = chosen(spec)
                try:
                    settings = spec.settings(**wanted[turn % len(wanted)])
                except ValueError as error:  # what needs files of a person's own
                    refused[spec.name] = str(error).splitlines()[-2].strip()
                    continue
                last = list(live.run(spec.name, settings.model_copy(update={"seed": turn}), "me", history))[-1]
                if "error" in last:
                    refused[spec.name] = last["error"]
                runs += 1
            memory.append(round(live.memory() / 1e6))
            if time.perf_counter() - start > 60 * MINUTES:
                break
    return {
        "minutes": round((time.perf_counter() - start) / 60, 1),
        "runs": runs,
        "MB after each model has run once": memory[0],
        "MB at its most (bar 2500)": max(memory),
        "MB at the end": memory[-1],
        "not run": refused,
    }
