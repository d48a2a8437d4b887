"""Cards of the bundled weights, readable without torch."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import re
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

BUNDLED = Path(os.environ.get("DARKROOM_WEIGHTS", Path(__file__).parents[2] / "assets" / "weights"))

LORA = "lora-"  # what the files of LoRAs begin with
LORA_BASES = ("latent-diffusion", "latent-diffusion-256")  # the weights beside which they are taught
BREAKING = re.compile(r"""[,:<>"`\\]+""")  # in a LoRA's name: what settings, shells and HTML read as something else

log = logging.getLogger("darkroom")


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


def fingerprint(bundles: tuple[str, ...]) -> str:
    """Eight digits that tell the files of some bundles from those of other trainings; "" where a card is missing."""
    try:
        files = [card(name)["files"] for name in bundles]
    except WeightsError:
        return ""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:8]


def data_dir() -> Path:
    """Where the program keeps what people made: $DARKROOM_HOME, or ~/.local/share/darkroom."""
    return Path(os.environ.get("DARKROOM_HOME", Path.home() / ".local" / "share" / "darkroom"))


def printable(text: str) -> str:
    """Text that can be shown and sent: without control and format characters and halves of surrogate pairs."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def lora_name(path: Path) -> str:
    """The name that settings know a LoRA's file by; what would break them becomes a hyphen."""
    stem = "".join(c if c.isprintable() else "-" for c in path.stem.removeprefix(LORA))
    return BREAKING.sub("-", stem).strip()


def loras() -> dict[str, Path]:
    """LoRAs by name: those that were taught here and the bundled ones; what cannot be listed is in the log."""
    bundled, own = (
        sorted(folder.glob(f"{LORA}*.safetensors"), key=lambda path: (path.stem != LORA + lora_name(path), path))
        for folder in (BUNDLED, data_dir() / "loras")
    )  # files whose names are safe go before those that become their like
    found: dict[str, Path] = {}
    for path in (*bundled, *own):
        name = lora_name(path)
        if not name or not path.is_file():
            warn_unlisted(path, "it has no name" if not name else "it is no file")
        elif name in found:
            warn_unlisted(path, f"another LoRA is called {name}")
        else:
            found[name] = path
    return {name: found[name] for name in sorted(found, key=lambda name: (found[name] in bundled, found[name]))}


@functools.lru_cache(1000)
def warn_unlisted(path: Path, reason: str) -> None:
    """Say once in the log why a LoRA is not listed."""
    log.warning("the LoRA %s is not listed: %s; rename the file", ascii(str(path)), reason)


def read_metadata(path: Path) -> dict[str, Any]:
    """What a LoRA's file says of itself; nothing where it says nothing, or is none."""
    try:
        with safe_open(path, "np") as file:
            about = file.metadata() or {}
        return about | json.loads(about.get("config", "{}"))
    except (SafetensorError, OSError, ValueError, TypeError, RecursionError):
        return {}


def trigger(path: Path) -> str:
    """The word that calls a LoRA, from its file; "" where it does not say."""
    return printable(str(read_metadata(path).get("trigger", ""))).strip()


def lora_base(path: Path) -> str:
    """The weights that a LoRA was taught beside; where its file names none of ours, those of people."""
    base = read_metadata(path).get("base")
    return base if base in LORA_BASES else LORA_BASES[0]


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
