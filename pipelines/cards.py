"""Cards of the bundled weights, readable without torch."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

BUNDLED = Path(os.environ.get("DARKROOM_WEIGHTS", Path(__file__).parent.parent / "assets" / "weights"))


class WeightsError(RuntimeError):
    """Weights are missing, damaged or of another shape. The message says which file and what to do."""


def note(name: str, shown: dict[str, Any], folder: Path | None = None) -> None:
    """Add measured figures to a card, under `shown`; the benchmarks write them, and new weights begin without."""
    about = card(name, folder)
    about["shown"] = about.get("shown", {}) | shown
    ((folder or BUNDLED) / f"{name}.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n")


def card(name: str, folder: Path | None = None) -> dict[str, Any]:
    """The card of a bundle: data, recipe, steps, seconds, sha256, licence, measured metrics. Raises WeightsError."""
    path = (folder or BUNDLED) / f"{name}.json"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise WeightsError(f"The weights '{name}' are missing: {path.name} is not there; restore it with git checkout.") from None
    except (ValueError, OSError) as error:
        raise WeightsError(f"The card {path.name} cannot be read ({error}); restore it with git checkout.") from None
