"""Which sampler when: how near each comes to the exact solution of the base's flow, by network calls.

    python -m bench samplers

n = 36 everyday sentences, seeds 0 to 35, guidance 4, the same layouts; the exact solution is 100 steps of Heun. The
ancestral sampler has no exact solution to come near to. Written to docs/samplers.md.
"""

from __future__ import annotations

import re
import statistics
import time
from pathlib import Path

import numpy as np

from bench.drafts import MODEL
from bench.everyday import SENTENCES
from pipelines import load
from pipelines.evaluation.metrics import ClipFeatures
from pipelines.media.images import resized

PAGE = Path(__file__).parents[1] / "docs" / "samplers.md"
CALLS = (4, 6, 8, 12, 20, 40)
WAYS = {
    "DPM-Solver++": {"sampler": "dpm-solver++"}, "Heun": {"sampler": "heun"}, "Euler": {"sampler": "euler"},
    "DDIM, cosine path": {"sampler": "ddim", "schedule": "cosine"},
}  # fmt: skip


def steps_of(way: str, calls: int) -> int:
    """As many steps as so many calls allow: Heun takes two a step, and one for the last."""
    return (calls + 1) // 2 if way == "Heun" else calls


def draw(settings: dict[str, object]) -> tuple[np.ndarray, float]:
    """A picture a sentence (n, 256, 256, 3), and the median of seconds."""
    pipe, pictures, seconds = load(MODEL), [], []
    for seed, prompt in enumerate(SENTENCES):
        begun = time.perf_counter()
        *_, frame = pipe.generate(prompt=prompt, seed=seed, **settings)
        seconds.append(time.perf_counter() - begun)
        pictures.append(frame.result.pixels)
    return np.stack(pictures), statistics.median(seconds)


def measure() -> dict[str, object]:
    """Cosine in the eye's features and decibels to the exact picture, medians, and milliseconds."""
    eye = ClipFeatures()

    def features(pictures: np.ndarray) -> np.ndarray:
        return eye.features(np.stack([resized(picture, 128) for picture in pictures])).numpy()

    exact, _ = draw({"sampler": "heun", "steps": 100})
    goal, found = features(exact), {}
    for way, settings in WAYS.items():
        for calls in CALLS:
            pictures, seconds = draw({**settings, "steps": steps_of(way, calls)})
            error = np.square(pictures.astype(float) - exact).mean((1, 2, 3))
            found[f"{way}, {calls} calls"] = {
                "cosine": round(float(np.median((features(pictures) * goal).sum(1))), 3),
                "dB": round(float(np.median(10 * np.log10(255**2 / error))), 1),
                "ms": round(1000 * seconds),
            }
    lines = [f"| sampler | {' | '.join(f'{calls} calls' for calls in CALLS)} |", "| --- |" + " --- |" * len(CALLS)]
    for way in WAYS:
        cells = [found[f"{way}, {calls} calls"] for calls in CALLS]
        lines.append(f"| {way} | " + " | ".join(f"{c['cosine']} · {c['dB']} dB · {c['ms']} ms" for c in cells) + " |")
    text = PAGE.read_text()
    table = "<!-- table -->\n" + "\n".join(lines) + "\n<!-- /table -->"
    PAGE.write_text(re.sub(r"<!-- table -->.*<!-- /table -->", lambda _: table, text, flags=re.S))
    return {"n": len(SENTENCES), **found}
