"""Cards of the bundled weights, readable without torch."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

BUNDLED = Path(os.environ.get("DARKROOM_WEIGHTS", Path(__file__).parents[2] / "assets" / "weights"))


LORA = "lora-"  # what the files of LoRAs begin with


class WeightsError(RuntimeError):
    """Weights are missing, damaged or of another shape. The message says which file and what to do."""


def add_measurements(name: str, shown: dict[str, Any], folder: Path | None = None) -> None:
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
        raise WeightsError(
            f"The weights '{name}' are missing: {path.name} is not there; restore it with git checkout."
        ) from None
    except (ValueError, OSError) as error:
        raise WeightsError(f"The card {path.name} cannot be read ({error}); restore it with git checkout.") from None


def data_dir() -> Path:
    """Where the program keeps what people made: $DARKROOM_HOME, or ~/.local/share/darkroom."""
    return Path(os.environ.get("DARKROOM_HOME", Path.home() / ".local" / "share" / "darkroom"))


def loras() -> dict[str, Path]:
    """LoRAs by name: the bundled ones and those that were taught here."""
    return {
        path.stem.removeprefix(LORA): path
        for folder in (data_dir() / "loras", BUNDLED)
        for path in sorted(folder.glob(f"{LORA}*.safetensors"))
    }


def trigger(path: Path) -> str:
    """The word that calls a LoRA, from its file; "" where it does not say, or is none."""
    try:
        with safe_open(path, "np") as file:
            about = file.metadata() or {}
        return str((about | json.loads(about.get("config", "{}"))).get("trigger", "")).strip()
    except (SafetensorError, OSError, ValueError, TypeError):
        return ""


def parse_loras(loras: str) -> list[tuple[str, float]]:
    """ "flat:0.8, lines" as names and strengths, 1 where none is said. Raises ValueError with one sentence."""
    found = []
    for part in filter(None, (part.strip() for part in loras.split(","))):
        name, _, strength = (side.strip() for side in part.partition(":"))
        try:
            found.append((name, float(strength or 1)))
        except ValueError:
            raise ValueError(
                f"the strength of the LoRA {name} is {strength[:20]!r}; write a number, such as {name}:0.8"
            ) from None
        if not -2 <= found[-1][1] <= 2:
            raise ValueError(f"the strength of the LoRA {name} is {strength}; it can be -2 to 2")
    if twice := next((name for i, (name, _) in enumerate(found) if name in dict(found[:i])), ""):
        raise ValueError(f"the LoRA {twice} is named twice; name it once, with the strength that you mean")
    return found
