"""The starters of the empty tabs: what their settings make, small, into assets/starters."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from pipelines import load
from pipelines.core.registry import CATALOGUE

FOLDER, SIDE = Path(__file__).parent.parent / "assets" / "starters", 168


def measure() -> dict[str, object]:
    """Draw each one, with its own seed; the files that were written."""
    FOLDER.mkdir(exist_ok=True)
    written = []
    for spec in CATALOGUE.values():
        for k, settings in enumerate(spec.starters.values()):
            *_, last = load(spec.name).generate(**settings)
            path = FOLDER / f"{spec.name}-{k}.jpg"
            last.result.image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(path, quality=88)
            written.append(path.name)
    return {"written": written}
