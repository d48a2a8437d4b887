"""What the weights can do, measured with the attribute reader. Needs the data sets and half an hour of two cores.

Every figure has its n; seeds are 0, 1, 2, …
"""

from __future__ import annotations

import random

import numpy as np
import torch

from pipelines import autoencoder, load
from pipelines.evaluation import load_reader, read_attributes
from pipelines.samplers import DETERMINISTIC
from pipelines.training import data
from pipelines.training.data import avatars

GUIDANCE, STEPS = 3.0, 20


def hits(read: dict[str, list[str]], rows: list[dict], names: list[list[str]]) -> float:
    """Of all named attributes, the share that the reader finds."""
    checks = [read[name][i] == rows[i]["labels"][name] for i in range(len(rows)) for name in names[i]]
    return float(np.mean(checks))


def accuracy(read: dict[str, list[str]], rows: list[dict], name: str) -> float:
    """The share of pictures that have the attribute and in which it is read right."""
    return float(np.mean([read[name][i] == r["labels"][name] for i, r in enumerate(rows) if name in r["labels"]]))


@torch.inference_mode()
def reconstruction(n: int = 400) -> dict[str, object]:
    """PSNR on held-out pictures, and attribute survival: the reader on reconstructions over the reader on the real ones."""
    model, reader, found = autoencoder.load(), load_reader(), {}
    for name, splits in (("avatars", ("test",)), ("emoji", ("sibling", "unseen"))):
        source = data.load(name)
        held = source.split(*splits)[:n]
        real = np.ascontiguousarray(source.images[held])
        parts = [torch.from_numpy(real[i : i + 50]).permute(0, 3, 1, 2).float() / 127.5 - 1 for i in range(0, len(real), 50)]
        made = np.concatenate([model.develop(model.encode(x)).numpy() for x in parts])
        error = np.square(made.astype(np.float64) - real).mean((1, 2, 3)).clip(1e-9)
        found[f"PSNR {name}, dB"] = round(float((10 * np.log10(255**2 / error)).mean()), 2)
        found[f"n {name}"] = len(held)
        if name == "avatars":
            rows = [source.rows[i] for i in held]
            before, after = read_attributes(reader, real), read_attributes(reader, made)
            found["survival"] = {a: round(accuracy(after, rows, a) / accuracy(before, rows, a), 3) for a in avatars.LABELS}
    return found


def words(split: str, n: int = 300, named: int = 4) -> dict[str, object]:
    """Captions of held-out avatars that name 4 attributes each: found in generated pictures over found in the real ones."""
    source, rng, reader, pipe = data.load("avatars"), random.Random(0), load_reader(), load("latent-diffusion")
    held = source.split(split)[:n]
    rows, captions, names = [source.rows[i] for i in held], [], []
    for row in rows:
        can = [a for a in row["labels"] if row["labels"][a] != "none" and a != "hat"]
        chosen = rng.sample(can, named)
        if split == "compositional":  # the held-out pair is among the named
            pair = next(p for p in avatars.HELD_OUT if all(row["labels"].get(k) == v for k, v in p.items()))
            chosen = [*pair, *[a for a in chosen if a not in pair]][:named]
        text, said = avatars.caption(row["labels"], row["gender"], rng, chosen)
        captions.append(text)
        names.append(said)
    made = []
    for i, caption in enumerate(captions):
        *_, last = pipe.generate(prompt=caption, seed=i, guidance=GUIDANCE, steps=STEPS)
        made.append(last.result.pixels)
    real = hits(read_attributes(reader, np.ascontiguousarray(source.images[held])), rows, names)
    read = read_attributes(reader, np.stack(made))
    ours = hits(read, rows, names)
    by = {a: [read[a][i] == rows[i]["labels"][a] for i in range(len(rows)) if a in names[i]] for a in avatars.LABELS}
    each = {a: round(float(np.mean(v)), 2) for a, v in by.items() if v}
    return {"n": len(rows), "real": round(real, 3), "generated": round(ours, 3), "ratio": round(ours / real, 3), "generated, by attribute": each}


def agreement(n: int = 8, steps: int = 50) -> dict[str, float]:
    """Mean absolute difference (0 to 1) of each deterministic sampler's pictures from Heun's at 50 steps."""
    pipe = load("latent-diffusion")

    def pictures(sampler: str) -> np.ndarray:
        *_, last = pipe.generate(prompt="a woman with curly red hair and round glasses, smiling", sampler=sampler, steps=steps, count=n, seed=0)
        return np.stack([r.pixels for r in last.result]).astype(float) / 255

    heun = pictures("heun")
    return {s: round(float(np.abs(pictures(s) - heun).mean()), 4) for s in DETERMINISTIC if s != "heun"}


def measure() -> dict[str, object]:
    """All of it."""
    return {
        "reconstruction (bars: 31 dB, 27 dB, survival 0.97)": reconstruction(),
        "words, held out (bar 0.9)": words("test"),
        "words, compositional (bar 0.8)": words("compositional"),
        "sampler agreement at 50 steps (bar 0.02)": agreement(),
    }
