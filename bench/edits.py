"""What the edits do to held-out avatars, measured with the attribute reader. Needs the data sets. Seeds are 0, 1, 2, …"""

from __future__ import annotations

import random

import numpy as np

from pipelines import load
from pipelines.evaluation import load_reader, read_attributes
from pipelines.training import data
from pipelines.training.data import avatars

CHANGES = ["glasses", "beard", "mouth", "hair", "cloth", "background"]


def changed(row: dict, name: str, rng: random.Random) -> tuple[str, str, str]:
    """A caption of an avatar that names this attribute and three others, the same with another value, and that value."""
    labels = row["labels"]
    choices = [v for v in sorted({r["labels"][name] for r in data.load("avatars").rows[:2000] if name in r["labels"]}) if v not in (labels[name], "none")]
    new = rng.choice(choices)
    names = [name, *rng.sample([a for a in labels if a != name and labels[a] != "none" and not (name == "beard" and a == "beard_colour")], 3)]
    seed = rng.random()
    before, after = (avatars.caption({**labels, name: value}, row["gender"], random.Random(seed), names)[0] for value in (labels[name], new))
    return before, after, new


def by_words(n: int = 100, **more: object) -> dict[str, float]:
    """Shares of asked attributes that are there after the edit, and of all others that are still there."""
    source, rng, reader, pipe = data.load("avatars"), random.Random(0), load_reader(), load("edit-by-words")
    made, asked, kept_of = [], [], []
    for k, i in enumerate(source.split("test")[:n]):
        row, name = source.rows[i], CHANGES[k % len(CHANGES)]
        if name not in row["labels"]:
            name = "mouth"
        before, after, new = changed(row, name, rng)
        *_, last = pipe.generate(image=np.array(source.images[i]), source=before, prompt=after, **more)
        made.append(last.result.pixels)
        asked.append((name, new))
        kept_of.append({a: v for a, v in row["labels"].items() if a != name and not (name == "beard" and a == "beard_colour")})
    sheet = np.stack([p for i, m in zip(source.split("test")[:48], made, strict=False) for p in (source.images[i], m)])
    data.contact_sheet(sheet, columns=12).save(data.cache_dir() / "edits-words.png")
    read = read_attributes(reader, np.stack(made))
    there = [read[name][k] == new for k, (name, new) in enumerate(asked)]
    kept = [read[a][k] == v for k, labels in enumerate(kept_of) for a, v in labels.items()]
    by = {name: round(float(np.mean([t for t, (a, _) in zip(there, asked, strict=True) if a == name])), 2) for name in {a for a, _ in asked}}
    return {"n": len(made), "asked (bar 0.7)": round(float(np.mean(there)), 3), "kept (bar 0.85)": round(float(np.mean(kept)), 3), "asked, by attribute": by}


def measure() -> dict[str, object]:
    """What is measured so far."""
    return {"change by words": by_words()}
