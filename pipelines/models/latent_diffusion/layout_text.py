"""Layouts as people read and write them: "red car 80 96 240 208; dog left 16 112 112 208". No torch, so that
settings can refuse what is not understood."""

from __future__ import annotations

import difflib
import functools
import itertools
import re
from typing import Any

from pipelines.core.cards import WeightsError, card

SIDE, LEAST = 256, 16  # pixels of a picture, and of a box a side at least
THINGS = 6  # at most, from far to near
LABELS = ("colour", "facing", "gender", "tone")  # beside the kind
NONE = "none"  # what a layout says that is not wanted


@functools.cache
def _config() -> dict[str, Any]:
    return card("layout")["config"]


def vocabulary() -> dict[str, list[str]]:
    """The words of layouts, by label: those of the bundled writer; without one, none."""
    try:
        return _config()["vocabulary"]
    except WeightsError:
        return {label: [] for label in ("kind", "colour", "facing", "gender", "tone")}


def natural_kinds() -> frozenset[str]:
    """Kinds that have a colour of their own, though pictures of them in others exist: animals, and some more."""
    return _kinds("natural")


def people_kinds() -> frozenset[str]:
    """Kinds of which there is one of a man and one of a woman."""
    return _kinds("people")


def _kinds(of: str) -> frozenset[str]:
    try:
        return frozenset(_config().get(of, ()))
    except WeightsError:
        return frozenset()


def names() -> dict[str, str]:
    """The kind that each name of a thing means, in small letters."""
    try:
        return _names()
    except WeightsError:
        return {}


@functools.cache
def _names() -> dict[str, str]:
    config = _config()
    called = config.get("names", {}) | {kind: kind for kind in config["vocabulary"]["kind"]}
    return {name.lower(): kind for name, kind in called.items()}


def parse(text: str) -> list[dict[str, Any]]:
    """Things with labels and boxes in pixels (left, top, right, bottom), from far to near; none for "" and "none".
    Raises ValueError with a sentence."""
    if text.strip().lower() == NONE:
        return []
    things = [thing(part.strip()) for part in re.split(r"[;\n]", text) if part.strip()]
    if len(things) > THINGS:
        raise ValueError(f"The layout has {len(things)} things: leave at most {THINGS}.")
    return things


def thing(text: str) -> dict[str, Any]:
    """One thing and its box. Raises ValueError with a sentence."""
    found = re.fullmatch(r"(.*?\S)[\s:@]+(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\d+)", text)
    if not found:
        raise ValueError(
            f"“{text[:40]}” is no thing with a box: write a name and four numbers, such as dog 16 112 112 208."
        )
    name, box = found[1].lower(), [int(x) for x in found.groups()[1:]]
    if not (0 <= box[0] <= box[2] - LEAST and 0 <= box[1] <= box[3] - LEAST and max(box) <= SIDE):
        raise ValueError(
            f"The box of “{name[:40]}” is {box}: "
            f"give left, top, right and bottom in 0 to {SIDE}, {LEAST} apart at least."
        )
    return {**read_name(name), "box": box}


def read_name(name: str) -> dict[str, str]:
    """The labels of "dark woman artist left": the longest name of a kind in it, and words that are labels before and
    after. Raises ValueError with a sentence."""
    words, known, table = name.split(), names(), vocabulary()
    spans = sorted(itertools.combinations(range(len(words) + 1), 2), key=lambda span: span[0] - span[1])
    for i, j in spans:
        kind = known.get(" ".join(words[i:j]))
        labels = {label: [w for w in words[:i] + words[j:] if w in table[label]] for label in LABELS}
        if kind and sum(map(len, labels.values())) == len(words) - (j - i) and max(map(len, labels.values())) < 2:
            return {"kind": kind} | {label: (*said, "")[0] for label, said in labels.items()}
    rest = " ".join(w for w in words if all(w not in table[label] for label in LABELS)) or name
    near = difflib.get_close_matches(rest, known, 3, 0.5)
    instead = f": perhaps {' or '.join(near)}" if near else ", or has another word for it"
    raise ValueError(f"The world does not know “{rest[:40]}” as a thing{instead}.")


def to_page(things: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Things as the page shows them: a name that `parse` understands, and the box."""
    order = ("tone", "gender", "colour", "kind", "facing")
    return [{"name": " ".join(t[k] for k in order if t[k]), "box": t["box"]} for t in things]
