"""Emoji: Microsoft's Fluent Emoji in 3D, on white, named by emojibase's labels and keywords (both MIT)."""

from __future__ import annotations

import json
import random
import re

import numpy as np
from PIL import Image

from pipelines import datasets as data

TONE = re.compile(r",? ?\b(?:medium-light|medium-dark|light|medium|dark) skin tone\b", re.I)
GENDER = re.compile(r"\b(?:man|woman|men|women|person|people)\b", re.I)


def entries() -> dict[str, dict]:
    """emojibase's signs by hexcode without variation selectors: label, tags, and the family that siblings share."""
    table = json.loads((data.node_modules() / "emojibase-data" / "en" / "data.json").read_text())
    found = {}
    for sign in table:
        for form in [sign, *sign.get("skins", [])]:
            label = form["label"]
            family = GENDER.sub("person", TONE.sub("", label)).replace(":", " ").strip(" ,").lower()
            key = form["hexcode"].replace("-FE0F", "").lower()
            found[key] = {"label": label, "tags": sign.get("tags", []), "family": " ".join(family.split())}
    return found


def caption(label: str, tags: list[str], rng: random.Random) -> str:
    """The sign's name, most of the time with a few of its keywords, sometimes introduced."""
    name = label.replace(": ", ", ") if rng.random() < 0.7 else label.replace(":", "")
    words = rng.sample(tags, min(len(tags), rng.choice([0, 0, 1, 2, 3])))
    text = rng.choice(["{}", "{}", "{}", "{} emoji", "emoji of {}", "a 3D icon of {}", "an emoji: {}"]).format(name)
    if words:
        text = rng.choice(["{}, {}", "{} ({})", "{}: {}"]).format(text, ", ".join(words))
    elif tags and rng.random() < 0.08:
        text = rng.choice(tags)
    return text


def split_of(sign: dict, hexcode: str, siblings: int) -> str:
    """unseen: 6 % of the families, all their signs; sibling: some signs whose siblings are trained on; the rest
    train."""
    if data.unit_hash("family " + sign["family"]) < 0.06:
        return "unseen"
    u = data.unit_hash(hexcode)
    if siblings > 2 and u < 0.08:
        return "sibling"
    return "validation" if 0.5 < u < 0.515 else "train"


def on_white(path: str | object) -> np.ndarray:
    """`laid`, of a file."""
    return compose_on_white(Image.open(path))


def compose_on_white(picture: Image.Image) -> np.ndarray:
    """Lay a picture with transparency on white and reduce it to the set's size: uint8 (256, 256, 3)."""
    image = picture.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(
        Image.alpha_composite(white, image).convert("RGB").resize((data.SIZE, data.SIZE), Image.LANCZOS)
    )


def build() -> None:
    """Read every sign that has a picture and a name (half a minute)."""
    signs = entries()
    files = sorted((data.node_modules() / "@lobehub" / "fluent-emoji-3d" / "assets").glob("*.webp"))
    items = [
        (f, f.stem.replace("-fe0f", ""), signs[f.stem.replace("-fe0f", "")])
        for f in files
        if f.stem.replace("-fe0f", "") in signs
    ]
    families: dict[str, int] = {}
    for _, _, sign in items:
        families[sign["family"]] = families.get(sign["family"], 0) + 1
    rng = random.Random(0)
    images = np.stack([on_white(f) for f, _, _ in items])
    rows = [
        {
            "split": split_of(s, key, families[s["family"]]),
            "caption": caption(s["label"], s["tags"], rng),
            "hexcode": key,
            **s,
        }
        for _, key, s in items
    ]
    folder = data.save("emoji", images, rows, images[np.random.default_rng(0).choice(len(images), 96, replace=False)])
    counts = {name: sum(r["split"] == name for r in rows) for name in ("train", "validation", "sibling", "unseen")}
    print(f"{len(rows)} emoji of {len(files)} pictures in {folder}: {counts}")
