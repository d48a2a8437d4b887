"""Captions of scenes, as people write: "a red car and a dog before a house by the sea, at sunset, snow",
"doggo on the beach".

Each caption comes with the facts that it names, so that each can be looked for in the picture.
"""

from __future__ import annotations

import random
from typing import Any

from pipelines.core.english import PLURAL_ALREADY, article, plural
from pipelines.datasets.scenes.kinds import BY_NAME
from pipelines.datasets.scenes.land import SEASONAL
from pipelines.datasets.scenes.words import (
    AFLOAT,
    CAT_HUES,
    FACING,
    GENDERED,
    GROUND_HUES,
    HEADING,
    HUES,
    LANDS,
    SEASONS,
    THIRDS,
    TIMES,
    TONES,
    UNCOUNTED,
    VEHICLES,
    WEATHERS,
    WORDS,
)

Facts = dict[str, Any]


def hue_words(kind: str, hue: str, rng: random.Random) -> str:
    """How a colour is called."""
    return rng.choice((CAT_HUES if kind in ("cat", "fox") else {}).get(hue, HUES[hue]))


def noun_phrase(group: Facts, named: set[str], rng: random.Random, plain_names: bool = False) -> str:
    """ "a red car", "two brown dogs", "a policewoman with dark skin"."""
    kind, n = BY_NAME[group["kind"]], group["count"]
    several = n > 1 and "count" in named
    noun = kind.names[0] if plain_names or rng.random() < 0.55 else rng.choice(kind.names)
    before, after = [], []
    if group["colour"] and "colour" in named:
        before.append(hue_words(kind.name, group["colour"], rng))
    if group["gender"] and "gender" in named:
        if (kind.name, group["gender"]) in GENDERED and rng.random() < 0.5:
            noun = GENDERED[kind.name, group["gender"]]
        elif rng.random() < 0.5:
            before.append({"man": "male", "woman": "female"}[group["gender"]])
        else:
            before.append(group["gender"])
    if group["tone"] and "tone" in named:
        tone = rng.choice(TONES[group["tone"]])
        (after if tone.startswith("with") else before).append(tone)
    text = " ".join([*before, plural(noun) if several else noun, *after])
    if several:
        return f"{rng.choice(WORDS['two' if n == 2 else 'three'])} {text}"
    if n > 1:
        return plural(text) if not after else text
    if noun in PLURAL_ALREADY or noun in UNCOUNTED or noun[0].isupper():
        return text if rng.random() < 0.8 or noun[0].isupper() else f"the {text}"
    word = rng.choice(WORDS["one"]) if rng.random() > 0.08 else ""
    return article(text, word) if word else text


def third(box: list[int] | list[float]) -> str:
    """Which third of the picture the middle of a box lies in."""
    x = (box[0] + box[2]) / 2
    return "left" if x < 85.3 else "middle" if x < 170.7 else "right"


RELATIONS = {
    "above": ["above", "over"], "below": ["under", "below"], "before": ["before", "in front of"], "behind": ["behind"],
    "left": ["left of", "to the left of"], "right": ["right of", "to the right of"], "beside": ["next to", "beside"],
}  # fmt: skip


def relation(a: Facts, b: Facts) -> str:
    """Where the first of two things is, seen from the second: a key of RELATIONS."""
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a["box"], b["box"]
    ax, bx = (ax0 + ax1) / 2, (bx0 + bx1) / 2
    overlap = min(ax1, bx1) - max(ax0, bx0)
    if ay1 < by0 + 12 and overlap > 0:
        return "above"
    if by1 < ay0 + 12 and overlap > 0:
        return "below"
    if overlap > 0.3 * min(ax1 - ax0, bx1 - bx0) and abs(ay1 - by1) > 10:
        return "before" if ay1 > by1 else "behind"
    return "beside" if abs(ax - bx) <= 30 else "left" if ax < bx else "right"


def caption(
    row: Facts, rng: random.Random, only: set[str] | None = None, complete: bool = False
) -> tuple[str, list[str]]:
    """What a person would write for this picture, and the facts that it names, as "kind.0", "colour.0", "land",
    "third.1", ….

    By default each caption leaves out its own share of the facts,
    a complete one almost none; `only` fixes which are named.
    """
    generosity = 1.0 if complete else rng.random() * 0.85
    return (_plain if row["mode"] == "plain" else _landscape)(row, rng, only, generosity)


def describe_part(row: Facts, thing: int | None, rng: random.Random) -> str:
    """What a person writes who paints over a part of a scene: one of its things, seldom with what is around it; or,
    without a thing, what is seen where there is none."""
    if thing is None:
        if row["mode"] == "plain":
            hue = rng.choice(GROUND_HUES[row["ground"]])
            return rng.choice([f"{article(hue)} background", f"{hue} background", f"plain {hue}", "nothing", "empty"])
        only = {
            name for name, p in (("land", 0.9), ("time", 0.3), ("weather", 0.3), ("season", 0.2)) if rng.random() < p
        }
        return _landscape({**row, "things": []}, rng, only, 1.0)[0]
    at = row["things"][thing]
    alone = {
        **row,
        "groups": [{**row["groups"][at["group"]], "count": 1}],
        "things": [{**at, "group": 0, "seen": 1.0}],
    }
    chances = {"colour.0": 0.75, "gender.0": 0.75, "tone.0": 0.5, "facing.0": 0.25,
        "land": 0.2, "time": 0.1, "weather": 0.1, "ground": 0.2}  # fmt: skip
    return caption(alone, rng, {"kind.0"} | {name for name, p in chances.items() if rng.random() < p})[0]


def _wanted(rng: random.Random, only: set[str] | None, generosity: float, chances: dict[str, float]) -> set[str]:
    if only is not None:
        return {name for name in chances if name in only}
    return {name for name, p in chances.items() if rng.random() < p * (0.45 + generosity)}


def _about(group: Facts, i: int, generosity: float, rng: random.Random, only: set[str] | None) -> set[str]:
    chances = {
        f"colour.{i}": 0.9 if group["colour"] else 0,
        f"count.{i}": 0.95 if group["count"] > 1 else 0,
        f"gender.{i}": 0.75 if group["gender"] else 0,
        f"tone.{i}": 0.5 if group["tone"] else 0,
        f"facing.{i}": {"": 0, "left": 0.18, "right": 0.55}[group["facing"]],
    }
    return _wanted(rng, only, generosity, {k: p for k, p in chances.items() if p})


def _facing(group: Facts, rng: random.Random) -> str:
    return rng.choice((HEADING if group["kind"] in VEHICLES else FACING)[group["facing"]])


def _local(named: set[str], i: int) -> set[str]:
    return {name.split(".")[0] for name in named if name.endswith(f".{i}")}


def _plain(row: Facts, rng: random.Random, only: set[str] | None, generosity: float) -> tuple[str, list[str]]:
    group = row["groups"][0]
    named = _about(group, 0, generosity, rng, only) | {"kind.0"}
    named |= _wanted(rng, only, generosity, {"ground": 0.35 if row["ground"] == "white" else 0.8})
    text = noun_phrase(group, _local(named, 0), rng)
    if "facing.0" in named:
        text += rng.choice([" ", ", "]) + _facing(group, rng)
    if rng.random() < 0.08 and only is None:
        text = rng.choice(["a picture of {}", "a drawing of {}", "{} emoji", "an icon of {}", "cute {}"]).format(text)
    if "ground" in named:
        hue = rng.choice(GROUND_HUES[row["ground"]])
        text += rng.choice(
            [
                f" on {article(hue)} background",
                f" on {hue}",
                f", {hue} background",
                f" before {article(hue)} wall",
                f" against {article(hue)} background",
            ]
        )
    return text, sorted(named)


def _landscape(row: Facts, rng: random.Random, only: set[str] | None, generosity: float) -> tuple[str, list[str]]:
    visible: dict[int, list[Facts]] = {}
    for thing in row["things"]:
        if thing["seen"] > 0.4:
            visible.setdefault(thing["group"], []).append(thing)
    order = list(visible)
    rng.shuffle(order)
    if only is not None:
        order = [i for i in order if f"kind.{i}" in only]
    elif len(order) > 1 and rng.random() < 0.12:
        order = order[:-1]  # something is always left out by somebody
    named: set[str] = set()
    phrases: list[str] = []
    for i in order:
        group = row["groups"][i]
        if group["count"] != len(visible[i]):
            group = {**group, "count": len(visible[i])}
        about = _about(group, i, generosity, rng, only)
        named |= about | {f"kind.{i}"}
        phrase = noun_phrase(group, _local(about, i), rng)
        if f"facing.{i}" in about:
            phrase += " " + _facing(group, rng)
        phrases.append(phrase)
    season = 0.12 if row["season"] == "summer" else 0.8
    chances = {
        "land": 0.95,
        "time": 0.3 if row["time"] == "day" else 0.85,
        "weather": 0.06 if row["weather"] == "clear" else 0.95,
        "season": season if row["land"] in SEASONAL else 0,
        "rainbow": 0.9 if row["rainbow"] else 0,
    }
    named |= _wanted(rng, only, generosity + 0.2, {k: p for k, p in chances.items() if p})
    if not phrases and only is None and not named & {"land", "time", "weather"}:
        named.add("land")
    text = _things(row, order, visible, phrases, named, rng, only)
    tails = []
    if "land" in named:
        swim = (
            phrases
            and row["land"] == "sea"
            and any(BY_NAME[row["groups"][i]["kind"]].place == "water" for i in order)
        )
        where = (
            rng.choice(AFLOAT if swim and rng.random() < 0.5 else LANDS[row["land"]][0])
            if phrases
            else rng.choice(LANDS[row["land"]][1])
        )
        tails.append(where)
    tails += [
        rng.choice(table[row[name]])
        for name, table in (("time", TIMES), ("weather", WEATHERS), ("season", SEASONS))
        if name in named
    ]
    if "rainbow" in named:
        tails.append(rng.choice(["with a rainbow", "a rainbow", "under a rainbow", "rainbow in the sky"]))
    if tails and rng.random() < 0.35:
        head, *rest = tails
        rng.shuffle(rest)
        tails = [head, *rest]
    if not phrases and tails:
        text, tails = tails[0], tails[1:]
    if rng.random() < 0.12 and only is None and tails and phrases:
        return ", ".join([*tails, text]), sorted(named)
    glue = ", " if rng.random() < 0.4 else " "
    for k, tail in enumerate(tails):
        text += (", " if k and rng.random() < 0.6 else glue) + tail
    return text.strip() or "a landscape", sorted(named)


def _things(
    row: Facts,
    order: list[int],
    visible: dict,
    phrases: list[str],
    named: set[str],
    rng: random.Random,
    only: set[str] | None,
) -> str:
    """The things of a landscape in one phrase, with where they are."""
    if not phrases:
        return ""
    single = [len(visible[i]) == 1 for i in order]
    if len(phrases) >= 2 and all(single[:2]) and only is None and rng.random() < 0.38:
        where = relation(visible[order[0]][0], visible[order[1]][0])
        named.add(f"relation.{order[0]}.{order[1]}.{where}")
        first = f"{phrases[0]} {rng.choice(RELATIONS[where])} {phrases[1]}"
        return ", ".join([first, *phrases[2:]]) if rng.random() < 0.5 else " and ".join([first, *phrases[2:]])
    placed = []
    for i, phrase, alone in zip(order, phrases, single, strict=True):
        wanted = f"third.{i}" in only if only is not None else rng.random() < (0.22 if len(phrases) > 1 else 0.12)
        if alone and wanted:
            named.add(f"third.{i}")
            phrase = f"{phrase} {rng.choice(THIRDS[third(visible[i][0]['box'])])}"
        placed.append(phrase)
    if len(placed) == 1:
        return placed[0]
    return ", ".join(placed[:-1]) + rng.choice([" and ", " and ", ", ", " with "]) + placed[-1]
