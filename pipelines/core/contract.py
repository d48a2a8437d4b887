"""The contract: a pipeline is a generator of frames, and the last frame carries the result.

Whoever iterates owns progress, preview, pause and cancel; closing the generator is the cancel.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import zipfile
from abc import ABC, abstractmethod
from collections import UserDict
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import av
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageSequence

from pipelines.core import provenance
from pipelines.core.settings import Settings
from pipelines.media import audio as sounds

POINTS_KEY = "darkroom-points"  # the one that holds samples in the plane, as JSON
SOUND_KEY = "darkroom-sound"  # the one that holds a sound, as a data URL


class GenerationError(RuntimeError):
    """A run cannot go on. The message is one sentence that says what to do."""


class Result(ABC):
    """What a run made, and with which settings."""

    model: str
    settings: dict[str, Any]
    attachments: tuple[Path, ...]
    made_with: dict[str, str]
    formats: ClassVar[tuple[str, ...]]

    @property
    @abstractmethod
    def image(self) -> Image.Image:
        """What stands for it in the history."""

    @abstractmethod
    def file(self, kind: str = "png", with_settings: bool = True) -> bytes:
        """The bytes of a file; unless told otherwise, the settings travel inside it."""

    @classmethod
    def from_view(cls, preview: np.ndarray, view: Mapping[str, Any], model: str, settings: dict[str, Any]) -> Result:
        """What a frame showed, as a result: all that there is of a run that was stopped. KeyError where the frame does
        not show enough; then its preview is still a picture."""
        return ImageResult(preview, model, settings)

    @property
    def view(self) -> dict[str, Any]:
        """Which viewer shows it, and what that one needs besides the preview."""
        return {"kind": "image"}

    @property
    def preview(self) -> UInt8[np.ndarray, "h w 3"]:
        """What a run's last frame shows of it."""
        return np.asarray(self.image)

    @property
    def trace(self) -> dict[str, Any]:
        """What the inspector can say of it without its run."""
        return {}

    def save(self, path: str | Path, with_settings: bool = True) -> Path:
        """Write `file` to a path, in the format that its ending says; the path. Raises ValueError for other endings."""
        path = Path(path)
        kind = path.suffix.lower().removeprefix(".")
        if kind not in self.formats:
            raise ValueError(
                f"A {type(self).__name__.lower()} is no .{kind}: let the name end in .{', .'.join(self.formats)}."
            )
        path.write_bytes(self.file(kind, with_settings))
        return path


@dataclass(frozen=True)
class ImageResult(Result):
    """A finished picture and what made it."""

    pixels: UInt8[np.ndarray, "h w 3"]
    model: str
    settings: dict[str, Any]
    attachments: tuple[Path, ...] = ()  # files that belong to it, such as a LoRA that draws so
    made_with: dict[str, str] = field(default_factory=dict)  # see Pipeline.made_with
    formats: ClassVar[tuple[str, ...]] = ("png",)

    @classmethod
    def from_png(cls, png: bytes, model: str, settings: dict[str, Any]) -> ImageResult:
        """Back from a picture."""
        with Image.open(io.BytesIO(png)) as image:
            return cls(np.array(image.convert("RGB")), model, settings)

    @property
    def image(self) -> Image.Image:
        """The pixels as a PIL image."""
        return Image.fromarray(self.pixels)

    def file(self, kind: str = "png", with_settings: bool = True, **more: Any) -> bytes:
        """The picture as PNG bytes; unless told otherwise, the settings travel inside it, with what is said more."""
        buffer = io.BytesIO()
        self.image.save(buffer, "PNG", pnginfo=provenance.to_png(self, with_settings, **more))
        return buffer.getvalue()


@dataclass(frozen=True)
class VideoResult(Result):
    """A finished clip and what made it. As an animated PNG it goes wherever a picture goes."""

    frames: UInt8[np.ndarray, "f h w 3"]
    fps: int
    model: str
    settings: dict[str, Any]
    attachments: tuple[Path, ...] = ()
    made_with: dict[str, str] = field(default_factory=dict)
    formats: ClassVar[tuple[str, ...]] = ("png", "mp4", "webp", "gif", "zip")

    @classmethod
    def from_png(cls, png: bytes, model: str, settings: dict[str, Any]) -> VideoResult:
        """Back from an animated PNG, which keeps a frame that is like the one before it as a longer one."""
        fps = settings["fps"]
        with Image.open(io.BytesIO(png)) as film:
            frames = [
                (np.array(f.convert("RGB")), round(f.info.get("duration", 0) * fps / 1000))
                for f in ImageSequence.Iterator(film)
            ]
        return cls(np.stack([frame for frame, long in frames for _ in range(max(1, long))]), fps, model, settings)

    @classmethod
    def from_view(cls, preview: np.ndarray, view: Mapping[str, Any], model: str, settings: dict[str, Any]) -> Result:
        """The frames that are there, of the first of several clips."""
        columns = int(np.ceil(np.sqrt(view["of"])))
        rows = -(-view["of"] // columns)
        cells = preview.reshape(rows, preview.shape[0] // rows, columns, preview.shape[1] // columns, 3)
        frames = cells.swapaxes(1, 2).reshape(-1, cells.shape[1], cells.shape[3], 3)[: view["frames"]]
        return cls(frames[:, :, : frames.shape[2] // view["across"]], view["fps"], model, settings)

    @property
    def view(self) -> dict[str, Any]:
        count = len(self.frames)
        return {"kind": "video", "frames": count, "of": count, "fps": self.fps, "across": 1}

    @property
    def preview(self) -> UInt8[np.ndarray, "h w 3"]:
        return tile(self.frames)

    @property
    def trace(self) -> dict[str, Any]:
        changes = frame_differences(self.frames, self.settings.get("loop", False))
        return {"changes": [changes], "ways": [self.settings.get("method", "")]}

    @property
    def image(self) -> Image.Image:
        """The middle frame as a PIL image."""
        return Image.fromarray(self.frames[len(self.frames) // 2])

    def file(self, kind: str = "png", with_settings: bool = True) -> bytes:
        """The clip as the bytes of an animated PNG, WebP or GIF, of an MP4 (H.264), or of a ZIP of its frames; unless
        told otherwise, the settings travel inside it, or in the ZIP beside the frames."""
        buffer, first, *rest = io.BytesIO(), *map(Image.fromarray, self.frames)
        about = provenance.to_json(self) if with_settings else ""
        film = {"save_all": True, "append_images": rest, "duration": 1000 / self.fps, "loop": 0}
        if kind == "png":
            first.save(buffer, "PNG", pnginfo=provenance.to_png(self, with_settings), **film)
        elif kind == "webp":
            first.save(buffer, "WebP", quality=90, xmp=about.encode(), **film)
        elif kind == "gif":
            first.save(buffer, "GIF", comment=about.encode(), **film)
        elif kind == "zip":
            with zipfile.ZipFile(buffer, "w") as archive:
                for k, frame in enumerate([first, *rest]):
                    png = io.BytesIO()
                    frame.save(png, "PNG")
                    archive.writestr(f"{k:03}.png", png.getvalue())
                if about:
                    archive.writestr("settings.json", about)
        else:
            with av.open(buffer, "w", format="mp4", options={"movflags": "use_metadata_tags"}) as container:
                container.metadata.update({"comment": about} if about else {})
                stream = container.add_stream("libx264", rate=self.fps, options={"crf": "16"})
                (stream.height, stream.width), stream.pix_fmt = (
                    self.frames.shape[1:3],
                    "yuv420p",
                )  # what every browser plays
                for frame in self.frames:
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
                container.mux(stream.encode())
        return buffer.getvalue()


@dataclass(frozen=True)
class AudioResult(Result):
    """A finished sound and what made it. As a picture it is its spectrogram, with the sound inside."""

    samples: Float[np.ndarray, " t"]  # in [-1, 1], sounds.RATE a second
    model: str
    settings: dict[str, Any]
    attachments: tuple[Path, ...] = ()
    made_with: dict[str, str] = field(default_factory=dict)
    formats: ClassVar[tuple[str, ...]] = ("png", "wav", "flac")

    @classmethod
    def from_png(cls, png: bytes, model: str, settings: dict[str, Any]) -> AudioResult:
        """Back from a spectrogram."""
        with Image.open(io.BytesIO(png)) as image:
            image.load()
            return cls(sounds.from_url(image.info[SOUND_KEY]), model, settings)

    @classmethod
    def from_view(cls, preview: np.ndarray, view: Mapping[str, Any], model: str, settings: dict[str, Any]) -> Result:
        """What could be heard so far."""
        if not view.get("url"):
            raise KeyError("url")
        return cls(sounds.from_url(view["url"]), model, settings)

    @property
    def view(self) -> dict[str, Any]:
        return {"kind": "audio", "url": sounds.url(self.samples), "seconds": len(self.samples) / sounds.RATE}

    @property
    def image(self) -> Image.Image:
        """The spectrogram as a PIL image."""
        return Image.fromarray(sounds.spectrogram_image(sounds.log_mel(self.samples)))

    def file(self, kind: str = "wav", with_settings: bool = True) -> bytes:
        """The sound as the bytes of a WAV or FLAC file, or a PNG of its spectrogram; unless told otherwise, the
        settings travel inside it."""
        if kind != "png":
            return sounds.file(self.samples, kind, provenance.to_json(self) if with_settings else "")
        buffer, info = io.BytesIO(), provenance.to_png(self, with_settings)
        info.add_text(SOUND_KEY, sounds.url(self.samples))
        self.image.save(buffer, "PNG", pnginfo=info)
        return buffer.getvalue()


@dataclass(frozen=True)
class PointsResult(Result):
    """Samples of a distribution in the plane, and what made them."""

    points: Float[np.ndarray, "n 2"]
    model: str
    settings: dict[str, Any]
    attachments: tuple[Path, ...] = ()
    made_with: dict[str, str] = field(default_factory=dict)
    formats: ClassVar[tuple[str, ...]] = ("png", "csv")
    side: ClassVar[int] = 256  # pixels of its picture

    @property
    def span(self) -> float:
        """The plane is shown from -span to span."""
        return float(np.abs(self.points).max(initial=1e-6)) * 1.1

    @classmethod
    def from_png(cls, png: bytes, model: str, settings: dict[str, Any]) -> PointsResult:
        """Back from a picture of them."""
        with Image.open(io.BytesIO(png)) as image:
            image.load()
            return cls(np.array(json.loads(image.info[POINTS_KEY]), np.float32).reshape(-1, 2), model, settings)

    @classmethod
    def from_view(cls, preview: np.ndarray, view: Mapping[str, Any], model: str, settings: dict[str, Any]) -> Result:
        """The points so far."""
        return cls(np.array(view["points"], np.float32).reshape(-1, 2), model, settings)

    @property
    def view(self) -> dict[str, Any]:
        return {"kind": "points", "points": np.round(self.points, 4).tolist(), "span": self.span}

    @property
    def image(self) -> Image.Image:
        """The points in black on white, y upwards."""
        pixels = np.full((self.side, self.side, 3), 255, np.uint8)
        scale = (self.side - 1) / (2 * self.span)
        x, y = ((self.points * [1, -1] + self.span) * scale).round().astype(int).T
        pixels[y, x] = 0
        return Image.fromarray(pixels)

    def file(self, kind: str = "png", with_settings: bool = True) -> bytes:
        """A picture of the points as PNG, with the points inside, or a CSV of a point a line; unless told otherwise,
        the PNG carries the settings."""
        if kind == "csv":
            return "".join(f"{x:.6g},{y:.6g}\n" for x, y in self.points).encode()
        buffer, info = io.BytesIO(), provenance.to_png(self, with_settings)
        info.add_itxt(POINTS_KEY, json.dumps(np.round(self.points, 5).tolist()))
        self.image.save(buffer, "PNG", pnginfo=info)
        return buffer.getvalue()


def frame_differences(clip: np.ndarray, loop: bool) -> list[float]:
    """Mean absolute difference of each frame from the one before, 0 to 255; of a loop, the first from the last too."""
    steps = np.abs(np.diff(clip.astype(np.int16), axis=0, prepend=clip[-1:].astype(np.int16))).mean((1, 2, 3))
    return [round(float(step), 2) for step in (steps if loop else steps[1:])]


class Trace(UserDict):
    """Numbers and maps of a step, which the inspector draws.

    A value that is a function is computed when somebody asks for it.
    """

    def __getitem__(self, key: str) -> Any:
        if callable(value := self.data[key]):
            value = self.data[key] = value()
        return value


Later = Callable[[], np.ndarray]  # pixels that are made when somebody looks at them


class Frame:
    """What one step shows. Pictures may be given as functions: who skips a frame pays nothing for it."""

    def __init__(
        self,
        step: int,
        steps: int,
        preview: np.ndarray | Later,
        state: np.ndarray | Later | None = None,
        note: str = "",
        result: Result | list[ImageResult] | list[VideoResult] | None = None,
        trace: Mapping[str, Any] | None = None,
        view: Mapping[str, Any] | None = None,
        wait: float = 0.0,
    ) -> None:
        self.step, self.steps = step, steps  # 1-based; the last frame has step == steps
        self.note = note  # one short line
        self.result = result  # None until the last frame
        self.trace = Trace(trace or {})
        self.view = view or {"kind": "image"}  # which viewer shows it, and what that one needs besides the pictures
        self.wait = wait  # seconds that it wants to be looked at
        self._preview, self._state = preview, state

    def __reduce__(self) -> tuple[Any, ...]:
        """Sent to another process (a ZeroGPU worker's parent), a frame is looked at first."""
        return Frame, (
            self.step,
            self.steps,
            self.preview,
            self.state,
            self.note,
            self.result,
            dict(self.trace.items()),
            self.view,
            self.wait,
        )

    @functools.cached_property
    def preview(self) -> UInt8[np.ndarray, "h w 3"]:
        """What the model believes now (the x0 estimate)."""
        return self._preview() if callable(self._preview) else self._preview

    @functools.cached_property
    def state(self) -> UInt8[np.ndarray, "hs ws 3"] | None:
        """Where it stands (x_t)."""
        return self._state() if callable(self._state) else self._state


class Pipeline(ABC):
    """A model that can be asked. `generate(**settings)` validates before any work and yields a frame a step."""

    name: ClassVar[str]
    Settings: ClassVar[type[Settings]] = Settings
    device: str = "cpu"
    dtype: Any = "float32"  # torch's, or its name

    def made_with(self, settings: Mapping[str, Any]) -> dict[str, str]:
        """What the same bytes take besides the settings."""
        return provenance.environment(self.name, settings, self.device, self.dtype)

    def generate(self, **settings: Any) -> Generator[Frame, Any, None]:
        """Frames of one run, whose results say what they were made with; a few pipelines take other settings on the
        way, by `send`. Raises pydantic.ValidationError, at once,
        naming field, value and range."""
        return self._sign(self.run(self.Settings(**settings)))

    def _sign(self, frames: Iterator[Frame]) -> Generator[Frame, Any, None]:
        with contextlib.closing(frames):  # who closes this generator closes the run
            frame = next(frames, None)
            while frame is not None:
                if isinstance(frame.result, list):
                    frame.result = [self._signed(result) for result in frame.result]
                elif frame.result:
                    frame.result = self._signed(frame.result)
                changed = yield frame
                try:
                    frame = next(frames) if changed is None else frames.send(changed)
                except StopIteration:
                    return

    def _signed(self, result: Result) -> Result:
        return replace(result, made_with=self.made_with(result.settings))

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
