"""assets/references: held-out pictures as the eye sees them, with captions, and other real ones, which report cards
compare with. Needs the data sets `avatars`, `scenes` and `faces`; to be made anew with every new eye."""

from __future__ import annotations

import json
import random

import numpy as np
import torch
from safetensors.torch import save_file

from pipelines import datasets as data
from pipelines.core.cards import fingerprint
from pipelines.datasets.captions import describe
from pipelines.evaluation.extractors import EXTRACTORS, extract
from pipelines.evaluation.report import REFERENCES
from pipelines.media.images import resized

HELD_OUT, OTHER, CAPTIONS = 1500, 1000, 600
WORLDS = {"world": ("scenes", "avatars"), "people": ("avatars",), "faces": ("faces",)}  # by reference: sets, in turns
SPLITS = ("validation", "test")


def measure() -> dict[str, object]:
    """Write them all; how many pictures each has."""
    REFERENCES.mkdir(exist_ok=True)
    found = {}
    for name, sets in WORLDS.items():
        sources = [data.load(one) for one in sets]
        sides = {}
        for side, splits, n in (("held_out", SPLITS, HELD_OUT), ("other", ("train",), OTHER)):
            picks = [np.random.default_rng(0).permutation(source.split(*splits)) for source in sources]
            turns = list(zip(*(part[: n // len(sets)] for part in picks), strict=True))  # of each set one, in turns
            pictures = (
                resized(np.asarray(sources[k].images[i]), EXTRACTORS["eye"].side)
                for turn in turns
                for k, i in enumerate(turn)
            )
            sides[side] = torch.cat([part for part in extract(pictures) if part is not None]).half()
            if side == "held_out":
                rng, rows = (
                    random.Random(0),
                    [(sets[k], sources[k].rows[i]) for turn in turns for k, i in enumerate(turn)],
                )
                captions = [] if name == "faces" else [describe(s, row, 1, rng)[0] for s, row in rows[:CAPTIONS]]
        about = {"captions": json.dumps(captions), "eye": fingerprint(("eye",))}
        save_file(sides, REFERENCES / f"{name}.safetensors", about)
        found[name] = {side: len(features) for side, features in sides.items()}
    return found
