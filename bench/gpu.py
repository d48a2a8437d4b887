"""Every model of the catalogue on the CPU and on CUDA with the same settings and seed: seconds, memory, difference of
the results.

    python -m bench gpu

Settings are the defaults with few steps; what an input editor would give is an example picture, a square mask, a tone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from pipelines import catalogue, load
from pipelines.core.settings import editor_fields
from pipelines.core.spec import ModelSpec
from pipelines.media import audio, images
from pipelines.nn import weights

EXAMPLE = Path(__file__).parent.parent / "assets" / "examples" / "avatar.png"
FEW = {
    "steps": 4,
    "fit_steps": 20,
    "frames": 8,
    "seconds": 1.0,
    "minutes": 0.05,
    "rounds": 20,
    "trigger": "zorblax",
    "prompt": "a woman with red hair",
}


def inputs(spec: ModelSpec) -> dict[str, Any]:
    """Settings that every model can run with in a moment."""
    picture = np.asarray(Image.open(EXAMPLE).convert("RGB").resize((128, 128)))
    mask = np.zeros_like(picture)
    mask[40:90, 30:100] = 255
    tone = (0.3 * np.sin(np.arange(audio.RATE) * 2 * np.pi * 440 / audio.RATE)).astype(np.float32)
    given = {"mask": images.to_url(Image.fromarray(mask)), "sound": audio.url(tone)}
    given["pictures"] = [images.to_url(Image.fromarray(np.roll(picture, 9 * k, 1))) for k in range(5)]
    fields = spec.settings.model_fields
    wanted = {name: given.get(name, images.to_url(Image.fromarray(picture))) for name in editor_fields(spec.settings)}
    needed = {k: v for k, v in wanted.items() if fields[k].is_required() or k == "control"}
    return needed | {k: v for k, v in FEW.items() if k in fields}


def pixels(result: Any) -> np.ndarray:
    """What a result shows, as numbers."""
    first = result[0] if isinstance(result, list) else result
    for name in ("samples", "frames", "pixels"):
        if hasattr(first, name):
            return np.asarray(getattr(first, name), np.float32) / (1 if name == "samples" else 255)
    return np.asarray(first.image.convert("RGB"), np.float32) / 255


def run(spec: ModelSpec, device: str) -> tuple[np.ndarray, float, float]:
    """The result in fp32, the seconds of a second run, and peak memory on the device in MB (0 on the CPU)."""
    weights.unload()
    pipe, settings = load(spec.name, device, "float32"), inputs(spec)
    *_, _ = pipe.generate(**settings)
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    *_, frame = pipe.generate(**settings)
    seconds = time.perf_counter() - start
    memory = torch.cuda.max_memory_allocated() / 1e6 if device == "cuda" else 0.0
    return pixels(frame.result), seconds, memory


def compare(devices: Sequence[str]) -> dict[str, Any]:
    """A row a model."""
    found = {}
    for spec in catalogue():
        if spec.name == "lora":
            continue  # it trains by the clock: the faster device does more steps
        rows = {device: run(spec, device) for device in devices}
        (a, *_), (b, *_) = next(iter(rows.values())), list(rows.values())[-1]
        found[spec.name] = {
            **{f"{device}, s": round(seconds, 3) for device, (_, seconds, _) in rows.items()},
            "memory, MB": round(max(memory for *_, memory in rows.values())),
            "mean difference": round(float(np.abs(a - b).mean()), 5)
            if a.shape == b.shape
            else f"{a.shape} and {b.shape}",
        }
    return found


def measure() -> dict[str, Any]:
    """The table; on a machine without CUDA it says so, and times the CPU alone."""
    if torch.cuda.is_available():
        return compare(["cpu", "cuda"])
    return {"note": "there is no CUDA device here: the CPU alone", **compare(["cpu"])}
