"""What words wish of a layout: things, how many, in which colours; and constrained decoding, by which a layout has all
of them and nothing else. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.core.english import article, plural, singular_forms
from pipelines.models.latent_diffusion import layout_text
from pipelines.models.latent_diffusion.layout_text import THINGS

NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 6, "eight": 6, "nine": 6,
    "ten": 6, "couple": 2, "pair": 2, "both": 2, "several": 3, "many": 5, "dozen": 6,
}  # fmt: skip
PAIRS = {"couple", "pair", "dozen"}  # numbers that come after "a"
GENDERS = {"male": "man", "man": "man", "boy": "man", "female": "woman", "woman": "woman", "lady": "woman",
           "girl": "woman"}  # fmt: skip
PLAINER = {  # words that mean others
    "crimson": "red", "scarlet": "red", "violet": "purple", "lilac": "purple", "golden": "yellow", "gold": "yellow",
    "navy": "blue", "azure": "blue", "turquoise": "blue", "cyan": "blue", "gray": "grey", "silver": "grey",
    "tan": "brown", "beige": "brown",
    "policeman": "man police officer", "policewoman": "woman police officer", "fireman": "man firefighter",
    "firewoman": "woman firefighter", "witch": "woman wizard",
}  # fmt: skip
ALIASES = {  # other names of things, beside those that training captions have
    "person": "man", "gentleman": "man", "guy": "man", "father": "man", "lady": "woman",
    "mother": "woman", "mum": "woman", "child": "boy", "kid": "boy", "tower": "skyscraper",
    "building": "skyscraper", "barn": "house", "chicken": "rooster", "shoe": "sneaker", "bag": "backpack",
    "ball": "soccer ball", "money": "money bag", "cowboy": "cowboy face", "sword": "swords", "hat": "top hat",
}  # fmt: skip
# names of things that are other words as well
OTHERWISE = {
    "like",
    "plant",
    "plants",
    "wave",
    "waves",
    "tears",
    "coach",
    "trainer",
    "die",
    "letter",
    "chips",
    "auto",
}
FIRST = {  # names that only say of what kind the next thing is: "a baby elephant"
    "baby", "school", "carrot", "apple", "cherry", "strawberry", "banana", "lemon", "chocolate", "pumpkin", "flower",
    "baseball", "football", "train", "star", "heart", "diamond", "boy", "girl",
}  # fmt: skip
BACKGROUNDS = {"wall", "background", "backdrop", "sky"}  # of which a name before it is the colour: "a peach wall"
BACKDROPS = {"tower", "building", "barn"}  # which captions of lands have: "in front of tall buildings"
ARTICLES = {"a", "an", "the", "my", "your", "his", "her", "its", "our", "their", "this", "that", "some", "any"}
WITHOUT = {"no", "without", "not"}
ENDS = {"and", "with", "in", "on", "at", "by", "near", "before", "behind", "under", "over", "above", "beside"}
CLOTHES = {"dress", "t-shirt", "glasses", "top hat", "cap", "headphones"}
PARTS = {"eye", "lips", "tooth", "brain", "smiley", "crying face", "strong arm"}
FACES = {"man", "woman", "boy", "girl", "old man", "old woman"}  # whom the world of people has, too, as portraits


@dataclass(frozen=True)
class Wish:
    """A thing that words name: how many (0 where they do not say so, then `least`), in which colour and of which gender
    ("" where they do not say so)."""

    kind: str
    count: int = 0
    colour: str = ""
    gender: str = ""
    least: int = 1


@dataclass(frozen=True)
class Name:
    """A thing's name in some words, from `begin` to `end`; what is negated ("no dog") is not wished."""

    kind: str
    begin: int
    end: int
    negated: bool = False


def plainly(words: Sequence[str]) -> list[str]:
    """Small letters, and for some words others that mean the same."""
    low = " ".join(PLAINER.get(word.lower(), word.lower()) for word in words).split()
    pink = [word == "rose" and bool(k) and low[k - 1] in NUMBERS for k, word in enumerate(low)]
    return ["pink" if pink[k] and read_name_at(low, k + 1)[0] else word for k, word in enumerate(low)]


def read_name_at(words: Sequence[str], k: int) -> tuple[str, int]:
    """The kind that the longest name at a place in some words means, in any number, and how many words it has; "" and 1
    where there is none, and where the word is a colour, such as "orange" in "orange fish"."""
    for n in (3, 2, 1):
        kind = look_up(" ".join(words[k : k + n]))
        if kind and k + n <= len(words):
            return ("", 1) if n == 1 and is_colour_at(words, k) else (kind, n)
    return "", 1


def look_up(phrase: str) -> str:
    """The kind that a phrase names, in any number; "" where it names none."""
    names, kinds = layout_text.names(), layout_text.vocabulary()["kind"]
    forms = singular_forms(phrase)
    others = (ALIASES[form] for form in forms if form in ALIASES)
    return next(
        (names[form] for form in forms if form in names), next((kind for kind in others if kind in kinds), "")
    )


def is_colour_at(words: Sequence[str], k: int) -> bool:
    """Whether a word is a colour, and that of something: more words of its phrase come after it."""
    colours, after = layout_text.vocabulary()["colour"], words[k + 1 : k + 3]
    if words[k] not in colours or not after:
        return False
    return after[0] not in ENDS or (after[0] == "and" and after[-1] in colours)


def find_names(words: Sequence[str]) -> list[Name]:
    """The things that some words, said plainly, name; no clothes and parts of those who have them, and nothing that
    only says of what kind the next one is."""
    found: list[Name] = []
    k = 0
    while k < len(words):
        kind, n = read_name_at(words, k)
        skinned = k + n < len(words) and words[k + n].endswith("skinned")
        phrase, following = " ".join(words[k : k + n]), read_name_at(words, k + n + skinned)[0]
        before = found[-1] if found else Name("", 0, 0)
        gender = kind in FACES and following in layout_text.people_kinds()
        own = (kind in CLOTHES and before.kind in FACES | layout_text.people_kinds()) or (kind in PARTS and found)
        burning = phrase == "fire" and words[k - 1 : k] == ["on"]
        far = BACKDROPS & {*singular_forms(phrase)} and {"before", "front", "among"} & {*words[before.end : k]}
        sky = bool(BACKGROUNDS & {*words[k + n : k + n + 1]}) or (
            phrase == "stars" and words[k - 2 : k - 1] == ["under"]
        )
        if kind and not (
            own or gender or burning or far or sky or phrase in OTHERWISE or (phrase in FIRST and following)
        ):
            between = {*words[before.end : k]}
            listed = before.negated and between <= {"or", "and"} | ARTICLES
            found.append(Name(kind, k, k + n, bool(between & WITHOUT) or listed))
        k += n
    return found


def read_wishes(words: Sequence[str]) -> list[Wish]:
    """The things that some words name; numbers, colours and genders are what stands just before each."""
    low, vocabulary = plainly(words), layout_text.vocabulary()
    found, last = [], 0  # where the name before ended
    for name in find_names(low):
        before = nearby(low[last : name.begin][-6:], vocabulary["colour"])
        phrase = " ".join(low[name.begin : name.end])
        many = phrase not in ALIASES and phrase not in layout_text.names()
        count = read_number(before, many, phrase.endswith("s") and not many)
        colours = [word for word in before if word in vocabulary["colour"]]
        person = name.kind in layout_text.people_kinds()
        gender = next((GENDERS[word] for word in before if word in GENDERS), "") if person else ""
        colour = colours[0] if len(colours) == 1 else ""
        if not name.negated:
            found.append(Wish(name.kind, count, colour, gender, count or 1 + many))
        last = name.end
    return found


def read_number(before: list[str], many: bool, whole: bool) -> int:
    """How many words before a name say, from the last to the first; 0 where they do not. `many`: it is a plural;
    `whole`: it is one of several that come as one, such as glasses."""
    for k, word in enumerate(before):
        count = min(int(word), THINGS) if word.isdigit() else NUMBERS.get(word, 0)
        article = before[k + 1] if k + 1 < len(before) else ""
        if count == 0 or (count == 1 and many) or (article in ("a", "an") and word not in PAIRS):
            continue  # "a flock of birds", "a two story house"
        return 1 if whole and word in PAIRS else count
    return 0


def nearby(words: list[str], colours: Sequence[str]) -> list[str]:
    """Words from the last to the first, as far as they belong to what comes after them: "black and white" does."""
    found: list[str] = []
    for k in reversed(range(len(words))):
        two = words[k] == "and" and found and found[-1] in colours and words[k - 1 : k] and words[k - 1] in colours
        if words[k] in ENDS and found and not two:
            break
        if words[k] not in ENDS:
            found.append(words[k])
    return found


def misses(things: list[dict[str, Any]], wishes: Sequence[Wish]) -> float:
    """How far things are from wishes: two for each thing that is not there, one for a colour or gender that is another,
    or for one too many, half for a thing that nobody named where something is named, and for a colour that is another
    thing's or that nobody asked for where things have their own."""
    left, total, asked = wishes_alone(wishes), 0.0, {wish.colour for wish in wishes} - {""}
    for thing in things:
        wish = best_match(thing, left) or best_match(thing, wishes)
        if wish is None:
            total += 0.5
            continue
        if wish in left:
            left.remove(wish)
        else:
            total += wish.count > 0
        total += (wish.colour not in ("", thing["colour"])) + (wish.gender not in ("", thing["gender"]))
        natural = thing["colour"] != "" and thing["kind"] in layout_text.natural_kinds()
        total += 0.5 * (wish.colour == "" and (natural or thing["colour"] in asked))
    return (total + 2.0 * len(left)) * bool(wishes)


def to_caption(wishes: Sequence[Wish]) -> str:
    """Wishes as the training captions of several things say it: "two red cars and a dog"."""
    phrases = []
    for wish in wishes:
        about, one = " ".join(filter(None, (wish.colour, wish.gender))), wish.least == 1
        name = f"{about} {wish.kind if one else plural(wish.kind)}".strip()
        phrases.append(article(name) if one else f"{'two' if wish.least == 2 else 'three'} {name}")
    return " and ".join(phrases)


def wishes_alone(wishes: Sequence[Wish]) -> list[Wish]:
    """A wish a thing, as many as a layout can have."""
    return [wish for wish in wishes for _ in range(wish.least)][:THINGS]


def best_match(thing: dict[str, Any], wishes: Sequence[Wish]) -> Wish | None:
    """The wish that a thing fulfils, or nearly."""
    mine = [wish for wish in wishes if wish.kind == thing["kind"]]

    def near(wish: Wish) -> int:
        return 2 * (wish.colour == thing["colour"]) + (wish.colour == "") + (wish.gender == thing["gender"])

    return max(mine, key=near, default=None)


@dataclass(frozen=True)
class Constraint:
    """What may come next in a layout that is to have all that is wished, and nothing else."""

    wishes: tuple[Wish, ...]

    def remaining(self, things: list[dict[str, Any]]) -> list[Wish]:
        """What things do not fulfil yet."""
        left = wishes_alone(self.wishes)
        for thing in things:
            if wish := best_match(thing, left):
                left.remove(wish)
        return left

    def next_kinds(self, things: list[dict[str, Any]]) -> set[str]:
        """Kinds of the next thing; "" where there may be none. Of what was named without a number there may be more."""
        left = self.remaining(things)
        more = {wish.kind for wish in self.wishes if not wish.count and wish.least > 1}
        counted = {wish.kind for wish in self.wishes if wish.count}
        kinds = {wish.kind for wish in left}
        if len(left) < THINGS - len(things):
            kinds |= more - counted
        return kinds if left else kinds | {""}

    def next_values(self, label: str, kind: str, things: list[dict[str, Any]]) -> set[str] | None:
        """Values of a label of a thing that comes after others; None where it may have any."""
        left = [wish for wish in self.remaining(things) if wish.kind == kind]
        mine = left or [wish for wish in self.wishes if wish.kind == kind]
        wanted = {getattr(wish, label, "") for wish in mine}
        if wanted != {""}:
            return wanted
        if label != "colour":
            return None
        if kind in layout_text.natural_kinds():
            return {""}
        taken = {wish.colour for wish in self.wishes} - {""}
        return {*layout_text.vocabulary()["colour"]} - taken if taken else None
