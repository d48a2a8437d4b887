"""What ControlNet does in the world of scenes, measured on held-out ones. Needs the data sets.

`python -m bench scene_controls.controls` measures one part. Seeds are 0, 1, 2, …
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from PIL import Image

from bench.controls import cells, f1
from bench.edits import last, looked_at
from bench.scenes import load_scene_reader, read_all
from pipelines import datasets as data
from pipelines import load
from pipelines.core import cards
from pipelines.datasets.scenes.kinds import BY_NAME
from pipelines.media.control_maps import edges, scribble
from pipelines.media.images import center_crop
from pipelines.models.controlnet.recipe_depth import rank_correlation

KINDS = ("edges", "scribble", "palette", "depth")


def controls(n: int = 100) -> dict[str, Any]:
    """Held-out landscapes as controls under their captions, and the base under the same: edges found within 2 pixels of
    128, how far colours are apart, how the depth that is read ranks, and what a run costs."""
    source = data.load("scenes")
    picks = [i for i in source.split("test") if source.rows[i]["mode"] == "scene"][:n]
    real, prompts = [source.images[i] for i in picks], [source.rows[i]["caption"] for i in picks]
    base, pipe = load("latent-diffusion-256"), load("controlnet")
    last(pipe, control=real[0], kind="edges", world="scenes")  # loads
    last(base, prompt=prompts[0])
    drawn, seconds = {}, {}
    for kind in ("base", *KINDS):
        begun = time.perf_counter()
        drawn[kind] = np.stack(
            [
                last(base, prompt=line, seed=k).result.pixels
                if kind == "base"
                else last(pipe, prompt=line, seed=k, control=real[k], kind=kind, world="scenes").result.pixels
                for k, line in enumerate(prompts)
            ]
        )
        seconds[kind] = (time.perf_counter() - begun) / n
    looked_at("scenes-controls", np.stack(real), *drawn.values(), n=24)
    small = {kind: [center_crop(one) for one in pictures] for kind, pictures in drawn.items()}
    wanted, everywhere = [center_crop(one) for one in real], np.ones((128, 128), bool)
    lines = {k: [f1(edges(a), edges(b), everywhere) for a, b in zip(small[k], wanted, strict=True)] for k in small}
    apart = {k: [np.abs(cells(a) - cells(b)).mean() for a, b in zip(small[k], wanted, strict=True)] for k in small}
    near = [load("controlnet").extract_control("depth", one).astype(int) // 8 for one in real]
    ranks = {
        kind: [
            rank_correlation(load("controlnet").extract_control("depth", one).astype(int) // 8, goal)
            for one, goal in zip(drawn[kind], near, strict=True)
        ]
        for kind in ("base", "depth")
    }

    def mean(values: list[float]) -> float:
        return round(float(np.mean(values)), 3)

    followed = {
        "edges' F1 at 2 pixels": (mean(lines["edges"]), mean(lines["base"])),
        "scribbles' F1 at 2 pixels": (mean(lines["scribble"]), mean(lines["base"])),
        "colours' distance, 0 to 255": (mean(apart["palette"]), mean(apart["base"])),
        "depth's rank correlation": (mean(ranks["depth"]), mean(ranks["base"])),
    }
    cards.add_measurements(
        "controlnet-256", {name: f"{a} (the base {b}; n = {n})" for name, (a, b) in followed.items()}
    )
    off = last(pipe, control=real[0], world="scenes", control_weight=0, prompt=prompts[0], seed=3).result.pixels
    return {
        "n": n,
        "edges' F1 (bar .65, base at most .35)": {k: mean(lines[k]) for k in ("base", "edges", "scribble")},
        "colours of 8 x 8 cells, distance": {k: mean(apart[k]) for k in ("base", "palette")},
        "depth, rank correlation (bar .8, base at most .4)": {k: mean(v) for k, v in ranks.items()},
        "time over the base's (bar 1.6)": round(seconds["edges"] / seconds["base"], 2),
        "weight 0 is the base bit for bit": bool(
            np.array_equal(off, last(base, prompt=prompts[0], seed=3).result.pixels)
        ),
    }


def scribbles(n: int = 60) -> dict[str, Any]:
    """Wobbly sketches with gaps, of held-out things that stand alone, under the thing's name: named by the reader."""
    source = data.load("scenes")
    picks = [
        i for i in source.split("test") if source.rows[i]["mode"] == "plain" and len(source.rows[i]["things"]) == 1
    ]
    picks, pipe = picks[:n], load("controlnet")
    kinds = [source.rows[i]["groups"][0]["kind"] for i in picks]
    sketches = [scribble(center_crop(source.images[i]), np.random.default_rng(k)) for k, i in enumerate(picks)]
    papers = [np.repeat(255 - one[..., None], 3, 2) for one in sketches]
    drawn = np.stack(
        [
            last(pipe, control=paper, prompt=BY_NAME[kind].names[0], seed=k, world="scenes").result.pixels
            for k, (paper, kind) in enumerate(zip(papers, kinds, strict=True))
        ]
    )
    large = [np.asarray(Image.fromarray(paper).resize((data.SIZE, data.SIZE))) for paper in papers]
    looked_at("scenes-scribbles", np.stack(large), drawn, n=n)
    named = [
        any(d.labels["kind"] == kind for d in found)
        for kind, (_, found) in zip(kinds, read_all(load_scene_reader(), drawn), strict=True)
    ]
    return {"n": n, "thing named (bar .80)": round(float(np.mean(named)), 3)}


def measure() -> dict[str, object]:
    """All of it."""
    return {part.__name__: part() for part in (controls, scribbles)}
