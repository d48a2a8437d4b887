"""What one result of every model costs on this machine, with its own defaults: seconds of a warm run, network calls.

    python -m bench costs

Written to assets/costs.json, which the Atlas's chooser shows.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from bench.gpu import FEW, inputs
from pipelines import catalogue, load
from pipelines.core.spec import ASSETS

SKIPPED = ("lora", "plane")  # they train for as long as they are told to


def measure() -> dict[str, Any]:
    """Seconds and calls by model."""
    found = {}
    for spec in catalogue():
        if spec.name in SKIPPED:
            continue
        defaults = {k: field.default for k, field in spec.settings.model_fields.items() if k in FEW}
        settings = inputs(spec) | {k: v for k, v in defaults.items() if k not in ("prompt", "trigger")}
        pipe = load(spec.name)
        *_, _ = pipe.generate(**inputs(spec))
        begun = time.perf_counter()
        *_, frame = pipe.generate(**settings)
        seconds = round(time.perf_counter() - begun, 3)
        found[spec.name] = {"seconds": seconds, "calls": frame.trace.get("calls") or frame.steps}
    costs = {"on": f"{os.cpu_count()} CPU cores", "models": found}
    (ASSETS / "costs.json").write_text(json.dumps(costs, indent=1) + "\n")
    return costs
