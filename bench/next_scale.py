"""Next-scale prediction: what its codes lose, how many levels are used, and how long it takes beside diffusion.
Needs the data sets.

python -m bench next_scale next_scale.speed
"""

from __future__ import annotations

import time

import numpy as np
import torch

from pipelines import datasets as data
from pipelines import load
from pipelines.nn.pixels import to_tensor


@torch.inference_mode()
def measure(n: int = 100) -> dict[str, object]:
    """Decibels of held-out pictures through the autoencoder, and through the codes as well; and the perplexity of the
    levels, as a share of them, by scale."""
    pipe, found = load("next-scale"), {}
    quantizer, levels = pipe.net.quantizer, pipe.net.levels
    for name in ("scenes", "avatars"):
        source = data.load(name)
        errors: dict[str, list[float]] = {"continuous": [], "through codes": []}
        counts = [torch.zeros(levels) for _ in quantizer.levels]
        for i in source.split("test")[:n]:
            x = np.asarray(source.images[i])[None]
            z = pipe.coder.encode(to_tensor(x))
            for k, (_, codes) in enumerate(quantizer.encode(z)):
                counts[k] += torch.bincount(codes.flatten(), minlength=levels)
            for label, latent in zip(errors, (z, quantizer(z)), strict=True):
                error = np.square(pipe.coder.decode_uint8(latent).numpy().astype(float) - x).mean()
                errors[label].append(10 * np.log10(255**2 / error))
        shares = [count / count.sum() for count in counts]
        used = [(-(p * p.clamp_min(1e-9).log()).sum()).exp().item() / levels for p in shares]
        found[f"{name}, dB (bar: within 2); n = {n}"] = {k: round(float(np.mean(v)), 2) for k, v in errors.items()}
        found[f"{name}, levels used, by scale (bar 0.6)"] = [round(u, 2) for u in used]
    return found


def speed(n: int = 9) -> dict[str, object]:
    """Milliseconds a picture, warm, median: next-scale prediction, and the base at 5 and 20 steps, in turns."""
    ways = {
        "next-scale": ("next-scale", {}), "5 steps": ("latent-diffusion-256", {"steps": 5}),
        "20 steps": ("latent-diffusion-256", {}),
    }  # fmt: skip
    times: dict[str, list[float]] = {label: [] for label in ways}
    for k in range(-1, n):
        for label, (model, settings) in ways.items():
            began = time.perf_counter()
            *_, last = load(model).generate(prompt="a red car on a meadow", seed=max(k, 0), **settings)
            assert last.result is not None
            if k >= 0:
                times[label].append(1000 * (time.perf_counter() - began))
    return {f"ms (bar: as 5 steps), median of {n}": {label: round(float(np.median(v))) for label, v in times.items()}}
