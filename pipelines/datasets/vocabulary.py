"""The words that training captions are made of: those that the tables of scenes and avatars hold, and the small words
around them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pipelines.datasets import avatar_words, avatars
from pipelines.datasets.scenes import words
from pipelines.datasets.scenes.kinds import COLOURS, KINDS
from pipelines.models.latent_diffusion.vocabulary import FILE

SMALL = [
    "a", "an", "the", "one", "two", "three", "four", "some", "my", "your", "his", "her", "this", "that", "these",
    "those", "it", "its", "is", "are", "was", "be", "has", "have", "and", "or", "but", "with", "without", "in",
    "on", "at", "by", "near", "under", "over", "above", "below", "before", "behind", "beside", "between", "of",
    "to", "from", "into", "through", "around", "next", "left", "right", "middle", "centre", "side", "front", "back",
    "while", "as", "for", "during", "who", "which", "very", "really", "big", "small", "large", "little", "tiny",
    "huge", "giant", "cute", "beautiful", "pretty", "old", "young", "new", "nice", "picture", "drawing", "photo",
    "image", "icon", "emoji", "cartoon", "portrait", "avatar", "of", "background", "wall", "sky", "clear", "sunny",
    "day", "time", "light", "dark", "bright", "pale", "please", "draw", "show", "me", "want", "like", "looking",
    "facing", "heading", "going", "standing", "sitting", "wearing", "holding", "running", "flying", "scene",
    "landscape", "view", "snow", "rain", "fog", "sun", "moon", "star", "stars", "cloud", "clouds", "rainbow", "man",
    "woman", "boy", "girl", "person", "people", "someone", "character", "male", "female", "lady", "guy", "nothing",
    "empty", "plain",
]  # fmt: skip


def leaves(table: Any) -> Iterator[str]:
    """Every string in a nest of dicts, lists and sets, keys among them."""
    if isinstance(table, str):
        yield table
    elif isinstance(table, dict):
        for key, value in table.items():
            yield from leaves(key)
            yield from leaves(value)
    elif isinstance(table, (list, tuple, set)):
        for value in table:
            yield from leaves(value)


def collect() -> dict[str, list[str]]:
    """All words, and the names of all kinds of things."""
    tables = [vars(module)[name] for module in (words, avatar_words) for name in vars(module) if name.isupper()]
    names = [name for kind in KINDS for name in kind.names]
    texts = [*SMALL, *names, *leaves(tables), *leaves(COLOURS), *leaves(avatars.LABELS)]
    found = {word for text in texts for word in re.findall(r"[a-z]+", text.lower())}
    return {"words": sorted(found), "things": names}


def build() -> None:
    """Write it beside the weights, for running needs it."""
    table = collect()
    FILE.write_text(json.dumps(table, ensure_ascii=False, indent=0) + "\n")
    print(f"{len(table['words'])} words and {len(table['things'])} names of things in {FILE.name}")
