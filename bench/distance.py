"""Distances in the eye's features, and whether avatars are copied. Needs the data sets and an hour of two cores."""

from __future__ import annotations

import random

import numpy as np
import torch

from bench.quality import pictures
from pipelines import datasets as data
from pipelines.core.cards import add_measurements
from pipelines.datasets import avatars, emoji
from pipelines.evaluation.metrics import ClipFeatures, frechet, kid_over_subsets, nearest, stretched
from pipelines.models.latent_diffusion import autoencoder_128 as autoencoder
from pipelines.nn.pixels import to_tensor


@torch.inference_mode()
def reconstructed(pictures: np.ndarray) -> np.ndarray:
    """What the autoencoder alone leaves of pictures."""
    model = autoencoder.load()
    parts = (to_tensor(pictures[i : i + 50]) for i in range(0, len(pictures), 50))
    return np.concatenate([model.decode_uint8(model.encode(x)).numpy() for x in parts])


def distances(a: torch.Tensor, b: torch.Tensor, size: int = 500) -> dict[str, float]:
    """Both distances between two sets of features; the spread is KID's standard deviation over 50 subsets of `size`."""
    mean, spread = kid_over_subsets(stretched(a), stretched(b), size=size)
    return {
        "eye-KID x 1000, (cos + 1)³": round(1000 * mean, 3),
        "spread": round(1000 * spread, 3),
        "eye-Frechet": round(frechet(a, b), 4),
    }


def measure(n: int = 2000) -> dict[str, object]:
    """Generated, autoencoder alone and the floor (half of the real pictures against the other half)."""
    eye, rng, found = ClipFeatures(), random.Random(0), {}
    for name in ("avatars", "emoji"):
        source = data.load(name)
        # there are too few held-out emoji for halves: theirs are halves of all signs, and the card says so
        picks = source.split("test") if name == "avatars" else np.arange(len(source.rows))
        picks = np.random.default_rng(0).permutation(picks)[: 2 * n]
        first, second = np.array_split(picks, 2)
        rows = [source.rows[i] for i in first]
        if name == "avatars":
            captions = [avatars.caption(r["labels"], r["gender"], rng)[0] for r in rows]
        else:
            captions = [emoji.caption(r["label"], r["tags"], rng) for r in rows]
        generated = pictures(captions)
        a, b = (eye.features(source.images[np.sort(part)]) for part in (first, second))
        features = eye.features(generated)
        found[name] = {
            "n": [len(first), len(second)],
            "generated": distances(features, b),
            "autoencoder alone": distances(eye.features(reconstructed(source.images[np.sort(first)])), b),
            "floor, half against half": distances(a, b),
            "CLIP score, generated": round(eye.clip_score(generated, captions).mean().item(), 2),
            "CLIP score, real": round(eye.clip_score(source.images[first], captions).mean().item(), 2),
        }
        library = source.split("train")
        index, cosine = nearest(features[:16], eye.features(source.images[library]))
        pairs = np.stack([generated[:16], source.images[library[index.numpy()]]], 1).reshape(32, 128, 128, 3)
        data.contact_sheet(pairs, columns=8).save(data.cache_dir() / f"nearest-{name}.png")
        found[name]["cosine with the nearest training picture"] = [round(c, 3) for c in cosine.tolist()]
        add_measurements("latent-diffusion", {
            f"eye-KID × 1000, {name}": f"{found[name]['generated']['eye-KID x 1000']} (autoencoder {found[name]['autoencoder alone']['eye-KID x 1000']}, floor "
            f"{found[name]['floor, half against half']['eye-KID x 1000']}; n = {len(first)})",
            f"eye-Fréchet, {name}": f"{found[name]['generated']['eye-Frechet']} (autoencoder {found[name]['autoencoder alone']['eye-Frechet']}, floor "
            f"{found[name]['floor, half against half']['eye-Frechet']})",
        })  # fmt: skip
    return found
