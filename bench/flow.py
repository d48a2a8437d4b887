"""The base's flow: how straight its paths are, and how near a picture comes back from its noise.

n = 50 everyday sentences without guidance by 40 steps of Heun; n = 24 held-out pictures of each set by 25 steps of
Heun there and back, against what the autoencoder keeps of them. Seeds 0, 1, 2, ….
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from bench.everyday import SENTENCES
from pipelines import datasets as data
from pipelines import load
from pipelines.core.cards import add_measurements
from pipelines.media.images import to_url


def number(note: str, before: str) -> float:
    """The number that follows some words of a note."""
    return float(note.split(before)[1].split()[0])


def measure() -> dict[str, object]:
    """Medians."""
    pipe, found = load("rectified-flow"), {}
    for name, settings in (
        ("without guidance", {}), ("at guidance 4", {"guidance": 4}), ("after reflow (bar: a third)", {"flow": "reflow"}),
    ):  # fmt: skip
        straight = []
        for seed in range(50):
            *_, frame = pipe.generate(prompt=SENTENCES[seed % len(SENTENCES)], seed=seed, steps=40, **settings)
            straight.append(number(frame.note, "straightness "))
        found[f"straightness {name}, n = 50"] = round(float(np.median(straight)), 4)
    for name in ("scenes", "avatars"):
        source, back = data.load(name), []
        for picture in source.images[source.split("test")[:24]]:
            *_, frame = pipe.generate(image=to_url(Image.fromarray(picture)), steps=25)
            back.append(number(frame.note, "back at "))
        found[f"{name} back from their noise, dB (bar 27), n = 24"] = round(float(np.median(back)), 1)
    add_measurements("latent-diffusion-256", {"as a flow": found})
    return found
