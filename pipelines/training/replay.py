"""How a training went, to be scrubbed through in the page: what it drew at each look, and its numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipelines.nn import weights

REPLAY = weights.BUNDLED.parent / "replay"


def record_looks(name: str, folder: Path, rows: slice, top: np.ndarray | None = None) -> dict[str, list[Any]]:
    """The rows of each look's sheet, one below the other under `top`, as assets/replay/NAME.jpg; and their steps and
    numbers. Without `top`, what lies above the rows in the first sheet is it. {} where nobody looked."""
    sheets = {int(path.stem[6:]): np.asarray(Image.open(path)) for path in sorted(folder.glob("sheet-*.png"))}
    path = folder / "looks.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    looks = {look["step"]: look for look in map(json.loads, lines) if look["step"] in sheets}
    if not looks:
        return {}
    looks = [looks[step] for step in sorted(looks)]
    first = sheets[looks[0]["step"]][: rows.start] if top is None else top
    REPLAY.mkdir(parents=True, exist_ok=True)
    strip = np.concatenate([first, *(sheets[look["step"]][rows] for look in looks)])
    Image.fromarray(strip).save(REPLAY / f"{name}.jpg", quality=80)
    return {key: [look[key] for look in looks] for key in looks[0] if all(key in look for look in looks)}
