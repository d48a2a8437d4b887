"""What made a result, as it travels in its file: the model, its settings, and what the same bytes take besides."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PIL.PngImagePlugin import PngInfo

from pipelines import __version__
from pipelines.core.cards import fingerprint, printable
from pipelines.core.registry import CATALOGUE

if TYPE_CHECKING:
    from pipelines.core.contract import Result

PNG_SETTINGS_KEY = "darkroom"  # the PNG text chunk that holds all that


def environment(model: str, settings: Mapping[str, Any], device: str, dtype: Any) -> dict[str, str]:
    """What the same bytes take besides the settings: versions, device, dtype, and which weights."""
    weights = fingerprint(CATALOGUE[model].weights_for(settings)) if model in CATALOGUE else ""
    versions = {"darkroom": __version__, "torch": importlib.metadata.version("torch")}
    numerics = {"device": device, "dtype": str(dtype).removeprefix("torch.")}
    return versions | numerics | ({"weights": weights} if weights else {})


def read_environment(text: str | bytes | None) -> dict[str, str]:
    """What `to_json` wrote of it; {} where there is nothing that can be read, as in files of older versions. What a
    newer one says besides is kept."""
    try:
        found = json.loads(text or "{}")["made_with"].items()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    return {str(key): printable(value)[:40] for key, value in found if isinstance(value, str)}


def to_json(result: Result, **more: Any) -> str:
    """Model, settings, environment and what else is to be known as JSON; by how it begins a file is known as ours."""
    about = {"model": result.model, "settings": result.settings} | more
    return json.dumps(about | ({"made_with": result.made_with} if result.made_with else {}), ensure_ascii=False)


def to_png(result: Result, with_settings: bool, **more: Any) -> PngInfo:
    """The same as the text chunk of a PNG, which has none without settings."""
    info = PngInfo()
    if with_settings:
        info.add_itxt(PNG_SETTINGS_KEY, to_json(result, **more))
    return info
