"""The contract: a pipeline is a generator of frames, and the last frame carries the result.

Whoever iterates owns progress, preview, pause and cancel; closing the generator is the cancel.
"""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.settings import Settings

KEY = "darkroom"  # the PNG text chunk that holds the settings


@dataclass(frozen=True)
class Picture:
    """A finished picture and what made it."""

    pixels: UInt8[np.ndarray, "h w 3"]
    model: str
    settings: dict[str, Any]
    beside: tuple[Path, ...] = ()  # files that belong to it, such as a LoRA that draws so

    @property
    def image(self) -> Image.Image:
        """The pixels as a PIL image."""
        return Image.fromarray(self.pixels)

    def png(self, with_settings: bool = True) -> bytes:
        """The picture as PNG bytes; unless told otherwise, the settings travel inside it."""
        info = PngInfo()
        if with_settings:
            info.add_itxt(KEY, json.dumps({"model": self.model, "settings": self.settings}, ensure_ascii=False))
        buffer = io.BytesIO()
        self.image.save(buffer, "PNG", pnginfo=info)
        return buffer.getvalue()

    def save(self, path: str | Path, with_settings: bool = True) -> Path:
        """Write `png` to a file; its path."""
        path = Path(path)
        path.write_bytes(self.png(with_settings))
        return path


@dataclass(frozen=True)
class Frame:
    """What one step shows."""

    step: int  # 1-based; the last frame has step == steps
    steps: int
    preview: UInt8[np.ndarray, "h w 3"]  # what the model believes now (the x0 estimate)
    state: UInt8[np.ndarray, "hs ws 3"] | None = None  # where it stands (x_t)
    note: str = ""  # one short line
    result: Picture | list[Picture] | None = None  # None until the last frame
    detail: dict[str, Any] = field(default_factory=dict)  # numbers and maps that the inspector draws


class Pipeline(ABC):
    """A model that can be asked. `generate(**settings)` validates before any work and yields a frame a step."""

    name: ClassVar[str]
    Settings: ClassVar[type[Settings]] = Settings

    def generate(self, **settings: Any) -> Iterator[Frame]:
        """Frames of one run. Raises pydantic.ValidationError, at once, naming field, value and range."""
        return self.run(self.Settings(**settings))

    @abstractmethod
    def run(self, settings: Any) -> Iterator[Frame]:
        """Frames for validated settings."""


def tile(pictures: UInt8[np.ndarray, "n h w 3"]) -> UInt8[np.ndarray, "gh gw 3"]:
    """Several pictures as one grid, as square as can be; a missing corner is black."""
    n, height, width, _ = pictures.shape
    columns = int(np.ceil(np.sqrt(n)))
    lines = -(-n // columns)
    padded = np.concatenate([pictures, np.zeros((lines * columns - n, height, width, 3), np.uint8)])
    return padded.reshape(lines, columns, height, width, 3).swapaxes(1, 2).reshape(lines * height, columns * width, 3)
