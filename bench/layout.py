"""What layouts make of held-out captions: whether what the words name is in them, as often and in that colour; and how
long one takes. Needs the data sets."""

from __future__ import annotations

import random
import time
from typing import Any

import numpy as np
import torch

from pipelines import datasets as data
from pipelines import load
from pipelines.datasets.scenes import captions
from pipelines.models.latent_diffusion.layout_text import vocabulary


def measure(n: int = 400) -> dict[str, Any]:
    """Shares of named facts that layouts hold, by how many groups of things the scene has; seeds 0, 1, 2, …."""
    source, rng, pipe = data.load("scenes"), random.Random(0), load("latent-diffusion-256")
    rows = [source.rows[i] for i in source.split("test")[:n]]
    found: dict[str, list[bool]] = {}
    spent = []
    for k, row in enumerate(rows):
        prompt, names = captions.caption(row, rng)
        condition = pipe.condition(prompt, "")
        began = time.perf_counter()
        layout = pipe.draw_layout(condition, k)
        spent.append(time.perf_counter() - began)
        kinds, colours = vocabulary()["kind"], vocabulary()["colour"]
        things = [(kinds[a], colours[b]) for a, b in layout[:, :2].tolist() if a < len(kinds)]
        for i, group in enumerate(row["groups"]):
            if f"kind.{i}" in names:
                mine = [colour for kind, colour in things if kind == group["kind"]]
                found.setdefault(f"kind, of {len(row['groups'])}", []).append(bool(mine))
                if f"colour.{i}" in names:
                    found.setdefault("colour", []).append(group["colour"] in mine)
                if f"count.{i}" in names:
                    found.setdefault("count", []).append(len(mine) == group["count"])
        if not row["groups"]:
            found.setdefault("nothing where there is nothing", []).append(not things)
    return {
        "n": len(rows), "threads": torch.get_num_threads(),
        **{name: round(float(np.mean(hits)), 3) for name, hits in sorted(found.items())},
        "n, by fact": {name: len(hits) for name, hits in sorted(found.items())},
        "ms a layout, median": round(1000 * float(np.median(spent)), 1),
    }  # fmt: skip
