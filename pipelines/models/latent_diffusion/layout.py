"""Plans as people read and write them: "red car 80 96 240 208; dog left 16 112 112 208". No torch, so that settings can
refuse what is not understood."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Sequence
from typing import Any

from pipelines.core.cards import WeightsError, card

SIDE, LEAST = 256, 16  # pixels of a picture, and of a box a side at least
THINGS = 6


@functools.cache
def vocabulary() -> dict[str, list[str]]:
    """The words of plans, by label: those of the bundled writer; without one, none."""
    try:
        return card("plan")["config"]["vocabulary"]
    except WeightsError:
        return {label: [] for label in ("kind", "colour", "facing", "gender", "tone")}


@functools.cache
def names() -> dict[str, str]:
    """The kind that each name of a thing means."""
    try:
        return card("plan")["config"].get("names", {})
    except WeightsError:
        return {}


def named_kinds(words: Sequence[str]) -> set[str]:
    """The kinds of things that some words name, in any number; the longest name counts."""
    low, found, k = [word.lower() for word in words], set(), 0
    while k < len(low):
        for n in (3, 2, 1):
            phrase = " ".join(low[k : k + n])
            forms = (phrase, phrase.removesuffix("s"), phrase.removesuffix("es"), re.sub("ies$", "y", phrase))
            kind = next((names()[form] for form in forms if form in names()), "")
            if kind and k + n <= len(low):
                found.add(kind)
                break
        k += n
    return found


def parse(text: str) -> list[dict[str, Any]]:
    """Things with labels and boxes in pixels (left, top, right, bottom), from far to near. Raises ValueError with a
    sentence."""
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
            f"The box of “{name[:40]}” is {box}: give left, top, right and bottom in 0 to {SIDE}, {LEAST} apart at least."
        )
    words, labels = vocabulary(), dict.fromkeys(("colour", "facing", "gender", "tone"), "")
    if name not in words["kind"]:
        rest = name.split()
        for label in labels:
            said = [word for word in rest if word in words[label]]
            if said:
                labels[label] = said[0]
                rest.remove(said[0])
        name = " ".join(rest)
    name = names().get(name, name)
    if name not in words["kind"]:
        near = difflib.get_close_matches(name, words["kind"], 3, 0.5)
        instead = f": perhaps {' or '.join(near)}" if near else ", or has another word for it"
        raise ValueError(f"The world does not know “{name[:40]}”{instead}.")
    return {"kind": name, **labels, "box": box}


def to_page(things: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Things as the page shows them: a name that `parse` understands, and the box."""
    order = ("tone", "colour", "gender", "kind", "facing")
    return [{"name": " ".join(t[k] for k in order if t[k]), "box": t["box"]} for t in things]
