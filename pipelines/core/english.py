"""Plurals and articles, as captions have them."""

from __future__ import annotations

import re

PLURALS = {
    "mouse": "mice", "goose": "geese", "sheep": "sheep", "deer": "deer", "fish": "fish", "wolf": "wolves",
    "bison": "bison", "man": "men", "woman": "women",
    "boy": "boys", "penguin": "penguins", "bunny": "bunnies", "puppy": "puppies", "kitty": "kitties",
    "pony": "ponies", "cherry": "cherries",
    "ferry": "ferries", "loaf of bread": "loaves of bread", "slice of pizza": "slices of pizza",
}  # fmt: skip
PLURAL_ALREADY = {"fries", "french fries", "chips", "noodles", "pancakes", "grapes", "cherries", "headphones",
"glasses", "spectacles", "scissors", "swords",
                  "crossed swords", "clapping hands", "heart hands", "praying hands", "lips", "dice",
                  "crossed fingers", "heart eyes", "folded hands",
                  "fingers crossed", "tears", "two fingers", "shaking hands", "thumbs up", "thumbs down",
                  "ruins"}  # fmt: skip
SINGULARS = {many: one for one, many in PLURALS.items() if many != one} | {
    "children": "child", "people": "person", "snowmen": "snowman",
}  # fmt: skip


def plural(noun: str) -> str:
    """Several of them."""
    if noun in PLURALS:
        return PLURALS[noun]
    if noun in PLURAL_ALREADY or noun.endswith("ies"):
        return noun
    head, of, rest = noun.partition(" of ")
    head, with_, tail = (head, of, rest) if of else noun.partition(" with ")
    if head.endswith(("s", "sh", "ch", "x")):
        head += "es"
    elif head.endswith("y") and head[-2] not in "aeiou":
        head = head[:-1] + "ies"
    else:
        head += "s"
    return head + with_ + tail


def article(phrase: str, word: str = "a") -> str:
    """Put "a", "an" or another word before a phrase."""
    if (
        word == "a"
        and phrase[0].lower() in "aeiou"
        and not phrase.lower().startswith(("uni", "one", "ewe", "ufo", "euro"))
    ):
        word = "an"
    return f"{word} {phrase}"


def singular_forms(phrase: str) -> tuple[str, ...]:
    """A phrase as it is, and what it may be the plural of."""
    head, space, last = phrase.rpartition(" ")
    known = head + space + SINGULARS.get(last, last)
    return phrase, known, phrase.removesuffix("s"), phrase.removesuffix("es"), re.sub("ies$", "y", phrase)
