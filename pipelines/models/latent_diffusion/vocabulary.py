"""What the small world knows, and what it draws in place of a thing that it does not know: the nearest that it does.

A table of everyday words says what looks alike (assets/substitutes.txt); for others, nearness is the cosine of MiniLM's
sentence embeddings. Only things are exchanged: the last word of a noun phrase that no training caption has, or that the
table has. A place ("in a shop"; "on a desk", where the table does not have it) is left as it is, and said.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.core.english import article, plural, singular_forms
from pipelines.models.latent_diffusion.layout_wishes import ARTICLES

FILE = Path(__file__).parents[3] / "assets" / "vocabulary.json"
SUBSTITUTES = FILE.with_name("substitutes.txt")
HUES = {"red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "white", "brown", "grey"}
NEAR = 0.45  # cosine below which nothing is near
ENDS = {
    "and", "or", "but", "with", "without", "in", "on", "at", "by", "near", "under", "over", "above", "below",
    "before", "behind", "beside", "between", "of", "to", "from", "into", "through", "around", "is", "are", "was",
    "next", "left", "right", "while", "as", "for", "during", "who", "that", "which", "facing", "looking", "wearing",
    "holding", "standing", "sitting", "running", "flying", "going", "heading", "inside", "outside", "against",
    "across", "after", "sits", "stands", "runs", "flies", "jumps",
    "walks", "plays", "fights", "eats", "holds", "rides", "wears", "swims", "sleeps", "drives", "looks", "chases",
}  # fmt: skip
PLACES = {
    "in", "on", "at", "by", "near", "under", "over", "above", "below", "before", "behind", "beside", "between",
    "through", "around", "inside", "outside", "into", "from",
}  # fmt: skip
STOPS = ENDS | (ARTICLES - {"that", "this"})  # before an article a noun ends, and a verb is none
AMONG = {"in", "at", "inside", "into", "outside", "from", "through"}  # before a place that is no thing of the picture
COLLECTIVES = {  # before "of", they are no things themselves
    "flock", "herd", "bouquet", "bunch", "group", "pile", "plate", "bowl", "basket", "pack", "crowd", "stack", "pair",
    "swarm", "row", "field", "couple", "lots", "family", "team", "bag", "bottle", "loaf", "pot", "bucket", "vase",
    "chest", "glass", "slice", "cup", "piece", "box", "jar", "map",
}  # fmt: skip
WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*|[^\sA-Za-z]")


@dataclass(frozen=True)
class Unknown:
    """A thing of a prompt that the world does not know, and what is drawn in its place ("" where nothing is near)."""

    phrase: str
    instead: str

    def __str__(self) -> str:
        if not self.instead:
            return f"It does not know “{self.phrase}”."
        return f"It does not know “{self.phrase}”: it draws “{self.instead}” in its place."


class Vocabulary:
    """Words that training captions have, names of things, and what is drawn in place of others ("" where nothing is
    like them)."""

    def __init__(self, words: set[str], things: list[str], substitutes: dict[str, str]) -> None:
        self.words, self.things, self.substitutes = words, things, substitutes

    @staticmethod
    @functools.cache
    def load(path: Path = FILE) -> Vocabulary:
        """The bundled one, as `python -m pipelines.datasets vocabulary` writes it."""
        table = json.loads(path.read_text())
        return Vocabulary(set(table["words"]), table["things"], read_substitutes(SUBSTITUTES.read_text()))

    def knows(self, word: str) -> bool:
        """Whether some training caption has this word, in this or another number."""
        low = word.lower().removesuffix("'s").removesuffix("’s")
        forms = {low, low.removesuffix("s"), low.removesuffix("es"), re.sub("ies$", "y", low), low + "s"}
        parts = re.split("-", low)
        return (
            bool(forms & self.words)
            or (len(parts) > 1 and all(p in self.words for p in parts if p))
            or not low.isalpha()
        )

    def says_how(self, word: str, before: str) -> bool:
        """Whether an unknown word says how, not what: "beautifully", "fast" in "running fast", or "fishing" in "a bear
        fishing"."""
        acts = word.endswith("ing") and bool({before, before.removesuffix("s")} & set(self.things))
        return word.endswith("ly") or before.endswith("ing") or acts

    def unknown_phrases(self, prompt: str) -> list[tuple[int, int, bool]]:
        """Where unknown things are, as begin and end in the prompt, and whether each is a place."""
        found, phrase_start, place = [], None, False
        tokens = [(m.group(), m.start(), m.end()) for m in WORD.finditer(prompt)]
        for k, (word, start, end) in enumerate(tokens):
            if not word[0].isalpha() or word.lower() in ENDS:
                phrase_start, place = None, word.lower() in PLACES or (place and word.lower() in ARTICLES)
                continue
            of = k + 1 < len(tokens) and tokens[k + 1][0].lower() == "of" and word.lower() in COLLECTIVES
            if of or self.knows(word) or self.says_how(word.lower(), tokens[k - 1][0].lower() if k else ""):
                phrase_start = None
                continue
            phrase_start = start if phrase_start is None else phrase_start
            following = tokens[k + 1][0] if k + 1 < len(tokens) else "."
            if not following[0].isalpha() or following.lower() in ENDS:
                found.append((phrase_start, end, place))
                phrase_start = None
        return found

    def listed_phrases(self, prompt: str) -> list[tuple[int, int, str]]:
        """Where words of the table end a noun phrase, as begin and end in the prompt, and what is drawn in their
        place."""
        found, tokens, k = [], list(WORD.finditer(prompt)), 0
        low = [token.group().lower() for token in tokens]
        while k < len(low):
            if n := self.known_name_at(low, k):
                k += n
                continue
            ends = (k + n for n in (3, 2, 1) if k + n <= len(low))
            end = next((end for end in ends if self.look_up(low[k:end]) and ends_phrase(low[end:])), 0)
            if end and not is_place(low[:k]):
                colour, instead = low[k - 1] if k else "", self.look_up(low[k:end])
                first, _, rest = instead.partition(" ")
                instead = rest if colour in HUES and first in HUES else instead  # "a white crow"
                found.append((tokens[k].start(), tokens[end - 1].end(), instead))
            k = end or k + 1
        return found

    def known_name_at(self, low: list[str], k: int) -> int:
        """How many words the name has that the world knows for a thing, or for several things, there; 0 for none."""
        if low[k] in COLLECTIVES and low[k + 1 : k + 2] == ["of"]:
            return 2
        names = ((n, " ".join(low[k : k + n])) for n in (4, 3, 2) if k + n <= len(low))
        return next((n for n, name in names if any(form in self.things for form in singular_forms(name))), 0)

    def look_up(self, low: list[str]) -> str:
        """What the table has for some words, in any number."""
        phrase = " ".join(low)
        instead = next(filter(None, map(self.substitutes.get, singular_forms(phrase))), "")
        return instead if phrase in self.substitutes or not instead else plural(instead)

    def substitute(self, prompt: str) -> tuple[str, list[Unknown]]:
        """The prompt in words that the model knows, and what was exchanged."""
        prompt, listed = exchange(prompt, self.listed_phrases(prompt))
        unknown = self.unknown_phrases(prompt)
        prompt, others = exchange(
            prompt, [(start, end, "" if place else self.nearest(prompt[start:end])) for start, end, place in unknown]
        )
        return prompt, listed + others

    def nearest(self, phrase: str) -> str:
        """The name of the thing that is nearest in meaning; "" where none is near."""
        if any(form in self.substitutes for form in singular_forms(phrase.lower().split()[-1])):
            return ""  # nothing looks like it
        cosine = (embed([phrase]) @ self._embedded().T)[0]
        best = int(cosine.argmax())
        instead = self.things[best] if cosine[best] >= NEAR else ""
        return plural(instead) if instead and re.search("[^s]s$", phrase) else instead

    @functools.cache  # noqa: B019 - there is one vocabulary, for as long as the program runs
    def _embedded(self) -> Tensor:
        return embed(self.things)


def read_substitutes(text: str) -> dict[str, str]:
    """The table: lines `word, word: instead`."""
    lines = (line.partition(":") for line in text.splitlines() if line and not line.startswith("#"))
    return {name.strip().lower(): instead.strip() for names, _, instead in lines for name in names.split(",")}


def ends_phrase(following: list[str]) -> bool:
    """Whether a noun phrase ends before some words, in small letters."""
    word = following[0] if following else "."
    return not word[0].isalpha() or word in STOPS or word.endswith("ing")


def is_place(before: list[str]) -> bool:
    """Whether what comes after some words is where something is, such as "in a big old shop"."""
    while before and before[-1].isalpha() and before[-1] not in ENDS:
        before = before[:-1]
    return bool(before) and before[-1] in AMONG


def exchange(prompt: str, found: list[tuple[int, int, str]]) -> tuple[str, list[Unknown]]:
    """The prompt with other words at some places, and which they are."""
    exchanged, parts, last = [], [], 0
    for start, end, instead in found:
        phrase = prompt[start:end]
        exchanged.append(Unknown(phrase, instead))
        before = prompt[last:start]
        if instead:  # "an armchair", "a chair"
            before = re.sub(r"\ban?(\s+)$", rf"{article(instead).split()[0]}\1", before)
        parts += [before, instead or phrase]
        last = end
    return "".join([*parts, prompt[last:]]), exchanged


@torch.inference_mode()
def embed(phrases: list[str]) -> Tensor:
    """Unit-length sentence embeddings (n, 384) of things, each behind an article, as captions have them."""
    from pipelines import text

    tokens, mask = text.encoder().batch([f"a {phrase}" for phrase in phrases])
    return F.normalize((tokens * mask[..., None]).sum(1), dim=1)
