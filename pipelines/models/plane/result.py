"""What the bench leaves: the samples of six families, and the experiment that made them."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from PIL import Image

from pipelines.core import provenance
from pipelines.core.contract import Result

CELL, COLUMNS = 256, 3
VIEW_KEY = "darkroom-plane"
INK, PAPER, DATA = (240, 226, 205), (24, 20, 18), (110, 96, 84)


def unpack(part: Mapping[str, Any]) -> np.ndarray:
    """Coordinates that `experiment.packed` packed."""
    return np.frombuffer(base64.b64decode(part["data"]), "<i2").reshape(part["shape"]) / 1000


def draw_sheet(view: Mapping[str, Any]) -> np.ndarray:
    """Six families' samples over the data, three by two: uint8 (512, 768, 3)."""
    cells, data = [], unpack(view["data"])
    for family in view["families"]:
        cell = np.full((CELL, CELL, 3), PAPER, np.uint8)
        for points, colour in ((data, DATA), (unpack(family["samples"]), INK)):
            for x, y in ((points * [1, -1] / view["span"] + 1) * CELL / 2).round().astype(int):
                cv2.circle(cell, (int(x), int(y)), 1, colour, -1, cv2.LINE_AA)
        cv2.putText(cell, family["title"], (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)
        cells.append(cell)
    return np.vstack([np.hstack(cells[i : i + COLUMNS]) for i in range(0, len(cells), COLUMNS)])


@dataclass(frozen=True)
class PlaneResult(Result):
    """The bench as it stood: what was drawn of it, and its settings with all that was turned."""

    shown: Mapping[str, Any]
    model: str
    settings: dict[str, Any]
    attachments: tuple[Path, ...] = ()
    made_with: dict[str, str] = field(default_factory=dict)
    formats: ClassVar[tuple[str, ...]] = ("png", "json", "csv")

    @classmethod
    def from_png(cls, png: bytes, model: str, settings: dict[str, Any]) -> PlaneResult:
        """Back from a sheet."""
        with Image.open(io.BytesIO(png)) as image:
            image.load()
            return cls(json.loads(image.info[VIEW_KEY]), model, settings)

    @classmethod
    def from_view(cls, preview: np.ndarray, view: Mapping[str, Any], model: str, settings: dict[str, Any]) -> Result:
        """What a frame showed, with what was turned before it."""
        return cls(view, model, view["settings"])

    @property
    def view(self) -> dict[str, Any]:
        return dict(self.shown)

    @property
    def image(self) -> Image.Image:
        """Six families' samples."""
        return Image.fromarray(draw_sheet(self.shown))

    def file(self, kind: str = "png", with_settings: bool = True) -> bytes:
        """A sheet of samples as PNG; the experiment as JSON, which brings its settings back; a CSV of family, x, y."""
        rows = {family["name"]: unpack(family["samples"]) for family in self.shown["families"]}
        if kind == "csv":
            lines = [f"{name},{x:.4f},{y:.4f}\n" for name, points in rows.items() for x, y in points]
            return "".join(["family,x,y\n", *lines]).encode()
        if kind == "json":
            about = json.loads(provenance.to_json(self)) if with_settings else {}
            scores = {family["name"]: family["scores"] for family in self.shown["families"]}
            found = {"rounds": self.shown["rounds"], "scores": scores, "curves": self.shown["curves"]}
            return json.dumps({**about, **found, "samples": {k: v.tolist() for k, v in rows.items()}}).encode()
        buffer, info = io.BytesIO(), provenance.to_png(self, with_settings)
        info.add_itxt(VIEW_KEY, json.dumps(self.shown), zip=True)
        self.image.save(buffer, "PNG", pnginfo=info)
        return buffer.getvalue()
