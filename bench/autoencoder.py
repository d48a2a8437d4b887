"""What survives the autoencoder: facts of scenes and attributes of avatars, read in rebuilt pictures over read in real
ones; PSNR at 256 and at 128 pixels; how sharp edges stay; how long a picture takes. Needs the data sets.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from bench.scenes import load_scene_reader, read_all
from pipelines import datasets as data
from pipelines.core.cards import BUNDLED
from pipelines.datasets import anything, avatars
from pipelines.evaluation.metrics import load_reader, read_attributes
from pipelines.evaluation.recipe_scenes import score
from pipelines.models.latent_diffusion import autoencoder
from pipelines.models.latent_diffusion.recipe_autoencoder import psnr
from pipelines.models.latent_diffusion.recipe_decoder import gradient_magnitude
from pipelines.nn.pixels import to_tensor

HELD_OUT = {"scenes": ("test", "compositional"), "avatars": ("test",), "emoji": ("sibling", "unseen")}


@torch.inference_mode()
def rebuild(model: autoencoder.Autoencoder, pictures: np.ndarray) -> np.ndarray:
    """Pictures through the autoencoder and back: uint8."""
    parts = [to_tensor(pictures[i : i + 32]) for i in range(0, len(pictures), 32)]
    return np.concatenate([model.decode_uint8(model.encode(x)).numpy() for x in parts])


def halve(pictures: np.ndarray) -> np.ndarray:
    """uint8 pictures at half the size, by area."""
    n, h, w, c = pictures.shape
    return pictures.reshape(n, h // 2, 2, w // 2, 2, c).mean((2, 4)).round().astype(np.uint8)


def quality(n: int = 400) -> dict[str, Any]:
    """PSNR in dB and edges over the real ones', a set each."""
    model, found = autoencoder.load(folder=BUNDLED), {}
    sets = {name: data.load(name) for name in HELD_OUT}
    pictures = {name: np.ascontiguousarray(s.images[s.split(*HELD_OUT[name])[:n]]) for name, s in sets.items()}
    for name, real in {**pictures, "photographs": anything.held_out()}.items():
        decoded = rebuild(model, real)
        x, y = to_tensor(real), to_tensor(decoded)
        found[name] = {
            "n": len(real),
            "PSNR at 256": round(psnr(y, x), 2),
            "PSNR at 128": round(psnr(F.avg_pool2d(y, 2), F.avg_pool2d(x, 2)), 2),
            "edges": round(gradient_magnitude(y) / gradient_magnitude(x), 3),
        }
    return found


def survival(n: int = 600) -> dict[str, Any]:
    """Facts and attributes read in rebuilt pictures over those read in real ones."""
    model, reader = autoencoder.load(folder=BUNDLED), load_scene_reader()
    scenes, faces = data.load("scenes"), data.load("avatars")
    picks = scenes.split(*HELD_OUT["scenes"])[:n]
    real = np.ascontiguousarray(scenes.images[picks])
    rows = [scenes.rows[i] for i in picks]
    before, after = score(rows, read_all(reader, real)), score(rows, read_all(reader, rebuild(model, real)))
    found = {"scenes": {name: round(after[name] / max(before[name], 1e-9), 3) for name in before}}
    picks = faces.split("test")[:n]
    real, attributes = np.ascontiguousarray(faces.images[picks]), load_reader()
    rows = [faces.rows[i] for i in picks]
    was, now = read_attributes(attributes, halve(real)), read_attributes(attributes, halve(rebuild(model, real)))

    def share(read: dict[str, list[str]], name: str) -> float:
        return float(np.mean([read[name][i] == r["labels"][name] for i, r in enumerate(rows) if name in r["labels"]]))

    found["avatars"] = {name: round(share(now, name) / share(was, name), 3) for name in avatars.LABELS}
    return {"n": n, **found}


@torch.inference_mode()
def seconds(n: int = 15) -> dict[str, float]:
    """Median milliseconds of a picture from its latent, on all cores."""
    model = autoencoder.load(folder=BUNDLED)
    z = torch.randn(1, model.config.channels, 16, 16)
    model.decode_uint8(z)
    times = []
    for _ in range(n):
        start = time.perf_counter()
        model.decode_uint8(z)
        times.append(time.perf_counter() - start)
    return {"ms": round(1000 * statistics.median(times), 1), "n": n}


def measure() -> dict[str, Any]:
    """All of it."""
    return {
        "quality (bars: emoji and scenes 30 dB, photographs 24 dB; edges 0.9)": quality(),
        "survival (bar 0.97)": survival(),
        "a picture from its latent (bar 70 ms)": seconds(),
    }
