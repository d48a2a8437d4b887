"""What the small world knows, and what it draws in place of a thing that it does not know: the nearest that it does.

Nearness is the cosine of MiniLM's sentence embeddings. Only things are exchanged: the last word of a noun phrase that
no training caption has. A place ("on a desk") is left as it is, and said.
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

FILE = Path(__file__).parents[3] / "assets" / "vocabulary.json"
NEAR = 0.45  # cosine below which nothing is near
ENDS = {
    "and", "or", "but", "with", "without", "in", "on", "at", "by", "near", "under", "over", "above", "below",
    "before", "behind", "beside", "between", "of", "to", "from", "into", "through", "around", "is", "are", "was",
    "next", "left", "right", "while", "as", "for", "during", "who", "that", "which", "facing", "looking", "wearing",
    "holding", "standing", "sitting", "running", "flying", "going", "heading",
}  # fmt: skip
PLACES = {
    "in", "on", "at", "by", "near", "under", "over", "above", "below", "before", "behind", "beside", "between",
    "through", "around", "inside", "outside", "into", "from",
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
    """Words that training captions have, and names of things. `embed` gives unit vectors of phrases."""

    def __init__(self, words: set[str], things: list[str]) -> None:
        self.words, self.things = words, things

    @staticmethod
    @functools.cache
    def load(path: Path = FILE) -> Vocabulary:
        """The bundled one, as `python -m pipelines.datasets vocabulary` writes it."""
        table = json.loads(path.read_text())
        return Vocabulary(set(table["words"]), table["things"])

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
                phrase_start, place = None, word.lower() in PLACES
                continue
            if self.knows(word) or self.says_how(word.lower(), tokens[k - 1][0].lower() if k else ""):
                phrase_start = None
                continue
            phrase_start = start if phrase_start is None else phrase_start
            following = tokens[k + 1][0] if k + 1 < len(tokens) else "."
            if not following[0].isalpha() or following.lower() in ENDS:
                found.append((phrase_start, end, place))
                phrase_start = None
        return found

    def substitute(self, prompt: str) -> tuple[str, list[Unknown]]:
        """The prompt in words that the model knows, and what was exchanged."""
        exchanged, parts, last = [], [], 0
        for start, end, place in self.unknown_phrases(prompt):
            phrase = prompt[start:end]
            instead = "" if place else self.nearest(phrase)
            if instead and re.search("[^s]s$", phrase) and not instead.endswith("s"):
                instead += "es" if instead.endswith(("sh", "ch", "x")) else "s"
            exchanged.append(Unknown(phrase, instead))
            parts += [prompt[last:start], instead or phrase]
            last = end
        return "".join([*parts, prompt[last:]]), exchanged

    def nearest(self, phrase: str) -> str:
        """The name of the thing that is nearest in meaning; "" where none is near."""
        cosine = (embed([phrase]) @ self._embedded().T)[0]
        best = int(cosine.argmax())
        return self.things[best] if cosine[best] >= NEAR else ""

    @functools.cache  # noqa: B019 - there is one vocabulary, for as long as the program runs
    def _embedded(self) -> Tensor:
        return embed(self.things)


@torch.inference_mode()
def embed(phrases: list[str]) -> Tensor:
    """Unit-length sentence embeddings (n, 384) of things, each behind an article, as captions have them."""
    from pipelines import text

    tokens, mask = text.encoder().batch([f"a {phrase}" for phrase in phrases])
    return F.normalize((tokens * mask[..., None]).sum(1), dim=1)
