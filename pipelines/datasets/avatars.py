"""Avatars: DiceBear's *avataaars*, composed of attributes that are drawn here, and captions that speak as people do.

Values are DiceBear's own names. Near twins that nobody can tell apart at 128 pixels (the two Caesar cuts, natural and
plain brows, the two dark glasses and the two pairs of reading glasses) are all drawn, but share one label.
"""

from __future__ import annotations

import json
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from pipelines import datasets as data
from pipelines.datasets.avatar_words import ALONE, PHRASES, SAY, SAY_CLOTH, SAY_GROUND, SAY_SKIN, SUBJECTS

HAIR = {
    "auburn": "a55728", "black": "2c1b18", "light brown": "b58143", "blonde": "d6b370", "brown": "724133",
    "dark brown": "4a312c", "pink": "f59797", "platinum": "ecdcbf", "red": "c93305", "grey": "e8e1e1",
}  # fmt: skip
CLOTH = {
    "black": "262e33", "white": "ffffff", "grey": "929598", "navy": "25557c", "blue": "5199e4", "sky blue": "9bd9ff",
    "red": "e5484d", "orange": "f2994a", "yellow": "ffd84d", "green": "4caf6e", "mint": "a7ffc4", "purple": "8e6bd1",
    "pink": "ff488e", "rose": "ffafb9",
}  # fmt: skip
SKIN = {
    "dark": "614335", "brown": "ae5d29", "tan": "d08b5b", "fair": "edb98a", "pale": "ffdbb4", "orange": "fd9841",
    "yellow": "f8d25c",
}  # fmt: skip
BACKGROUND = {
    "white": "ffffff", "blue": "b6e3f4", "lavender": "c9c4f5", "pink": "ffd5dc", "peach": "ffdfbf", "mint": "c8f0d8",
    "yellow": "fff0b3", "grey": "b8bcc2",
}  # fmt: skip

HATS = ["hat", "hijab", "turban", "winterHat1", "winterHat02", "winterHat03", "winterHat04"]
LONG = [
    "bob", "bun", "curly", "curvy", "dreads", "frida", "fro", "froBand", "longButNotTooLong", "miaWallace",
    "shavedSides", "straight01", "straight02", "straightAndStrand", "bigHair", "shaggyMullet",
]  # fmt: skip
SHORT = [
    "dreads01", "dreads02", "frizzle", "shaggy", "shortCurly", "shortFlat", "shortRound", "shortWaved", "sides",
    "theCaesar", "theCaesarAndSidePart", "bald",
]  # fmt: skip
TWINS = {
    "top": {"theCaesarAndSidePart": "theCaesar"},
    "glasses": {"prescription02": "prescription01", "wayfarers": "sunglasses"},
    "brows": {
        "angryNatural": "angry", "defaultNatural": "default", "raisedExcitedNatural": "raisedExcited",
        "sadConcernedNatural": "sadConcerned", "upDownNatural": "upDown",
    },
}  # fmt: skip

# Attributes that are colours of another one; they can be named alone by these words.
COLOURS = {
    "hair": ("top", HAIR),
    "hat": ("top", CLOTH),
    "beard_colour": ("beard", HAIR),
    "cloth": ("clothing", CLOTH),
}

# label order of every attribute: the classifier's and the resampler's heads are built from it
LABELS: dict[str, list[str]] = {
    **{name: list(values) for name, values in PHRASES.items()},
    "hair": list(HAIR), "hat": list(CLOTH), "beard_colour": list(HAIR), "cloth": list(CLOTH), "skin": list(SKIN),
    "background": list(BACKGROUND),
}  # fmt: skip

# Ten pairs that no training picture has: the compositional test.
HELD_OUT = [
    {"top": "turban", "glasses": "sunglasses"}, {"hair": "pink", "beard": "beardMedium"},
    {"top": "hijab", "eyes": "wink"},
    {"clothing": "overall", "glasses": "round"}, {"top": "bald", "mouth": "tongue"},
    {"clothing": "hoodie", "cloth": "purple"},
    {"top": "fro", "hair": "platinum"}, {"glasses": "eyepatch", "clothing": "blazerAndShirt"},
    {"top": "hat", "mouth": "screamOpen"},
    {"beard": "moustacheFancy", "background": "pink"},
]  # fmt: skip


def draw(rng: random.Random) -> dict[str, str]:
    """One avatar's attributes, before twins are folded. Absent ones (the hair of a hijab) are missing from the dict."""
    gender = rng.choice(["man", "woman"])
    weights = [1.0] * len(HATS) + (
        [0.25] * len(LONG) + [1.4] * len(SHORT) if gender == "man" else [1.3] * len(LONG) + [0.35] * len(SHORT)
    )
    a = {"gender": gender, "top": rng.choices(HATS + LONG + SHORT, weights)[0], "skin": rng.choice(list(SKIN))}
    if a["top"] in HATS:
        a["hat"] = rng.choice(list(CLOTH))
    elif a["top"] != "bald":
        a["hair"] = rng.choice(list(HAIR))
    others = ["kurt", "prescription01", "prescription02", "round", "sunglasses", "wayfarers", "eyepatch"]
    a["glasses"] = rng.choices(["none", *others], [5.0, 1, 0.7, 0.7, 1.2, 0.7, 0.7, 1])[0]
    a["beard"] = "none"
    if gender == "man" and rng.random() < 0.6:
        a["beard"] = rng.choice([b for b in PHRASES["beard"] if b != "none"])
        same = "hair" in a and rng.random() < 0.6
        a["beard_colour"] = a["hair"] if same else rng.choice(list(HAIR))
    a["mouth"] = rng.choice(list(PHRASES["mouth"]))
    a["eyes"] = rng.choice(list(PHRASES["eyes"]))
    a["brows"] = rng.choice(list(PHRASES["brows"]) + list(TWINS["brows"]))
    a["clothing"] = rng.choice(list(PHRASES["clothing"]))
    a["cloth"] = rng.choice(list(CLOTH))
    a["graphic"] = rng.choice(["bear", "diamond", "pizza", "skull"])
    a["background"] = rng.choice(list(BACKGROUND))
    return a


def fold(a: dict[str, str]) -> dict[str, str]:
    """The labels of what can be seen: twins folded, and no eyes behind dark glasses or a patch."""
    labels = {k: TWINS.get(k, {}).get(v, v) for k, v in a.items() if k in LABELS}
    if labels["glasses"] in ("kurt", "sunglasses", "eyepatch"):
        del labels["eyes"]
    return labels


def options(a: dict[str, str]) -> dict:
    """DiceBear's options for these attributes."""

    def has(value: str) -> int:
        return 0 if value in ("none", "bald") else 100

    hair = HAIR[a.get("hair", "black")]
    return {
        "seed": "darkroom",
        "top": [a["top"]] if has(a["top"]) else [], "topProbability": has(a["top"]),
        "hairColor": [hair], "hatColor": [CLOTH[a.get("hat", "black")]], "skinColor": [SKIN[a["skin"]]],
        "accessories": [a["glasses"]] if has(a["glasses"]) else [], "accessoriesProbability": has(a["glasses"]),
        "accessoriesColor": ["262e33"],
        "facialHair": [a["beard"]] if has(a["beard"]) else [], "facialHairProbability": has(a["beard"]),
        "facialHairColor": [HAIR[a.get("beard_colour", "black")]],
        "mouth": [a["mouth"]], "eyes": [a["eyes"]], "eyebrows": [a["brows"]],
        "clothing": [a["clothing"]], "clothesColor": [CLOTH[a["cloth"]]], "clothingGraphic": [a["graphic"]],
        "backgroundColor": [BACKGROUND[a["background"]]],
    }  # fmt: skip


def render(avatars: list[dict[str, str]], size: int = data.SIZE) -> np.ndarray:
    """Draw avatars: uint8 (n, size, size, 3)."""
    return dicebear("avataaars", [options(a) for a in avatars], size)


def dicebear(style: str, avatars: list[dict], size: int = data.SIZE) -> np.ndarray:
    """Draw avatars from DiceBear's options by resvg: uint8 (n, size, size, 3).

    Two node processes, since the machine has two cores.
    """
    cwd = data.node_modules().parent

    def run(part: list[dict]) -> np.ndarray:
        lines = "\n".join(map(json.dumps, part)).encode()
        command = ["node", str(data.HERE / "render_avatars.mjs"), str(size), style]
        out = subprocess.run(command, input=lines, cwd=cwd, check=True, stdout=subprocess.PIPE).stdout
        return np.frombuffer(out, np.uint8).reshape(len(part), size, size, 3)

    half = (len(avatars) + 1) // 2
    with ThreadPoolExecutor(2) as pool:
        return np.concatenate(list(pool.map(run, [part for part in (avatars[:half], avatars[half:]) if part])))


def caption(
    labels: dict[str, str], gender: str, rng: random.Random, names: list[str] | None = None
) -> tuple[str, list[str]]:
    """Say these labels as a person would: (caption, the attributes that it names).

    `names` fixes which attributes are named; by default each picture gets its own number of them, from none to all.
    Absences (no glasses, no beard) are rarely worth words, and are said only when asked for or once in a while.
    """
    if names is None:
        names = [n for n in labels if labels[n] != "none" or rng.random() < 0.08]
        names = rng.sample(names, round(rng.betavariate(1.3, 1.1) * len(names)))

    def colour(name: str) -> str:
        synonyms = (SAY if name in ("hair", "beard_colour") else SAY_CLOTH).get(labels[name], [labels[name]])
        return rng.choice(synonyms)

    parts: dict[str, list[str]] = {"adjective": [], "with": [], "wearing": [], "being": []}
    carried = set()
    for name in names:
        if name in PHRASES:
            ways = PHRASES[name][labels[name]]
            how = rng.choice(list(ways))
            hues = {"hair": "", "hat": "", "beard": "", "cloth": ""}
            for hue, (carrier, _) in COLOURS.items():
                slot = hue.removesuffix("_colour")
                if carrier == name and hue in names and any("{" + slot + "}" in phrase for phrase in ways[how]):
                    hues[slot] = colour(hue)
                    carried.add(hue)
            phrase = rng.choice(ways[how]).format(**hues)
            parts[how].append(_tidy(phrase))
        elif name == "skin":
            skin = rng.choice(SAY_SKIN[labels["skin"]])
            if rng.random() < 0.3:
                parts["adjective"].append(skin.replace(" skin", "-skinned").replace("very light", "very-light"))
            else:
                parts["with"].append(skin)
        elif name == "background":
            ground = rng.choice(SAY_GROUND.get(labels["background"], [labels["background"]]))
            parts["being"].append(
                rng.choice([f"on a {ground} background", f"{ground} background", f"in front of a {ground} wall"])
            )
    for name in names:
        if name in ALONE and name not in carried:
            how = "with" if name in ("hair", "beard_colour") else "wearing"
            phrase = rng.choice(ALONE[name]).format(colour(name))
            parts["being" if phrase.startswith("dressed") else how].append(_tidy(phrase))

    subject = rng.choice(SUBJECTS[gender] * 3 + ["person", "person", "someone", "character"])
    text = _list(parts, subject, rng) if rng.random() < 0.35 else _sentence(parts, subject, rng)
    if rng.random() < 0.1:
        text = rng.choice(["portrait of ", "avatar of ", "a picture of ", "cartoon "]) + text
    return text, names


def _tidy(phrase: str) -> str:
    phrase = " ".join(phrase.split())
    first, _, rest = phrase.partition(" ")
    if first in ("a", "an") and rest:
        return (
            "an " if rest[0] in "aeiou" and not rest.startswith("uni") and not rest.startswith("ush") else "a "
        ) + rest
    return phrase


def _list(parts: dict[str, list[str]], subject: str, rng: random.Random) -> str:
    """Keywords: "girl, pink bob, winking, blue hoodie"."""
    phrases = [p for ps in parts.values() for p in ps]
    phrases = [p.removeprefix("a ").removeprefix("an ") if rng.random() < 0.7 else p for p in phrases]
    rng.shuffle(phrases)
    if rng.random() < 0.75:
        phrases.insert(0, subject)
    return ", ".join(phrases) or subject


def _sentence(parts: dict[str, list[str]], subject: str, rng: random.Random) -> str:
    """A clause: "a bald man with a grey beard and sunglasses, wearing a blue hoodie, smiling"."""
    for phrases in parts.values():
        rng.shuffle(phrases)
    adjectives = " ".join(parts["adjective"])
    article = "" if subject == "someone" and not adjectives else rng.choice(["a ", "a ", "the ", ""])
    text = _tidy(f"{article}{adjectives} {subject}")
    tails = []
    if parts["with"]:
        tails.append("with " + _join(parts["with"], rng))
    if parts["wearing"]:
        tails.append(rng.choice(["wearing ", "in ", "with "]) + _join(parts["wearing"], rng))
    rng.shuffle(tails)
    glue = rng.choice([" ", ", "])
    for tail in tails:
        text += glue + tail
    return ", ".join([text, *parts["being"]])


def _join(items: list[str], rng: random.Random) -> str:
    if len(items) == 1:
        return items[0]
    return ", ".join(items[:-1]) + rng.choice([" and ", " and ", ", "]) + items[-1]


def split_of(labels: dict[str, str], key: str) -> str:
    """compositional if a held-out pair is there; else by hash: 10 % test, 2 % validation, the rest train."""
    if any(all(labels.get(k) == v for k, v in pair.items()) for pair in HELD_OUT):
        return "compositional"
    u = data.unit_hash(key)
    return "test" if u < 0.10 else "validation" if u < 0.12 else "train"


def build(n: int = 40_000, seed: int = 0) -> None:
    """Draw, render and caption n avatars (about ten minutes on two cores)."""
    rng = random.Random(seed)
    avatars = [draw(rng) for _ in range(n)]
    images = data.allocate("avatars", n)
    for i in range(0, n, 1000):
        images[i : i + 1000] = render(avatars[i : i + 1000])
    rows = []
    for a in avatars:
        labels = fold(a)
        text, names = caption(labels, a["gender"], rng)
        rows.append(
            {
                "split": split_of(labels, json.dumps(a, sort_keys=True)),
                "caption": text,
                "names": names,
                "gender": a["gender"],
                "labels": labels,
            }
        )
    folder = data.save("avatars", images, rows)
    print(f"{n} avatars in {folder}")
