"""Pairs of a noise and the picture that the base develops from it, under training captions and guidance 4: what reflow
learns from (Liu et al. 2022, algorithm 1).

`latents.npy` (fp16, n x c x 16 x 16); picture k began as the noise of seed FIRST_SEED + k, which no bench draws, with
the caption and layout of row k of `rows.npy` (int64, n x 3: the source, its caption, and whether there was a layout).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from pipelines import datasets as data
from pipelines.core import cards
from pipelines.models.latent_diffusion import recipe as base
from pipelines.models.latent_diffusion.recipe_sources import NOTHING
from pipelines.models.latent_diffusion.sampling import sample_latents
from pipelines.nn import weights

COUNT, STEPS, BATCH, FIRST_SEED = 24_000, 16, 48, 2**31
WITHOUT_LAYOUT = 0.2


def folder() -> Path:
    """Where the pairs of the base in the cache lie: another base has others."""
    about = cards.card("latent-diffusion-256", data.cache_dir() / "weights")
    return data.cache_dir() / "data" / f"pairs-{about['steps']}"


@torch.inference_mode()
def build(count: int = COUNT) -> None:
    """Draw them (twenty minutes on two cores); what is there already is kept, so it can be stopped and go on."""
    folder().mkdir(parents=True, exist_ok=True)
    recipe, model = base.Recipe(), base.open_base()
    names, parts = list(recipe.sources), [folder() / f"part-{first}.npz" for first in range(0, count, BATCH)]
    for number, path in enumerate(parts):
        if path.exists():
            continue
        rng = np.random.default_rng([1, number])
        _, captions, picks = recipe.draw(torch.device("cpu"), rng)
        layout = recipe.layouts(picks, captions.device)
        without = rng.random(len(layout)) < WITHOUT_LAYOUT
        layout[torch.from_numpy(without)] = NOTHING
        with weights.mixed_precision():
            hint, seed = model.layout(layout), FIRST_SEED + number * BATCH
            z = sample_latents(model.transformer, captions, seed, STEPS, hint=hint)
        rows = [(names.index(name), int(k)) for name, some in picks.items() for k in some]
        with path.with_suffix(".part").open("wb") as file:
            np.savez(file, latents=z.half().numpy(), rows=np.column_stack([rows, ~without]))
        path.with_suffix(".part").rename(path)
    found = [np.load(path) for path in parts]
    np.save(folder() / "rows.npy", np.concatenate([part["rows"] for part in found]))
    np.save(folder() / "latents.npy", np.concatenate([part["latents"] for part in found]))
    print(f"{sum(len(part['rows']) for part in found)} pairs in {folder()}")
