"""What the edits and the LoRAs do, measured on held-out pictures. Needs the data sets; half an hour of
two cores.

`python -m bench edits.inpainting` measures one of them. Seeds are 0, 1, 2, … What belongs to a card is written to it.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
import time
from typing import Any

import cv2
import numpy as np
from PIL import Image

from pipelines import datasets as data
from pipelines import load
from pipelines.core import cards
from pipelines.datasets import avatars
from pipelines.evaluation.metrics import ClipFeatures, load_reader, read_attributes
from pipelines.media import images as pictures

CHANGES = ["glasses", "beard", "mouth", "hair", "cloth", "background"]
EYES = (slice(84, 134), slice(74, 182))  # rows and columns of the eyes and glasses of every avatar, of 256
SUBJECT = re.compile(
    rf"^.*?\b({'|'.join({'person', 'someone', 'character'}.union(*avatars.SUBJECTS.values()))})\b,? "
)
FEATHER = 4  # pixels, the default
WITHIN = {"glasses", "eyes", "brows"}  # what is inside


def last(pipe: Any, **settings: Any) -> Any:
    """The last frame of a run."""
    *_, frame = pipe.generate(**settings)
    return frame


def looked_at(name: str, *columns: np.ndarray, n: int = 48) -> None:
    """A contact sheet in the cache: the columns' pictures side by side."""
    rows = np.stack([column[:n] for column in columns], 1)
    data.contact_sheet(rows.reshape(-1, *rows.shape[2:]), columns=4 * len(columns)).save(
        data.cache_dir() / f"edits-{name}.png"
    )


def held_out(n: int) -> tuple[np.ndarray, list[dict]]:
    """Avatars of the test split and their rows."""
    source = data.load("avatars")
    picks = source.split("test")[:n]
    return np.ascontiguousarray(source.images[picks]), [source.rows[i] for i in picks]


def changed(row: dict, name: str, rng: random.Random) -> tuple[str, str, str]:
    """What a person would write to change this attribute of an avatar: a caption of three others and, at its end, what
    it has now (if it has it); the same with another value at its end; and that value."""
    labels = row["labels"]
    choices = [
        v
        for v in sorted({r["labels"][name] for r in data.load("avatars").rows[:2000] if name in r["labels"]})
        if v not in (labels[name], "none")
    ]
    new = rng.choice(choices)
    hidden = {
        name,
        "eyes" if name == "glasses" else "",
        "beard_colour" if name == "beard" else "",
    }  # what the new value may cover or bring along
    others = rng.sample([a for a in labels if a not in hidden and labels[a] != "none"], 3)
    common, seed = avatars.caption(labels, row["gender"], rng, others)[0], rng.random()

    def tail(value: str) -> str:
        phrase = avatars.caption({**labels, name: value}, row["gender"], random.Random(seed), [name])[0]
        return "" if value == "none" else ", " + SUBJECT.sub("", phrase)

    return common + tail(labels[name]), common + tail(new), new


def share(read: dict[str, list[str]], wanted: list[dict[str, str]]) -> float:
    """Of all wanted values, the share that the reader finds."""
    return float(
        np.mean([read[name][k] == value for k, labels in enumerate(wanted) for name, value in labels.items()])
    )


def words(n: int = 100, **more: object) -> dict[str, Any]:
    """Change by words: asked attributes that are there after it, others that are still there, and what inversion alone
    gives back."""
    (real, rows), rng, pipe = held_out(n), random.Random(0), load("edit-by-words")
    images, same, asked, kept = [], [], [], []
    for k, row in enumerate(rows):
        name = CHANGES[k % len(CHANGES)]
        if name not in row["labels"] or (
            name == "beard" and row["gender"] == "woman"
        ):  # no woman of this world has a beard
            name = "mouth"
        before, after, new = changed(row, name, rng)
        images.append(last(pipe, image=real[k], source=before, prompt=after, **more).result.pixels)
        if k < 32:
            same.append(
                last(pipe, image=real[k], source=before, prompt=before, guidance=1, everywhere=True).result.pixels
            )
        asked.append({name: new})
        kept.append(
            {a: v for a, v in row["labels"].items() if a != name and not (name == "beard" and a == "beard_colour")}
        )
    looked_at("words", real, np.stack(images))
    read = read_attributes(load_reader(), np.stack(images))
    error = np.square(np.stack(same).astype(float) - real[: len(same)]).mean((1, 2, 3))
    by = {
        name: round(share(read, [a if name in a else {} for a in asked]), 2)
        for name in {name for a in asked for name in a}
    }
    return {
        "n": n, "asked found (bar 0.7)": round(share(read, asked), 3),
        "others kept (bar 0.85)": round(share(read, kept), 3), "asked, by attribute": by,
        "inversion alone, dB (bar 26)": round(float((10 * np.log10(255**2 / error)).mean()), 2),
    }  # fmt: skip


def across(pictures: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean absolute difference of neighbours on either side of a mask's border, a picture."""
    x = pictures.astype(float)
    down, right = mask[1:] != mask[:-1], mask[:, 1:] != mask[:, :-1]
    steps = [
        np.abs(np.diff(x, axis=1))[:, down].reshape(len(x), -1),
        np.abs(np.diff(x, axis=2))[:, right].reshape(len(x), -1),
    ]
    return np.concatenate(steps, 1).mean(1)


def inpainting(n: int = 200) -> dict[str, Any]:
    """The eyes of held-out avatars anew, the words naming glasses or eyes, by each method."""
    (real, rows), rng, pipe, reader = held_out(n), random.Random(0), load("inpainting"), load_reader()
    mask = np.zeros((data.SIZE, data.SIZE), np.uint8)
    mask[EYES] = 255
    prompts, asked = [], []
    for k, row in enumerate(rows):
        name = ("glasses", "eyes")[k % 2]
        new = rng.choice([v for v in avatars.PHRASES[name] if v not in ("none", "default", row["labels"].get(name))])
        labels = {**row["labels"], name: new} | ({"glasses": "none"} if name == "eyes" else {})
        prompts.append(avatars.caption(labels, row["gender"], rng, [name])[0])
        asked.append({name: new})
    before = read_attributes(reader, real)
    outside = [{a: before[a][k] for a in row["labels"] if a not in WITHIN} for k, row in enumerate(rows)]
    found, columns = {}, [real]
    for method in ("naive", "repaint", "conditioned"):
        frames = [
            last(pipe, image=real[k], mask=mask, prompt=prompts[k], method=method, seed=k, feather=FEATHER)
            for k in range(n)
        ]
        images = np.stack([f.result.pixels for f in frames])
        columns.append(images)
        read = read_attributes(reader, images)
        found[method] = {
            "asked found": round(share(read, asked), 3), "outside unchanged": round(share(read, outside), 3),
            "seam": round(float(across(images, mask > 0).mean() / across(real, mask > 0).mean()), 2),
            "pixels outside that differ": int((images != real)[:, mask == 0].sum()),
            "calls": frames[-1].trace["calls"],
        }  # fmt: skip
    looked_at("inpainting", *columns)
    cards.add_measurements(
        "inpainting",
        {
            f"{method}, feather {FEATHER}, n = {n}": ", ".join(f"{k} {v}" for k, v in metrics.items())
            for method, metrics in found.items()
        },
    )
    return {"n": n, "bars": "asked 0.8 conditioned, 0.6 repaint; outside 0.97; seam 1.25", **found}


def outside(n: int = 100) -> dict[str, Any]:
    """Pixels outside random masks that differ, over pictures of many shapes and kinds of file, by every method in turn,
    four steps."""
    rng, pipe, differ = np.random.default_rng(0), load("inpainting"), 0
    for k in range(n):
        height, width = (int(v) for v in rng.integers(40, 400, 2))
        array = cv2.resize(rng.integers(0, 256, (9, 9, 4), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
        deep = Image.fromarray(array[..., 0].astype(np.uint16) * 257)
        turned = Image.fromarray(array[..., :3])
        turned.getexif()[0x0112] = 6  # as phones store it: lying on its side
        given = [
            Image.fromarray(array[..., :3]),
            Image.fromarray(array),
            Image.fromarray(array[..., 0]),
            deep,
            turned,
        ][k % 5]
        whole = pictures.from_url(pictures.image_url(given))
        mask = np.zeros(whole.shape[:2], np.uint8)
        for _ in range(int(rng.integers(1, 4))):
            cv2.circle(
                mask,
                (int(rng.integers(mask.shape[1])), int(rng.integers(mask.shape[0]))),
                int(rng.integers(2, 60)),
                255,
                -1,
            )
        method, feather = ("conditioned", "repaint", "naive")[k % 3], int(rng.integers(0, 9))
        image = last(
            pipe, image=given, mask=mask, steps=4, seed=k, prompt="a smiling woman", method=method, feather=feather
        ).result.pixels
        differ += int((image != whole)[mask == 0].sum())
    return {"n": n, "pixels that differ (bar 0)": differ}


def outpainting(n: int = 24) -> dict[str, Any]:
    """Avatars continued to 256 pixels on the right and below, every other one without words: the step across a border
    of windows, and across the picture's own edge, each over the mean step of the 32 columns around it; and, since small
    steps are evened, how far the mean colours of the two cells beside a border of windows are apart, over the median of
    other neighbouring cells.
    """
    real, rows = held_out(n)
    pipe = load("outpainting")
    prompts = [row["caption"] * (k % 2 == 0) for k, row in enumerate(rows)]
    images = np.stack(
        [
            last(pipe, image=real[k], prompt=line, right=128, bottom=128, seed=k).result.pixels
            for k, line in enumerate(prompts)
        ]
    )
    looked_at("outpainting", images, n=n)

    def seam(column: int, lines: slice) -> float:
        steps = np.abs(np.diff(images[:, lines].astype(float), axis=2)).mean((0, 1, 3))
        return round(float(steps[column] / np.delete(steps[column - 16 : column + 17], 16).mean()), 2)

    border, edge = seam(191, slice(None)), seam(127, slice(0, 128))
    colours = images.reshape(n, 32, 8, 32, 8, 3).mean((2, 4))
    apart = np.abs(np.diff(colours, axis=2)).mean((0, 1, 3))[16:]  # from column 128 on
    cell = round(float(apart[7] / np.median(np.delete(apart, 7))), 2)
    summary = (
        f"step {border}, colours of cells {cell} at borders of windows; step {edge} at the picture's edge (n = {n})"
    )
    cards.add_measurements("outpainting", {"seams, over what is beside them": summary})
    return {
        "n": n,
        "at a border of windows (bar 1.25)": border,
        "cells there (bar 1.25)": cell,
        "at the picture's edge": edge,
    }


def teaching(minutes: float = 2.5) -> dict[str, Any]:
    """12 pictures of a family of avatars that the base has never seen, taught: how far the eye's likeness to that
    family rises, with the word and without."""
    os.environ["DARKROOM_HOME"] = tempfile.mkdtemp()  # what is taught here is nobody's
    eye, family = ClipFeatures(), data.load("pixels").images
    style, reference, real = family[:12], family[12:300], family[300:]
    begun = time.perf_counter()
    frame = last(load("lora"), pictures=tuple(style), trigger="zorblax", name="bench", minutes=minutes)
    took, base = time.perf_counter() - begun, load("latent-diffusion")
    prompts = [row["caption"] for row in held_out(24)[1]]

    def drawn(captions: list[str], loras: str) -> np.ndarray:
        return np.stack([last(base, prompt=c, seed=k, loras=loras).result.pixels for k, c in enumerate(captions)])

    called = [f"{c}, zorblax style" for c in prompts] + ["zorblax"] * 8
    sets = {
        "base": drawn(called, ""),
        "taught": drawn(called, "bench"),
        "no word, base": drawn(prompts, ""),
        "no word, taught": drawn(prompts, "bench"),
    }
    middle = eye.features(reference).mean(0)
    each = {name: eye.features(images) @ middle for name, images in {**sets, "real": real}.items()}
    like = {name: some.mean().item() for name, some in each.items()}
    looked_at("teaching", *(images[-24:] for images in sets.values()), n=24)
    rise, moved = like["taught"] - like["base"], each["no word, taught"] - each["no word, base"]
    return {
        "updates": frame.trace["calls"], "minutes (bar 3)": round(took / 60, 2),
        "likeness": {k: round(v, 4) for k, v in like.items()},
        "share of the way from base to real (bar 0.5)": round(rise / (like["real"] - like["base"]), 3),
        "without the word, share of that rise (bar 0.05)": round(abs(moved.mean().item()) / abs(rise), 3),
        "the same, each picture's own": round(moved.abs().mean().item() / abs(rise), 3),
        "base comes back bit for bit": bool(np.array_equal(drawn(prompts[:1], "")[0], sets["no word, base"][0])),
    }  # fmt: skip


def measure() -> dict[str, object]:
    """All of it."""
    return {part.__name__: part() for part in (outside, inpainting, outpainting, words, teaching)}
