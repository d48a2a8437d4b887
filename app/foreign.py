"""What other programs write into their pictures: prompt, negative prompt, seed, steps, guidance.

Read as something a stranger sent: whatever is not as expected is left out.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from app.forms import bounds
from pipelines.core.settings import Settings

NAMES = {  # what A1111, InvokeAI, NovelAI and Fooocus call ours
    "prompt": "prompt", "positive_prompt": "prompt", "positive": "prompt",
    "negative_prompt": "negative_prompt", "negative prompt": "negative_prompt", "uc": "negative_prompt",
    "negative": "negative_prompt",
    "seed": "seed", "noise_seed": "seed", "steps": "steps",
    "cfg scale": "guidance", "cfg_scale": "guidance", "cfg": "guidance", "scale": "guidance",
    "guidance_scale": "guidance",
}  # fmt: skip
NODES = 100  # nodes of ComfyUI's graph that are followed at most
WITHOUT_WORDS = {"clip", "model", "vae"}  # inputs of a node that lead to weights
CONDITIONS = {"positive": "prompt", "negative": "negative_prompt"}  # a sampler's inputs there


def read_settings(path: str | Path) -> dict[str, Any]:
    """Settings by our names, as far as a PNG, JPEG or WebP file holds any; {} where it holds none."""
    with contextlib.suppress(Exception), Image.open(path, formats=["PNG", "JPEG", "WEBP"]) as image:
        image.load()  # PNG's text may follow the pixels
        texts = {key: value for key, value in image.info.items() if isinstance(value, str)}
        comment = image.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
        if isinstance(comment, bytes):
            wide = comment.startswith(b"UNICODE")
            texts["parameters"] = comment[8:].decode("utf-16-be" if wide else "utf-8", "replace")
        return _from_texts(texts)
    return {}


def _from_texts(texts: dict[str, str]) -> dict[str, Any]:
    for key in ("invokeai_metadata", "sd-metadata", "Comment", "parameters"):
        with contextlib.suppress(ValueError, AttributeError):
            found = _renamed(json.loads(texts.get(key, "")))
            if found:
                return found | (
                    {"prompt": texts["Description"]} if "prompt" not in found and "Description" in texts else {}
                )
    if "parameters" in texts:
        return _from_a1111(texts["parameters"])
    with contextlib.suppress(ValueError, AttributeError, TypeError):
        return _from_comfy(json.loads(texts["prompt"])) if "prompt" in texts else {}
    return {}


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    """What is known of a flat JSON object."""
    inner = values.get("image") if isinstance(values.get("image"), dict) else {}
    found = {NAMES[key.lower()]: value for key, value in {**values, **inner}.items() if key.lower() in NAMES}
    return {name: value for name, value in found.items() if isinstance(value, (str, int, float))}


def _from_a1111(text: str) -> dict[str, Any]:
    """The prompt, then "Negative prompt: …", then a line of "Steps: 20, CFG scale: 7, Seed: 1, …"."""
    *words, last = text.strip().split("\n")
    if not re.search(r"\bSteps: *\d", last):
        words, last = [*words, last], ""
    prompt, _, negative = "\n".join(words).partition("Negative prompt:")
    numbers = {key.strip(): value.strip() for key, value in re.findall(r"([\w ]+): *([^,]+)(?:,|$)", last)}
    return _renamed({"prompt": prompt.strip(), "negative_prompt": negative.strip(), **numbers})


def _from_comfy(graph: dict[str, Any]) -> dict[str, Any]:
    """The settings of the sampler in ComfyUI's graph, and the texts that its two conditions lead back to."""

    def text_of(link: Any, visited: set[str]) -> str:
        if isinstance(link, str):
            return link
        if not isinstance(link, list) or not link or str(link[0]) in visited or len(visited) > NODES:
            return ""
        visited.add(str(link[0]))
        inputs = graph.get(str(link[0]), {}).get("inputs", {})
        keys = [key for key in ("text", "text_g", "prompt", "string", "value") if key in inputs]
        keys += [key for key, value in inputs.items() if isinstance(value, list) and key not in WITHOUT_WORDS]
        return next((text for text in (text_of(inputs[key], visited) for key in keys) if text), "")

    nodes = [
        node["inputs"] for node in graph.values() if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
    ]
    sampler = next((node for node in nodes if "positive" in node and ({"seed", "noise_seed"} & set(node))), None)
    sampler = sampler or next((node for node in nodes if {"seed", "noise_seed"} & set(node)), {})
    found = _renamed({key: value for key, value in sampler.items() if key not in ("positive", "negative")})
    found |= {ours: text_of(sampler.get(link), set()) for link, ours in CONDITIONS.items()}
    return {name: value for name, value in found.items() if value != ""}


def fit(found: dict[str, Any], model: type[Settings]) -> dict[str, Any]:
    """Those values that a model's settings have, brought into their ranges."""
    values = {}
    for name, value in found.items():
        field = model.model_fields.get(name)
        if field is None:
            continue
        if name in CONDITIONS.values():
            limit = next((part.max_length for part in field.metadata if hasattr(part, "max_length")), None)
            values[name] = str(value)[:limit]
            continue
        try:
            value = float(value)
        except ValueError:
            continue
        if not math.isfinite(value):
            continue
        if name == "seed":  # others count further
            values[name] = int(value) % 2**32
            continue
        low, high = bounds(field)
        value = min(max(value, value if low is None else low), value if high is None else high)
        values[name] = type(field.default)(value)
    return values
