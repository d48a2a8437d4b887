"""What words say of motion: "a red car driving to the left, the sun sets, camera zooms in". No torch.

Verbs belong to the things named before them; what they say of motion is taken out of the caption, since the picture
model knows no verbs. Where they say nothing, things move as their kinds do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipelines.models.latent_diffusion import layout_wishes
from pipelines.models.video.defaults import default_movement
from pipelines.models.video.movement import SIDE, Box, Clock, Motion, Movement

SPEED = 8.0  # pixels a frame of what goes, unless words say more
VERBS = {
    "go": "drive ride roll race run walk gallop trot march swim sail fly soar cross pass move slide glide travel cruise "
    "rush speed crawl stroll wander go come leave head dash hurry skate ski cycle float drift",
    "up": "rise climb ascend launch",
    "down": "fall drop descend sink dive land tumble",
    "hop": "jump hop bounce leap skip",
    "slide": "dance wiggle sway rock swing shake nod wobble wave tremble",
    "squash": "beat pulse throb breathe laugh talk sing pulsate",
    "still": "stand sit sleep wait stay rest",
}
NEXT = {"sunset": "night", "night": "dawn", "dawn": "day", "day": "sunset"}
ACTS = {"go": "goes", "up": "rises", "down": "falls", "hop": "jumps", "slide": "sways", "squash": "pulses",
    "still": "stays"}  # fmt: skip
SLOW, FAST = {"slowly", "slow", "gently", "calmly"}, {"fast", "quickly", "quick", "rapidly", "swiftly", "wildly"}
BEHIND = {  # what comes after one of these is no subject
    "in", "on", "at", "by", "near", "under", "over", "above", "below", "before", "behind", "beside", "between",
    "through", "around", "past", "across", "along", "from", "into", "of", "to", "front",
}  # fmt: skip
AWAY = {"away", "off", "back", "forwards", "forward", "ahead"}
FALLING = {"snow", "rain", "leaves", "snowflakes", "night"}  # what falls by the words alone
SENTENCES = [  # of all of the picture, and what they mean; the longest first
    ("zoom", r"(?:the )?(?:camera )?(?:\w+ly )?zoom(?:s|ing)?(?: slowly| the camera)? (in|out)(?: (?:on|to|from) it)?"),
    ("zoom", r"the camera (?:\w+ly )?(?:comes|moves|goes) (closer|nearer|back|away)"),
    ("pan", r"(?:the )?camera (?:\w+ly )?(?:pans?|moves?|slides?|tracks?|tilts?|turns?|goes|follows?)(?:ing)?"
     r"(?: slowly)?(?: to the| towards the)? (left|right|up|down)(?:wards)?"),
    ("pan", r"(?:slowly )?pan(?:s|ning)?(?: to the)? (left|right|up|down)"),
    ("dawn", r"(?:the )?sun (?:is )?(?:\w+ly )?(?:ris(?:es|ing)|com(?:es|ing) up)|(?:day|dawn) breaks|night (?:turns|"
     r"becomes|turning)(?: into| to)? day|from night to day|sunrise timelapse"),
    ("night", r"(?:night|darkness|dusk) (?:is )?(?:\w+ly )?(?:falls|falling|comes|coming)|(?:it )?(?:gets|getting|"
     r"becomes|becoming|grows) (?:dark|night)|(?:from )?day (?:turns|becomes|turning|to|into)(?: into| to)* night"),
    ("sunset", r"(?:the )?sun (?:is )?(?:\w+ly )?(?:sets|setting|goes down|going down|sinks|sinking)"
     r"|the sun go down|sunset timelapse"),
    ("clouds", r"(?:the |with )?clouds (?:are )?(?:\w+ly )?(?:drift|pass|mov|float|sail|roll|fly|rac)(?:e|es|s|ing|ies)?"
     r"(?: by| past| over| across| overhead)?(?: (?:to the )?(left|right))?|(?:drifting|passing|moving) clouds"),
    ("lapse", r"(?:an? )?time-?lapse(?: of)?"),
    ("", r"(?:an? )?(?:short )?(?:video|clip|film|animation|gif|movie) (?:of|with)|animated"),
]  # fmt: skip


def inflect(verb: str) -> set[str]:
    """A verb as a thing has it: drives, driving; runs, running; flies, flying."""
    stem = verb.removesuffix("e")
    third = verb[:-1] + "ies" if verb.endswith("y") and verb[-2] not in "aeo" else verb + "s"
    return {third, verb + "es", stem + "ing", verb + "ing", verb + verb[-1] + "ing"}


ACTIONS = {form: name for name, verbs in VERBS.items() for verb in verbs.split() for form in inflect(verb)}
PLURAL = {verb: name for name, verbs in VERBS.items() for verb in verbs.split()}  # of several: "two dogs run"


@dataclass(frozen=True)
class Action:
    """How words say that a thing moves: a key of VERBS, in which direction, and how fast."""

    verb: str
    direction: str = ""  # left, right, up, down
    speed: float = 1.0


@dataclass
class MotionRequest:
    """What a prompt asks for: the caption without its words of motion, each kind's action, and what all of the picture
    does."""

    caption: str
    actions: dict[str, Action] = field(default_factory=dict)
    pan: tuple[float, float] = (0.0, 0.0)
    zoom: float = 0.0
    light: str = ""
    drift: float = 0.0

    def describe(self) -> list[str]:
        """What was understood, in short sentences."""
        found = [f"{kind} {ACTS[action.verb]} {action.direction}".strip() for kind, action in self.actions.items()]
        if any(self.pan):
            found.append(
                "camera goes "
                + ("right" if self.pan[0] > 0 else "left" if self.pan[0] else "up" if self.pan[1] < 0 else "down")
            )
        if self.zoom:
            found.append("camera comes nearer" if self.zoom > 0 else "camera goes back")
        if self.light:
            found.append(f"light becomes {self.light}")
        if self.drift:
            found.append("clouds drift " + ("right" if self.drift > 0 else "left"))
        return found or ["Your words say nothing of motion: things move as they usually do."]

    @property
    def asks_motion(self) -> bool:
        return bool(self.actions or any(self.pan) or self.zoom or self.light or self.drift)


def read_motion(prompt: str) -> MotionRequest:
    """What a prompt says of motion."""
    request, rest = MotionRequest(""), prompt
    for what, pattern in SENTENCES:
        found = re.search(rf"\b(?:{pattern})\b,?", rest, re.I)
        if not found:
            continue
        direction = next((group.lower() for group in found.groups() if group), "")
        rest = rest[: found.start()] + rest[found.end() :]
        if what == "zoom":
            request.zoom = 0.03 if direction in ("in", "closer", "nearer") else -0.024
        elif what == "pan":
            request.pan = {"left": (-2.0, 0.0), "right": (2.0, 0.0), "up": (0.0, -1.0), "down": (0.0, 1.0)}[direction]
        elif what == "clouds":
            request.drift = 4.0 if direction == "right" else -4.0
        elif what == "lapse":
            now = next((time for time in NEXT if time in prompt.lower()), "day")
            request.light, request.drift = request.light or NEXT[now], request.drift or -8.0
        elif what:
            request.light = what
    rest = re.sub(r"\b(?:takes?|taking|lifts?|lifting|blasts?|blasting) off\b", "rising", rest, flags=re.I)
    tokens = [(m.group(), m.start(), m.end()) for m in re.finditer(r"[A-Za-z][\w'-]*", rest)]
    words = [word.lower() for word, *_ in tokens]
    remove: set[int] = set()
    instead: dict[int, str] = {}
    subjects: list[str] = []  # named since the last verb, before a preposition
    closed, k = False, 0
    while k < len(words):
        kind, n = layout_wishes.read_name_at(words, k)
        plural = k > 0 and words[k - 1].endswith("s")
        verb = ACTIONS.get(words[k]) or (PLURAL.get(words[k]) if plural else None)
        if kind:
            subjects += [kind] * (not closed)
        elif verb and not FALLING & set(words[max(k - 1, 0) : k + 2]):
            attributive = is_adjective(words, k)
            names = following_name(words, k) if attributive or not subjects else subjects
            direction, speed, used = read_manner(words, k)
            if names and (verb != "go" or subjects or direction or words[k].endswith("ing")):
                action = Action(verb, direction, speed)
                request.actions |= {name: action for name in names if name not in request.actions}
                remove |= used
                if verb == "go" and direction == "right":
                    instead[k] = "facing right"
            subjects, closed, n = subjects * attributive, False, 1
        elif words[k] == "and" and closed:
            subjects, closed = [], False
        elif words[k] in BEHIND:
            closed = True
        k += n
    parts, last = [], 0
    for k, (_, start, end) in enumerate(tokens):
        if k in remove:
            parts += [rest[last:start], instead.get(k, "")]
            last = end
    text = "".join([*parts, rest[last:]])
    if request.light == "dawn" and "night" not in text.lower():
        text += ", at night"
    text = re.sub(r"\s+([,.;])", r"\1", re.sub(r"\s+", " ", text))
    text = re.sub(r"(?:^[\s,.;]+)|(?:[\s,.;]+$)", "", re.sub(r"([,.;])(?:\s*[,.;])+", r"\1", text))
    request.caption = re.sub(r"^(?:over|behind|above|across|of|and) ", "", text)
    return request


def is_adjective(words: list[str], k: int) -> bool:
    """Whether a word stands before a name that follows at once: "a dog and a small cat"."""
    return k + 1 < len(words) and bool(layout_wishes.read_name_at(words, k + 1)[0])


def following_name(words: list[str], k: int) -> list[str]:
    """The kind that is named in the next three words: "a running dog"."""
    kinds = [layout_wishes.read_name_at(words, j)[0] for j in range(k + 1, min(k + 4, len(words)))]
    return [kind for kind in kinds if kind][:1]


def read_manner(words: list[str], k: int) -> tuple[str, float, set[int]]:
    """In which direction and how fast the verb at a place goes, and which words say so, with it."""
    used, direction, speed = {k}, "", 1.0
    while k > 0 and min(used) > 0 and words[min(used) - 1] in {"is", "are", "that", "who", "which"} | SLOW | FAST:
        used.add(min(used) - 1)
    j = k + 1
    while j < len(words):
        for phrase, to in (
            (("from", "left", "to", "right"), "right"), (("from", "right", "to", "left"), "left"),
            (("from", "the", "left", "to", "the", "right"), "right"),
            (("from", "the", "right", "to", "the", "left"), "left"),
            (("to", "the", "left"), "left"), (("to", "the", "right"), "right"),
            (("towards", "the", "left"), "left"), (("towards", "the", "right"), "right"),
            (("left",), "left"), (("right",), "right"), (("leftwards",), "left"), (("rightwards",), "right"),
            (("up", "and", "down"), ""), (("back", "and", "forth"), ""), (("from", "side", "to", "side"), ""),
            (("upwards",), "up"), (("up",), "up"), (("downwards",), "down"), (("down",), "down"),
            (("high",), "up"), (("into", "the", "sky"), "up"), (("into", "the", "air"), "up"),
        ):  # fmt: skip
            if tuple(words[j : j + len(phrase)]) == phrase:
                direction = direction or to
                used |= set(range(j, j + len(phrase)))
                j += len(phrase)
                break
        else:
            if words[j] not in AWAY | SLOW | FAST | {"very", "so"}:
                break
            used.add(j)
            j += 1
    manner = {words[i] for i in used}
    speed = 0.5 if manner & SLOW else 2.0 if manner & FAST else 1.0
    return direction, speed, used


def to_movement(action: Action, kind: str, facing: str, speed: float) -> Movement:
    """An action as numbers, `speed` pixels a frame where it goes anywhere."""
    pace, much = speed * action.speed, speed / SPEED * min(action.speed, 1.5)
    facing = action.direction if action.direction in ("left", "right") else facing
    side = 1.0 if facing == "right" else -1.0
    usual = default_movement(kind, facing, pace)
    if action.verb == "still":
        return Movement()
    if action.verb == "hop":
        return Movement(dx=side * pace * (action.direction in ("left", "right")), hop=32 * much)
    if action.verb == "slide":
        return Movement(slide=8 * much, hop=12 * much)
    if action.verb == "squash":
        return Movement(squash=0.15 * much)
    up = "up" in (action.verb, action.direction)
    if up or "down" in (action.verb, action.direction):
        return Movement(dx=pace / 2 if up and usual.dx > 0 > usual.dy else 0.0, dy=-pace if up else pace)
    if action.direction or not usual.dx:
        return replace(usual, dx=side * pace, dy=0.0, slide=0.0)
    return usual


def plan_motion(
    request: MotionRequest, things: Sequence[dict[str, Any]], speed: float, clock: Clock, fixed: bool = False
) -> tuple[list[Box], Motion]:
    """Where things are at first, moved so that the middle of their way is where they were (unless they are `fixed`),
    and how all moves: `speed` is 1 as the words say it."""
    ways = [
        to_movement(request.actions[thing["kind"]], thing["kind"], thing["facing"], SPEED * speed)
        if thing["kind"] in request.actions
        else Movement()
        if request.asks_motion
        else default_movement(thing["kind"], thing["facing"], SPEED * speed, thing["box"][3] >= SIDE)
        for thing in things
    ]
    starts = [begin(thing["box"], way, clock, fixed) for thing, way in zip(things, ways, strict=True)]
    motion = Motion(
        tuple(way for _, way in starts),
        pan=(request.pan[0] * speed, request.pan[1] * speed),
        zoom=request.zoom * speed,
        light=request.light,
        drift=request.drift * speed,
    )
    if not request.asks_motion and all(way in (Movement(), Movement(times=4)) for way in motion.things):
        motion = replace(motion, zoom=0.02 * speed)
    return [box for box, _ in starts], motion


def begin(box: Sequence[float | int], way: Movement, clock: Clock, fixed: bool) -> tuple[Box, Movement]:
    """Where a thing is at first, and how it goes so that half of it is still seen at the end."""
    left, top, right, bottom = map(float, box)
    if clock.loop:
        return (left, top, right, bottom), replace(way, dx=2 * way.dx, dy=2 * way.dy)
    wide, high, gone = right - left, bottom - top, clock.frames - 1
    x, y = (left + right) / 2, bottom
    if way.dx and not fixed:
        x = min(max(x - way.dx * gone / 2, min(wide / 2, SIDE / 2)), max(SIDE - wide / 2, SIDE / 2))
    if way.dy and not fixed:
        y = min(max(y - way.dy * gone / 2, min(high, SIDE)), SIDE - 8.0)
    room = x if way.dx < 0 else SIDE - x
    rise = y - high / 2 if way.dy < 0 else SIDE - y + high / 2
    share = min(1.0, *(r / (abs(v) * gone) for r, v in ((room, way.dx), (rise, way.dy)) if v), 1.0)
    return (x - wide / 2, y - high, x + wide / 2, y), replace(way, dx=way.dx * share, dy=way.dy * share)
