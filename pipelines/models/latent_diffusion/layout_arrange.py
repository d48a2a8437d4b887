"""Where the things of a layout stand: on, over or before each other as words have it, and as large as can be drawn
well. No torch."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.models.latent_diffusion.layout_text import SIDE
from pipelines.models.latent_diffusion.layout_wishes import ARTICLES, ENDS, WITHOUT, find_names, plainly

SMALL, SMALL_ALONE = 96**2, SIDE**2 // 4  # pixels of a box among others, and of a single one
EDGE, LARGER = 8, 1.4  # pixels that stay free around what is enlarged, and how much that is
# The world's things come in three lengths and stand on a grid (datasets/scenes/compose.py); others are drawn worse.
LENGTHS, ACROSS, DOWN = (80, 112, 160), 32, 16
WAYS = {  # how words say where one thing is to the next one
    "on": {"on", "upon", "atop", "riding", "rides"}, "over": {"over", "above"}, "before": {"before", "front"},
    "under": {"under", "below", "beneath", "underneath"}, "wearing": {"wearing", "wears", "in", "with"},
    "behind": {"behind"}, "left": {"left"}, "right": {"right"},
}  # fmt: skip
INVERSES = {"under": "over", "wearing": "worn", "behind": "before"}
OF = {"front", "left", "right"}  # words that say a way only before "of"
WORN = {"top hat", "cap", "crown"}  # on the head; other clothes stay where they are
# how deep the upper one stands in the lower one's box, in its heights (below 0 it floats); how wide it is, in its widths
STACKS = {"on": (0.4, 0.7), "over": (-0.1, 1.0), "worn": (0.15, 0.5)}
SIDES = ("left", "right")
THIRDS = {"left": "left", "right": "right", "middle": "middle", "centre": "middle", "center": "middle"}
MIDDLES = {"left": 64.0, "middle": 128.0, "right": 192.0}
PLACED = [[word, "the"] for word in ("on", "to", "at", "in")]  # before one of THIRDS
RESTING = {"standing", "sitting", "lying", "waiting"}  # other such words say where somebody goes or looks
ELSEWHERE = ENDS | {"left", "right", "side", "next"}  # after which another place is meant: "on the beach and a car"
PICTURE = {"picture", "image", "frame", "scene", "drawing"}


@dataclass(frozen=True)
class Relation:
    """That one kind is on, over, before, left or right of another, or worn by it."""

    way: str
    one: str
    other: str


def read_relations(words: Sequence[str]) -> list[Relation]:
    """What words say of one thing and the next one that they name: "a cat on a sofa"."""
    low, found = plainly(words), []
    names = find_names(low)
    subject = names[0].kind if names else ""
    for before, name in itertools.pairwise(names):
        between = low[before.end : name.begin]
        way = next((way for way in WAYS if is_way(way, between, name.kind)), "")
        if way and name.kind != subject and not before.negated and not name.negated:
            one, other = (name.kind, subject) if way in INVERSES else (subject, name.kind)
            found.append(Relation(INVERSES.get(way, way), one, other))
        if way != "wearing":  # who wears something goes on being spoken of
            subject = name.kind
    return found


def is_way(way: str, between: Sequence[str], kind: str) -> bool:
    """Whether the words between two names say that way, of just these two."""
    at = next((i for i, word in enumerate(between) if word in WAYS[way]), None)
    if at is None or (between[at] in OF and between[at + 1 : at + 2] != ["of"]) or WITHOUT & {*between[:at]}:
        return False
    if way == "wearing" and kind not in WORN:
        return False
    after = between[at + 1 :]
    moving = any(word.endswith("ing") for word in after)
    return not moving and not ELSEWHERE & {*after} and sum(word in ARTICLES for word in after) < 2


def read_thirds(words: Sequence[str]) -> dict[str, str]:
    """Kinds of which words say that they are on the left, on the right or in the middle."""
    low, found = plainly(words), {}
    names = find_names(low)
    ends = [0, *(name.end for name in names)]
    begins = [*(name.begin for name in names), len(low)]
    for k, (end, begin) in enumerate(zip(ends, begins, strict=True)):
        for at in range(end, begin):
            if low[at] in THIRDS and is_third(low, at):
                next_one = k == 0 or (begin < len(low) and "and" in low[end:at])  # "and on the left a dog"
                at_name = k if next_one else k - 1
                if at_name < len(names):
                    found[names[at_name].kind] = THIRDS[low[at]]
    return found


def is_third(words: Sequence[str], at: int) -> bool:
    """Whether a word such as "left" says a third of the picture."""
    before, after = words[max(at - 2, 0) : at], [word for word in words[at + 1 : at + 5] if word != "side"]
    goes = any(word.endswith("ing") and word not in RESTING for word in words[max(at - 3, 0) : at])
    elsewhere = after[:1] == ["of"] and not PICTURE & {*after}
    return list(before) in PLACED and not goes and not elsewhere


def arrange(
    things: Sequence[dict[str, Any]], relations: Sequence[Relation], thirds: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Things moved to where words have them, and to each other, as far as there is one of each. Two of which one is on
    the other, and no third, stand in the middle, as large as there is room for; two of which one hides the other, and
    no words say why, stand side by side."""
    thirds = thirds or {}
    found = move_to_thirds(things, thirds)
    for relation in reversed(relations):  # "a cat on a dog on a sofa": the dog first
        pair = [[t for t in found if t["kind"] == kind] for kind in (relation.one, relation.other)]
        if [len(some) for some in pair] != [1, 1]:
            continue
        one, other = pair[0][0], pair[1][0]
        rest = [t for t in found if t is not one and t is not other]
        if relation.way == "before":
            beside = [t for t in rest if t["box"][3] > other["box"][3] - DOWN]  # not what flies
            found = [move_back(other, [one, *beside]), one, *rest]
        elif relation.way in SIDES:
            found = [*rest, *set_apart(one, other, relation.way)]
        else:
            alone = not rest and not thirds
            above, below = stack_boxes(one["box"], other["box"], *STACKS[relation.way], alone=alone)
            aside = SIDE - sum(below[::2]) / 2
            found = [
                *(move_aside(t, (above, below), aside) for t in rest),
                other | {"box": below},
                one | {"box": above},
            ]
    if len(found) == 2 and not relations and count_hidden(found):
        found = [thing | {"box": fit(thing["box"], k == 1)} for k, thing in enumerate(found)]
    return found


def move_to_thirds(things: Sequence[dict[str, Any]], thirds: Mapping[str, str]) -> list[dict[str, Any]]:
    """Things in the thirds of the picture that words have them in, where there is one of a kind; what one of them would
    hide goes to the other side."""
    found = list(things)
    for kind, third in thirds.items():
        here = [k for k, thing in enumerate(found) if thing["kind"] == kind]
        if len(here) == 1:
            moved = move_across(found[here[0]], MIDDLES[third])
            away = SIDE - MIDDLES[third] if third != "middle" else MIDDLES["right"]
            for k, thing in enumerate(found):
                if thing["kind"] not in thirds:
                    found[k] = move_aside(thing, [moved["box"]], away)
            found[here[0]] = moved
    return found


def move_aside(thing: dict[str, Any], boxes: Sequence[Sequence[int]], middle: float) -> dict[str, Any]:
    """A thing with another middle, at a side of the picture, where some boxes would hide it."""
    if all(overlap(thing["box"], box) <= 0.3 for box in boxes):
        return thing
    return move_across(thing, min((MIDDLES[side] for side in SIDES), key=lambda x: abs(x - middle)))


def move_across(thing: dict[str, Any], middle: float) -> dict[str, Any]:
    """A thing with another middle, and smaller where it would be cut there."""
    left, top, right, bottom = thing["box"]
    longer = max(right - left, bottom - top)
    cut = right - left > 2.2 * min(middle, SIDE - middle)
    length = min(longer, LENGTHS[1]) if cut else longer
    return thing | {"box": set_box(thing["box"], length, middle, float(bottom))}


def move_back(thing: dict[str, Any], before: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A thing with its foot above those of what is before it, as far as the picture goes."""
    left, top, right, bottom = thing["box"]
    up = max(bottom - min(t["box"][3] for t in before) + EDGE, 0)
    up = min(DOWN * -(-up // DOWN), max(top - EDGE, 0))
    return thing | {"box": [left, top - up, right, bottom - up]}


def set_apart(one: dict[str, Any], other: dict[str, Any], side: str) -> list[dict[str, Any]]:
    """Two things of which one is on a side of the other: as they are, or in halves of the picture."""
    first, second = (one, other) if side == "left" else (other, one)
    apart = (second["box"][0] + second["box"][2] - first["box"][0] - first["box"][2]) / 2
    if apart > 2 * ACROSS and not count_hidden([one, other]):
        return [other, one]
    return [other | {"box": fit(other["box"], side == "left")}, one | {"box": fit(one["box"], side == "right")}]


def fit(box: Sequence[int], right: bool) -> list[int]:
    """A box of middling size in the left or right half of the picture."""
    return set_box(box, LENGTHS[1], MIDDLES["right" if right else "left"], SIDE - 4.0 * EDGE)


def stack_boxes(
    upper: Sequence[int], lower: Sequence[int], depth: float, width: float, alone: bool
) -> tuple[list[int], list[int]]:
    """Two boxes, one on the other, as large as there is room for; not larger than the lower one was, unless both are
    alone."""
    middle, foot = (SIDE / 2, SIDE - 4.0 * EDGE) if alone else ((lower[0] + lower[2]) / 2, float(lower[3]))
    most = LENGTHS[-1] if alone else max(lower[2] - lower[0], lower[3] - lower[1], LENGTHS[0])
    most_high = foot - EDGE if foot > SIDE / 2 else SIDE - 4 * EDGE  # what floats high comes down
    for length, small in itertools.product(reversed(LENGTHS), reversed(LENGTHS)):
        (under_wide, under_high), (wide, high) = scaled(lower, length), scaled(upper, small)
        fits = wide <= width * under_wide and high + (1 - depth) * under_high <= most_high
        if fits and length <= most:
            break
    foot = max(foot, high + (1 - depth) * under_high + EDGE)
    under = set_box(lower, length, middle, foot)
    return set_box(upper, small, middle, under[3] - (1 - depth) * under_high), under


def scaled(box: Sequence[int], length: int) -> tuple[float, float]:
    """Width and height of a box with another longer side."""
    wide, high = box[2] - box[0], box[3] - box[1]
    return length / max(wide, high) * wide, length / max(wide, high) * high


def set_box(box: Sequence[int], length: int, middle: float, foot: float) -> list[int]:
    """A box with another longer side, middle and foot, on the grid on which the world's things stand, and within the
    picture."""
    wide, high = scaled(box, length)
    x, y = ACROSS * round(middle / ACROSS), DOWN * round(foot / DOWN)
    x = min(max(x, wide / 2), SIDE - wide / 2)
    y = min(max(y, high), SIDE)
    return [round(v) for v in (x - wide / 2, y - high, x + wide / 2, y)]


def enlarge_small(things: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Things of which few tokens would show some, all larger, where there is room: they stand where they stood."""
    if not count_small(things):
        return list(things)
    lefts, tops, rights, bottoms = zip(*(thing["box"] for thing in things), strict=True)
    left, top, right, bottom = min(lefts), min(tops), max(rights), max(bottoms)
    wide = LARGER * (right - left)
    if wide > SIDE - 2 * EDGE or LARGER * (bottom - top) > bottom - EDGE:
        return list(things)
    begin = min(max((left + right - wide) / 2, EDGE), SIDE - EDGE - wide)
    found = []
    for thing in things:
        x0, y0, x1, y1 = thing["box"]
        longer = LARGER * max(x1 - x0, y1 - y0)
        length = min(LENGTHS, key=lambda length: abs(length - longer))
        middle, foot = begin + LARGER * ((x0 + x1) / 2 - left), bottom - LARGER * (bottom - y1)
        found.append(thing | {"box": set_box(thing["box"], length, middle, foot)})
    return found


def count_hidden(things: Sequence[dict[str, Any]]) -> int:
    """Pairs of things of which one has more than half of its box within the other's."""
    return sum(overlap(one["box"], two["box"]) > 0.5 for one, two in itertools.combinations(things, 2))


def overlap(one: Sequence[int], two: Sequence[int]) -> float:
    """The area that two boxes share, over the smaller one's."""
    wide, high = (min(one[i + 2], two[i + 2]) - max(one[i], two[i]) for i in (0, 1))
    return max(wide, 0) * max(high, 0) / max(min(area(one), area(two)), 1)


def is_cut(things: list[dict[str, Any]]) -> bool:
    """Whether any of them reaches the picture's sides or top."""
    return any(left <= 0 or top <= 0 or right >= SIDE for left, top, right, _ in (thing["box"] for thing in things))


def count_small(things: Sequence[dict[str, Any]]) -> int:
    """Things that few tokens of the transformer show, and so none well; or one that is alone and small."""
    least = SMALL if len(things) > 1 else SMALL_ALONE
    return sum(area(thing["box"]) < least for thing in things)


def area(box: Sequence[int]) -> int:
    """In pixels."""
    left, top, right, bottom = box
    return (right - left) * (bottom - top)
