"""The starters of the empty tabs: what their settings make, small, into assets/starters."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

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
            image = last.result.image
            small = ImageOps.pad(image, (SIDE, SIDE), Image.Resampling.LANCZOS, color=image.getpixel((0, 0)))
            small.save(path, quality=88)
            written.append(path.name)
    return {"written": written}
