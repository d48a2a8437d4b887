"""What the base draws of scenes, measured with the scene reader, which nothing was trained or chosen by. Needs the data
sets.

Every figure has its n; seeds are 0, 1, 2, …. Weights that lie in the cache are measured with DARKROOM_WEIGHTS set to
their folder.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

from bench.drafts import MODEL, last_picture
from pipelines import datasets as data
from pipelines import load
from pipelines.datasets.scenes import captions, land
from pipelines.datasets.scenes.kinds import HELD_OUT_COLOUR, HELD_OUT_LAND
from pipelines.evaluation.recipe_scenes import SEEN
from pipelines.evaluation.scene_reader import Detection, SceneReader
from pipelines.nn import weights
from pipelines.nn.pixels import to_tensor

Reading = tuple[dict[str, str], list[Detection]]
NAMED = 4  # facts a caption names


def load_scene_reader() -> SceneReader:
    """The bundled reader of scenes; its accuracy on real held-out ones is on its card."""
    return weights.open_bundle("scene-reader", lambda config: SceneReader(**config))


def read_all(reader: SceneReader, pictures: np.ndarray) -> list[Reading]:
    """What the reader sees in pictures."""
    return [r for i in range(0, len(pictures), 50) for r in reader.detect(to_tensor(pictures[i : i + 50]))]


def nameable(row: dict[str, Any]) -> list[str]:
    """The facts of a scene that a caption can name and the reader can find."""
    found = [] if row["mode"] == "scene" else ["ground"]
    if row["mode"] == "scene":
        found = [
            "land",
            "time",
            *["weather"] * (row["weather"] != "clear"),
            *["season"] * (row["land"] in land.SEASONAL),
        ]
    for i, group in enumerate(row["groups"]):
        visible = [t for t in row["things"] if t["group"] == i and t["seen"] >= SEEN]
        if len(visible) == group["count"] and visible:
            about = [name for name in ("colour", "facing", "gender", "tone") if group[name]]
            about += ["count"] * (group["count"] > 1) + ["third"] * (len(visible) == 1 and row["mode"] == "scene")
            found += [f"kind.{i}", *(f"{name}.{i}" for name in about)]
    return found


def pair(row: dict[str, Any]) -> set[str]:
    """The held-out pair of a scene, as facts; empty where there is none."""
    for i, group in enumerate(row["groups"]):
        if (group["kind"], row.get("land")) in HELD_OUT_LAND:
            return {f"kind.{i}", "land"}
        if (group["kind"], group["colour"]) in HELD_OUT_COLOUR:
            return {f"kind.{i}", f"colour.{i}"}
    return set()


def choose(row: dict[str, Any], rng: random.Random) -> set[str] | None:
    """Four facts to name, the kind of each thing that is spoken of and a held-out pair among them; None where there are
    not as many."""
    every = nameable(row)
    kinds = [name for name in every if name.startswith("kind")]
    if not kinds or len(every) < NAMED:
        return None
    chosen = pair(row) or set(rng.sample(kinds, min(len(kinds), rng.choice([1, 1, 2]))))
    if not chosen <= set(every):
        return None
    rest = [
        n
        for n in every
        if n not in chosen and (("." not in n) or f"kind.{n.split('.')[1]}" in chosen) and not n.startswith("kind")
    ]
    if len(rest) < NAMED - len(chosen):
        return None
    return chosen | set(rng.sample(rest, NAMED - len(chosen)))


def hit(row: dict[str, Any], name: str, reading: Reading) -> bool:
    """Whether the reader finds a fact of a scene."""
    whole, found = reading
    what, _, number = name.partition(".")
    if not number:
        return whole[what] == row[what]
    group = row["groups"][int(number)]
    mine = [d for d in found if d.labels["kind"] == group["kind"]]
    if what == "kind":
        return bool(mine)
    if what == "count":
        return len(mine) == group["count"]
    if what == "third":
        box = next(t["box"] for t in row["things"] if t["group"] == int(number))
        return any(["left", "middle", "right"][min(int(3 * d.x), 2)] == captions.third(box) for d in mine)
    return any(d.labels[what] == group[what] for d in mine)


@torch.inference_mode()
def follow(split: str = "test", n: int = 300, model: str = MODEL, **more: object) -> dict[str, Any]:
    """Captions of held-out scenes that name four facts each: found in generated pictures over found in the real
    ones."""
    source, rng, reader = data.load("scenes"), random.Random(0), load_scene_reader()
    rows, prompts, named, picks = [], [], [], []
    for i in source.split(split):
        row = source.rows[i]
        if len(rows) < n and (only := choose(row, rng)):
            prompt, names = captions.caption(row, rng, only)
            if set(names) >= only:
                rows, prompts, named, picks = [*rows, row], [*prompts, prompt], [*named, sorted(only)], [*picks, i]
    pipe = load(model)
    generated = np.stack(
        [last_picture(pipe, {"prompt": prompt, "seed": k, **more}) for k, prompt in enumerate(prompts)]
    )
    data.contact_sheet(generated[:64], columns=8).save(data.cache_dir() / f"scenes-{split}-{model}.png")
    readings = {"real": read_all(reader, source.images[picks]), "generated": read_all(reader, generated)}
    hits: dict[str, dict[str, list[bool]]] = {"real": {}, "generated": {}}
    for side, some in readings.items():
        for row, names, reading in zip(rows, named, some, strict=True):
            for name in names:
                hits[side].setdefault(name.split(".")[0], []).append(hit(row, name, reading))
    share = {side: {k: float(np.mean(v)) for k, v in by.items()} for side, by in hits.items()}
    total = {side: float(np.mean([x for v in by.values() for x in v])) for side, by in hits.items()}
    return {
        "n": len(rows), **{side: round(v, 3) for side, v in total.items()},
        "ratio": round(total["generated"] / total["real"], 3),
        "ratio, by fact": {
            k: round(share["generated"][k] / max(share["real"][k], 1e-9), 3) for k in sorted(share["real"])
        },
        "n, by fact": {k: len(v) for k, v in sorted(hits["real"].items())},
    }  # fmt: skip


def few_steps() -> dict[str, Any]:
    """The same by the straightened flow in four steps, two and one, and by next-scale prediction."""
    runs = {f"{steps} steps": ("few-step", {"steps": steps}) for steps in (4, 2, 1)} | {
        "next-scale": ("next-scale", {})
    }
    return {name: follow("test", 300, model, **more) for name, (model, more) in runs.items()}


def measure() -> dict[str, Any]:
    """Both splits."""
    return {
        "held out (bar 0.92; kind 0.92, land 0.90, colour 0.85, count 0.80)": follow("test"),
        "compositional (bar 0.85)": follow("compositional"),
    }
