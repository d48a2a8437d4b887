"""Settings into files and links, and back out of them. A file is read as something a stranger sent."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import av
from PIL import Image
from pydantic import ValidationError

from pipelines import load
from pipelines.core import provenance
from pipelines.core.registry import CATALOGUE
from pipelines.core.settings import Settings, format_error
from pipelines.media.images import SIDE, UNTRUSTED, open_video

SHOWN = {"torch": "torch ", "device": "", "dtype": ""}  # what a person is told of provenance.environment, and how
LINK = 7_000  # characters of a link at most: proxies cut off or refuse longer addresses
LIMIT = 3 * 4 * SIDE**2  # characters of settings: at most two pictures of the largest size, of noise, and words


class MetadataError(ValueError):
    """A file or link holds no usable settings. The message is one sentence that says what to do."""


class NoSettingsError(MetadataError):
    """A file or link holds no settings of ours at all."""


def checked(model: Any, settings: Any) -> tuple[str, Settings]:
    """A model's name and its validated settings. Raises MetadataError."""
    if not isinstance(model, str) or model not in CATALOGUE:
        raise MetadataError(
            f"These settings are for the model '{str(model)[:40]}', which this Darkroom does not have; "
            "a newer one may."
        )
    if not isinstance(settings, dict):
        raise MetadataError("The settings are broken; choose a file that Darkroom saved.")
    try:
        return model, CATALOGUE[model].settings.model_validate(settings, context=UNTRUSTED)
    except ValidationError as error:
        unknown = [str(item["loc"][-1]) for item in error.errors() if item["type"] == "extra_forbidden"]
        if unknown:
            raise MetadataError(
                f"This was made by a newer Darkroom, which has '{unknown[0][:40]}': update this one to open it."
            ) from None
        raise MetadataError(f"The settings cannot be used here. {format_error(error)}") from None


def from_file(path: str | Path) -> tuple[str, Settings]:
    """The settings inside a PNG, a clip's WebP, GIF or MP4, a sound's WAV or FLAC, or a JSON. Raises MetadataError."""
    return _parse(read_text(path))


def describe_differences(path: str | Path, model: str) -> str:
    """One sentence about what a file that `from_file` has read was made with and what is here, where Generate would
    not make the same from its settings; "" where it would, or the file does not say. Loads the model, as Generate
    would."""
    text = read_text(path)
    there = provenance.read_environment(text)
    try:
        here = load(model).made_with(json.loads(text)["settings"]) if there else {}
    except (RuntimeError, MemoryError):  # a run will say why
        return ""
    changed = [key for key, value in here.items() if there.get(key, value) != value]
    if "weights" in changed:
        return "Settings restored, but the model has other weights here: Generate makes something else of them."
    before, now = (", ".join(SHOWN[key] + side[key] for key in SHOWN if key in changed) for side in (there, here))
    return f"Settings restored, but details may differ: made with {before}; here is {now}." if now else ""


def read_text(path: str | Path) -> str | bytes:
    """What a file's settings are read from. Only headers are read, so size costs nothing. Raises MetadataError."""
    name = Path(path).name
    try:
        text = plain(path)
        if text is None:
            text = film(path)
        if text is None:
            text = comment(path)
        if text is None:
            with Image.open(path, formats=["PNG", "WEBP", "GIF"]) as image:
                image.verify()  # text after the pixels is found, and damage noticed, only on the way to the end
                text = (
                    image.info.get(provenance.PNG_SETTINGS_KEY)
                    or ours(image.info.get("xmp"))
                    or ours(image.info.get("comment"))
                )
    except Image.DecompressionBombError:
        raise MetadataError(
            f"{name} is too large to be one of Darkroom's pictures; choose a file that Darkroom saved."
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError):
        raise MetadataError(
            f"{name} is not a whole PNG picture or clip; choose a file that Darkroom saved."
        ) from None
    if not text:
        raise NoSettingsError(
            f"{name} carries no Darkroom settings; choose a picture that was saved with 'Settings in files' on."
        )
    return text


def ours(text: str | bytes | None) -> str | bytes | None:
    """A comment, where it is one of ours: other programs leave theirs in the same places."""
    start = (text or "")[:12]
    return text if start.startswith(b'{"model"' if isinstance(start, bytes) else '{"model"') else None


def plain(path: str | Path) -> str | None:
    """What a JSON file says, if it is ours; "" of any other, and of a CSV; None where the file is neither."""
    ending = Path(path).suffix.lower()
    if ending == ".json":
        with open(path, "rb") as file:
            text = file.read(LIMIT).decode("utf-8", errors="replace")
        return text if re.match(r'\s*\{\s*"model"', text) else ""
    return "" if ending in (".csv", ".txt", ".tsv") else None


def film(path: str | Path) -> str | None:
    """What a film's comment says, if it is ours; "" where it has none, None where the file is no film."""
    try:
        with open_video(str(path)) as container:
            return ours(container.metadata.get("comment")) or ""
    except (av.FFmpegError, ValueError):
        return None


def comment(path: str | Path) -> str | None:
    """What a WAV or FLAC file's comment says, if it is ours; "" where it has none, None where the file is neither."""
    with open(path, "rb") as file:
        head = file.read(12)
    if not (head.startswith(b"fLaC") or (head.startswith(b"RIFF") and head.endswith(b"WAVE"))):
        return None
    try:
        with av.open(
            str(path), format="flac" if head.startswith(b"fLaC") else "wav", metadata_errors="replace"
        ) as container:
            return ours(container.metadata.get("comment")) or ""
    except av.FFmpegError:
        return None


def to_link(model: str, settings: dict[str, Any]) -> str:
    """Settings as text that fits into an address: base64url of JSON, defaults left out. Raises MetadataError where it
    would be too long for one."""
    changed = CATALOGUE[model].settings(**settings).model_dump(exclude_defaults=True)
    text = json.dumps({"model": model, "settings": changed}, ensure_ascii=False, separators=(",", ":"))
    link = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    if len(link) > LINK:
        raise MetadataError("This is too much for a link: download a file instead, it holds everything.")
    return link


def from_link(text: str) -> tuple[str, Settings]:
    """The settings in a link. Raises MetadataError."""
    try:
        text = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)).decode()
    except ValueError:
        raise MetadataError("This link's settings are broken; ask for the link again.") from None
    return _parse(text)


def _parse(text: Any) -> tuple[str, Settings]:
    try:
        if len(text) > LIMIT:
            raise ValueError
        parsed = json.loads(text)
        model, settings = parsed["model"], parsed["settings"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise MetadataError("The settings are broken; choose a file that Darkroom saved.") from None
    return checked(model, settings)
