"""What Edit does in the world of scenes, measured on held-out ones with the scene reader, which nothing was trained or
chosen by. Needs the data sets.

`python -m bench scene_edits.inpainting` measures one of them. Seeds are 0, 1, 2, …
"""

from __future__ import annotations

import random
from typing import Any

import cv2
import numpy as np

from bench.edits import across, last, looked_at
from bench.scenes import Reading, hit, load_scene_reader, nameable, read_all
from pipelines import datasets as data
from pipelines import load
from pipelines.datasets.scenes import captions, land
from pipelines.datasets.scenes.kinds import BY_NAME, COLOURS, KINDS

GROWN = 12  # pixels that a hand paints around a thing


def held_out(n: int, mode: str = "") -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Held-out scenes of one or two things that are seen in full, and their rows."""
    source = data.load("scenes")
    picks = [
        i
        for i in source.split("test")
        if mode in ("", source.rows[i]["mode"])
        and 0 < len(source.rows[i]["things"]) < 3
        and all(thing["seen"] > 0.95 for thing in source.rows[i]["things"])
    ][:n]
    return np.stack([source.images[i] for i in picks]), [source.rows[i] for i in picks]


def paint(box: list[int], grown: int = GROWN) -> np.ndarray:
    """A mask of 256 pixels over a box and a little around it."""
    mask = np.zeros((data.SIZE, data.SIZE), np.uint8)
    left, top, right, bottom = box
    mask[max(top - grown, 0) : bottom + grown, max(left - grown, 0) : right + grown] = 255
    return mask


def inside(reading: Reading, kind: str, mask: np.ndarray) -> bool:
    """Whether the reader finds a thing of a kind whose middle a mask covers."""
    last_pixel = data.SIZE - 1
    return any(
        d.labels["kind"] == kind and mask[int(d.y * last_pixel), int(d.x * last_pixel)] > 0 for d in reading[1]
    )


def task(row: dict[str, Any], k: int, rng: random.Random) -> tuple[np.ndarray, str, str, str]:
    """What is painted over a scene, the words, and the kinds that are to be there and gone: every third time a thing is
    exchanged, put beside the others, or taken away. Where there is no room beside, one is exchanged."""
    thing = rng.randrange(len(row["things"]))
    box, kind = row["things"][thing]["box"], row["groups"][row["things"][thing]["group"]]["kind"]
    if k % 3 == 2:
        return paint(box), captions.describe_part(row, None, rng), "", kind
    there = {group["kind"] for group in row["groups"]}
    places = {BY_NAME[kind].place} if row["mode"] == "scene" else {"alone", "ground"}
    new = rng.choice([one for one in KINDS if one.place in places and one.name not in there])
    colour = rng.choice(list(COLOURS[new.colours])) if new.colours in COLOURS else ""
    words = captions.article(f"{colour} {new.names[0]}".strip())
    if k % 3 == 1 and (free := find_room(row, rng)):
        return paint(free, 0), words, new.name, ""
    return paint(box), words, new.name, kind


def find_room(row: dict[str, Any], rng: random.Random, side: int = 96) -> list[int] | None:
    """A box below the sky that touches nothing; None where there is no room."""
    for _ in range(40):
        left, top = rng.randrange(data.SIZE - side), rng.randrange(64, data.SIZE - side)
        apart = [
            left + side <= x0 or x1 <= left or top + side <= y0 or y1 <= top
            for x0, y0, x1, y1 in (thing["box"] for thing in row["things"])
        ]
        if all(apart):
            return [left, top, left + side, top + side]
    return None


def inpainting(
    n: int = 200, methods: tuple[str, ...] = ("conditioned", "repaint", "naive"), **more: object
) -> dict[str, Any]:
    """Things exchanged, put in and taken away, by each method: what the words put there is found under the mask, what
    they take away is not, and the things outside it still are. The seam is the step across the mask's border over the
    same in the real picture."""
    (real, rows), rng, pipe, reader = held_out(n), random.Random(0), load("inpainting"), load_scene_reader()
    tasks = [task(row, k, rng) for k, row in enumerate(rows)]
    masks = np.stack([mask for mask, *_ in tasks])
    before, found, columns = read_all(reader, real), {}, [real]
    for method in methods:
        images = np.stack(
            [
                last(
                    pipe, image=real[k], mask=mask, prompt=words, method=method, seed=k, world="scenes", **more
                ).result.pixels
                for k, (mask, words, *_) in enumerate(tasks)
            ]
        )
        columns.append(images)
        after = read_all(reader, images)
        put = [inside(after[k], new, masks[k]) for k, (_, _, new, _) in enumerate(tasks) if new]
        gone = [
            not inside(after[k], old, masks[k])
            for k, (_, _, new, old) in enumerate(tasks)
            if not new and inside(before[k], old, masks[k])
        ]
        outside = [
            any(e.labels["kind"] == d.labels["kind"] and abs(e.x - d.x) + abs(e.y - d.y) < 0.15 for e in after[k][1])
            for k, mask in enumerate(masks)
            for d in before[k][1]
            if not mask[int(d.y * 255), int(d.x * 255)]
        ]
        seams = [
            across(images[k : k + 1], mask > 0)[0] / max(across(real[k : k + 1], mask > 0)[0], 1.0)
            for k, mask in enumerate(masks)
        ]
        found[method] = {
            f"put there and found, n = {len(put)} (bars .85 conditioned, .70 repaint)": round(float(np.mean(put)), 3),
            f"taken away and gone, n = {len(gone)} (bar .85)": round(float(np.mean(gone)), 3),
            f"things outside kept, n = {len(outside)} (bar .97)": round(float(np.mean(outside)), 3),
            "seam, median (bar 1.2)": round(float(np.median(seams)), 2),
            "pixels outside that differ (bar 0)": int((images != real)[masks == 0].sum()),
        }
    painted = np.where(masks[..., None] > 0, (real // 3 + 140).astype(np.uint8), real)
    looked_at("scenes-inpainting", real, painted, *columns[1:])
    return {"n": n, **found}


def blended() -> dict[str, Any]:
    """The same as the form begins with: faded in over 16 pixels, and blended into what is around it."""
    return inpainting(methods=("conditioned",), feather=16, blend=True)


def change(row: dict[str, Any], k: int, rng: random.Random) -> tuple[dict[str, Any], str] | None:
    """A scene with one fact changed, and the fact; None where it has none of that kind."""
    what = ("time", "weather", "season", "colour")[k % 4]
    if what == "colour":
        group = row["groups"][0]
        values = [c for c in COLOURS.get(BY_NAME[group["kind"]].colours, ()) if c != group["colour"]]
        if not group["colour"] or not values:
            return None
        return {**row, "groups": [{**group, "colour": rng.choice(values)}, *row["groups"][1:]]}, "colour.0"
    if row["mode"] == "plain" or (what == "season" and row["land"] not in land.SEASONAL):
        return None
    values = {"time": land.TIMES, "weather": land.WEATHERS, "season": land.SEASONS}[what]
    return {**row, what: rng.choice([v for v in values if v != row[what]])}, what


def words(n: int = 100, **more: object) -> dict[str, Any]:
    """Change by words: a time of day, weather, a season or a colour. Asked facts that are there after it, and others
    that were read before and still are."""
    (real, rows), rng = held_out(4 * n), random.Random(0)
    pipe, reader = load("edit-by-words"), load_scene_reader()
    before = read_all(reader, real)
    asked: dict[str, list[bool]] = {}
    kept, columns, picks = [], [], []
    for k, row in enumerate(rows):
        if len(columns) == n or (made := change(row, k, rng)) is None:
            continue
        new, fact = made
        named, seed = {"kind.0", "land", "ground", fact}, rng.random()
        lines = [captions.caption(one, random.Random(seed), named)[0] for one in (row, new)]
        image = last(pipe, image=real[k], source_prompt=lines[0], prompt=lines[1], seed=k, world="scenes", **more)
        columns.append(image.result.pixels)
        picks.append(k)
        (after,) = read_all(reader, columns[-1][None])
        asked.setdefault(fact.partition(".")[0], []).append(hit(new, fact, after))
        others = [name for name in nameable(row) if name != fact and hit(row, name, before[k])]
        kept += [hit(row, name, after) for name in others]
    looked_at("scenes-words", real[picks], np.stack(columns), n=n)
    every = [right for part in asked.values() for right in part]
    return {
        "n": len(every), "asked found (bar .80)": round(float(np.mean(every)), 3),
        "asked, by fact": {name: f"{np.mean(part):.2f} of {len(part)}" for name, part in asked.items()},
        f"others kept, n = {len(kept)} (bar .85)": round(float(np.mean(kept)), 3),
    }  # fmt: skip


def horizon(pictures: np.ndarray, columns: slice) -> np.ndarray:
    """The row of the strongest step from one row to the next, on the mean of some columns of each picture."""
    rows = pictures[:, :, columns].astype(np.float32).mean(2)
    steps = np.abs(np.diff(cv2.GaussianBlur(rows.transpose(1, 0, 2), (1, 5), 0).transpose(1, 0, 2), axis=1)).sum(2)
    return steps.argmax(1)


def outpainting(n: int = 24) -> dict[str, Any]:
    """Held-out seas continued by 256 pixels to the right: how far the horizon moves, and the step across borders of
    windows over those beside them."""
    source = data.load("scenes")
    picks = [i for i in source.split("test") if source.rows[i].get("land") in ("sea", "lake", "desert")][:n]
    real, pipe = np.stack([source.images[i] for i in picks]), load("outpainting")
    images = np.stack(
        [
            last(pipe, image=real[k], right=256, seed=k, world="scenes",
                prompt=captions.describe_part(source.rows[i], None, random.Random(k))).result.pixels
            for k, i in enumerate(picks)
        ]
    )  # fmt: skip
    looked_at("scenes-outpainting", images, n=n)
    moved = np.abs(horizon(images, slice(232, 256)) - horizon(images, slice(264, 320)))
    steps = np.abs(np.diff(images.astype(float), axis=2)).mean((0, 1, 3))

    def seam(column: int) -> float:
        beside = np.delete(steps[column - 16 : column + 17], 16)
        return round(float(steps[column] / beside.mean()), 2)

    return {
        "n": n,
        "horizon moves, pixels, median (bar 2)": float(np.median(moved)),
        "step at a border of windows (bar 1.25)": seam(383),
        "step at the picture's edge": seam(255),
    }


def measure() -> dict[str, object]:
    """All of it."""
    return {part.__name__: part() for part in (inpainting, words, outpainting)}
