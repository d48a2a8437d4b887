"""Layouts as people read and write them: "red car 80 96 240 208; dog left 16 112 112 208". No torch, so that
settings can refuse what is not understood."""

from __future__ import annotations

import difflib
import functools
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.core.cards import WeightsError, card

SIDE, LEAST = 256, 16  # pixels of a picture, and of a box a side at least
THINGS = 6  # at most, from far to near
LABELS = ("colour", "facing", "gender", "tone")  # beside the kind
NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6} | {
    str(n): n for n in range(1, 7)
}
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


def names() -> dict[str, str]:
    """The kind that each name of a thing means, in small letters."""
    try:
        said = _config().get("names", {}) | {kind: kind for kind in vocabulary()["kind"]}
    except WeightsError:
        return {}
    return {name.lower(): kind for name, kind in said.items()}


@dataclass(frozen=True)
class Wish:
    """A thing that words name: how many, and in which colour, where they say so (0 and "" where not)."""

    kind: str
    count: int = 0
    colour: str = ""


def read_name_at(words: list[str], k: int) -> tuple[str, int]:
    """The kind that the longest name at a place in some words means, in any number, and how many words it has; "" and 1
    where there is none, and where the word is the colour of what comes next, such as "orange" in "orange fish"."""
    known, colours = names(), vocabulary()["colour"]
    for n in (3, 2, 1):
        phrase = " ".join(words[k : k + n])
        forms = (phrase, phrase.removesuffix("s"), phrase.removesuffix("es"), re.sub("ies$", "y", phrase))
        kind = next((known[form] for form in forms if form in known), "")
        if kind and k + n <= len(words):
            if n == 1 and phrase in colours and k + 1 < len(words) and read_name_at(words, k + 1)[0]:
                return "", 1
            return kind, n
    return "", 1


def read_wishes(words: Sequence[str]) -> list[Wish]:
    """The things that some words name; numbers and colours are what stands just before each."""
    low, colours = [word.lower() for word in words], vocabulary()["colour"]
    found, k, last = [], 0, 0  # where the name before ended
    while k < len(low):
        kind, n = read_name_at(low, k)
        if kind:
            before = low[max(last, k - 3) : k]
            count = next((NUMBERS[word] for word in reversed(before) if word in NUMBERS), 0)
            found.append(Wish(kind, count, next((word for word in reversed(before) if word in colours), "")))
            last = k + n
        k += n
    return found


def misses(things: list[dict[str, Any]], wishes: Sequence[Wish]) -> float:
    """How far things are from wishes: two for a kind that is not there, one for a number or colour that is another,
    half for a kind that nobody named where something is named, and half for a colour that is another thing's."""
    total, asked = 0.0, {wish.colour for wish in wishes} - {""}
    for wish in wishes:
        mine = [thing["colour"] for thing in things if thing["kind"] == wish.kind]
        total += 0.5 * (wish.colour == "" and bool(asked & set(mine)))
        total += (
            2.0 * (not mine) + (0 < wish.count != len(mine) > 0) + (wish.colour != "" and wish.colour not in mine)
        )
    strangers = {thing["kind"] for thing in things} - {wish.kind for wish in wishes}
    return total + 0.5 * len(strangers) * bool(wishes)


def is_badly_framed(things: list[dict[str, Any]]) -> bool:
    """Whether there is one thing, smaller than a quarter of the picture, or any that is cut by its sides or top."""
    boxes = [thing["box"] for thing in things]
    small = len(boxes) == 1 and (boxes[0][2] - boxes[0][0]) * (boxes[0][3] - boxes[0][1]) < SIDE**2 / 4
    return small or any(left <= 0 or top <= 0 or right >= SIDE for left, top, right, _ in boxes)


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
