"""What words wish of a layout, and layouts that have all of it."""

from __future__ import annotations

import random

import pytest
import torch

from pipelines import load
from pipelines.datasets.scenes import compose
from pipelines.models.latent_diffusion import layout_arrange, layout_text, layout_wishes
from pipelines.models.latent_diffusion.layout import LayoutWriter, Vocabulary
from pipelines.models.latent_diffusion.layout_wishes import Constraint, Wish
from pipelines.models.latent_diffusion.pipeline_256 import TRIES, permit_wishes

VOCABULARY = Vocabulary(**{label: tuple(values) for label, values in layout_text.vocabulary().items()})


def thing(kind: str, colour: str = "", box: tuple[int, int, int, int] = (0, 0, 128, 128), gender: str = "") -> dict:
    return {"kind": kind, "colour": colour, "facing": "", "gender": gender, "tone": "", "box": list(box)}


def apart(*things: dict) -> list[dict]:
    """Things in boxes that do not overlap."""
    return [one | {"box": [64 * k, 0, 64 * k + 64, 64]} for k, one in enumerate(things)]


def test_names_are_found_in_any_number_and_the_longest_counts() -> None:
    words = ["two", "Puppies", "and", "a", "red", "sports", "car", "at", "night"]
    assert layout_wishes.read_wishes(words) == [Wish("dog", 2, least=2), Wish("car", 1, "red")]
    assert layout_wishes.read_wishes(["red", "dogs", "cars"]) == [
        Wish("dog", 0, "red", least=2),
        Wish("car", least=2),
    ]
    assert layout_wishes.read_wishes(["sports"]) == layout_wishes.read_wishes([]) == []
    assert layout_text.parse("puppy 0 0 64 64")[0]["kind"] == "dog"


@pytest.mark.parametrize(
    ("words", "wishes"),
    [
        ("a flock of dogs", [Wish("dog", 0, least=2)]),
        ("a couple of dogs", [Wish("dog", 2, least=2)]),
        ("a dog without a car", [Wish("dog", 1)]),
        ("no car but a dog", [Wish("dog", 1)]),
        ("a man in red and a dog", [Wish("dog", 1)]),
        ("a crimson car", [Wish("car", 1, "red")]),
        ("a female dog", [Wish("dog", 1)]),  # only people have one
        ("three very big fluffy dogs", [Wish("dog", 3, least=3)]),
        ("a 5 year old dog", [Wish("dog", 1)]),
        ("12 dogs", [Wish("dog", 6, least=6)]),
        ("no dogs or cars", []),
        ("no dog only a car", [Wish("car", 1)]),
        ("a house without any dogs", []),
        ("a dog before a car wall", [Wish("dog", 1)]),
    ],
)
def test_what_stands_before_a_name_belongs_to_it(words: str, wishes: list[Wish]) -> None:
    assert layout_wishes.read_wishes(words.split()) == wishes


def test_two_colours_of_one_thing_are_passed_over_together() -> None:
    colours = ["black", "white"]
    assert layout_wishes.nearby(["a", "black", "and", "white"], colours) == ["white", "black", "a"]
    assert layout_wishes.nearby(["red", "and", "a", "white"], colours) == ["white", "a"]


def test_a_colour_that_is_a_fruit_too_is_a_colour_before_a_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    colours = {"kind": ["orange", "dog"], "colour": ["", "orange"], "facing": [], "gender": [], "tone": []}
    monkeypatch.setattr(layout_text, "vocabulary", lambda: colours)
    monkeypatch.setattr(layout_text, "names", lambda: {"orange": "orange", "dog": "dog"})
    assert layout_wishes.read_wishes(["an", "orange", "dog"]) == [Wish("dog", 1, "orange")]
    assert layout_wishes.read_wishes(["an", "orange", "and", "a", "dog"]) == [Wish("orange", 1), Wish("dog", 1)]


def test_a_gender_before_a_role_is_no_second_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout_text, "names", lambda: {"woman": "woman", "doctor": "doctor", "dog": "dog"})
    monkeypatch.setattr(layout_text, "people_kinds", lambda: frozenset({"doctor"}))
    assert layout_wishes.read_wishes(["a", "woman", "dog"]) == [Wish("woman", 1), Wish("dog", 0)]
    assert layout_wishes.read_wishes(["a", "woman", "doctor"]) == [Wish("doctor", 1, gender="woman")]
    assert layout_wishes.read_wishes(["a", "woman", "and", "a", "doctor"]) == [Wish("woman", 1), Wish("doctor", 1)]


def test_clothes_of_a_person_are_no_things_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout_text, "names", lambda: {name: name for name in ("woman", "dress", "cat", "top hat")})
    assert layout_wishes.read_wishes(["a", "woman", "in", "a", "red", "dress"]) == [Wish("woman", 1)]
    assert layout_wishes.read_wishes(["a", "cat", "wearing", "a", "top", "hat"]) == [
        Wish("cat", 1),
        Wish("top hat", 1),
    ]


def test_a_layout_is_as_far_from_wishes_as_it_lacks_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    dog, car = apart(thing("dog"), thing("car", "red"))
    misses = layout_wishes.misses
    assert misses([dog, car], [Wish("dog", 1), Wish("car", 0, "red")]) == 0
    assert misses([dog], [Wish("dog"), Wish("car")]) == misses([dog], [Wish("dog", 2, least=2)]) == 2
    assert misses(apart(dog, dog), [Wish("dog", 1)]) == misses([dog], [Wish("dog", 0, "red")]) == 1
    assert misses(apart(dog, dog), [Wish("dog")]) == 0  # nobody says how many
    assert misses([dog, car], [Wish("dog")]) == 0.5
    assert misses([dog, car], []) == 0
    assert misses([car, {**car, "colour": "blue"}], [Wish("car", 1, "red"), Wish("car", 1, "blue")]) == 0
    red_dog = {**dog, "colour": "red"}  # the car's
    assert misses([red_dog, car], [Wish("dog", 1), Wish("car", 0, "red")]) == 0.5
    monkeypatch.setattr(layout_text, "natural_kinds", lambda: frozenset({"dog"}))
    assert misses([{**dog, "colour": "blue"}], [Wish("dog")]) == 0.5
    assert misses([{**dog, "colour": "blue"}], [Wish("dog", 1, "blue")]) == 0


def test_a_thing_within_another_hides() -> None:
    large, within, beside = thing("car"), thing("dog", box=(64, 64, 128, 128)), thing("dog", box=(112, 0, 256, 128))
    assert layout_arrange.count_hidden([large, within]) == 1
    assert layout_arrange.count_hidden([large, beside]) == layout_arrange.count_hidden([]) == 0


def test_small_things_become_a_size_larger_together_and_stay_in_the_picture() -> None:
    two = [thing("dog", box=(16, 144, 96, 224)), thing("car", box=(96, 144, 176, 224))]
    one, other = (each["box"] for each in layout_arrange.enlarge_small(two))
    assert [box[2] - box[0] for box in (one, other)] == [112, 112] and one[3] == other[3] == 224  # on the same ground
    assert other[0] - one[0] == pytest.approx(1.4 * 80, abs=16)
    for first, second in ((0, 80), (176, 256)):
        moved = layout_arrange.enlarge_small([thing("dog", box=(first, 80, second, 160))])[0]["box"]
        assert min(moved) >= 0 and max(moved) <= 256 and moved[2] - moved[0] == 112
    large = [thing("dog", box=(0, 100, 256, 256)), two[0]]
    assert layout_arrange.enlarge_small(large) == large  # no room
    assert layout_arrange.enlarge_small([]) == []


@pytest.mark.parametrize("seed", range(40))
def test_nothing_gets_out_of_the_picture_or_lost(seed: int) -> None:
    rng = random.Random(seed)
    kinds = ["dog", "car", "cat", "tree"][: rng.randint(1, 4)]
    things = []
    for kind in kinds:
        left, top = rng.randrange(0, 225, 8), rng.randrange(0, 225, 8)
        things.append(thing(kind, box=(left, top, rng.randrange(left + 16, 257, 8), rng.randrange(top + 16, 257, 8))))
    ways = ["on", "over", "before", "worn", "left", "right"]
    relations = [layout_arrange.Relation(rng.choice(ways), *rng.sample(["dog", "car", "cat"], 2)) for _ in range(2)]
    thirds = {"dog": rng.choice(["left", "middle", "right"])} if rng.random() < 0.5 else {}
    found = layout_arrange.arrange(layout_arrange.enlarge_small(things), relations, thirds)
    assert sorted(one["kind"] for one in found) == sorted(kinds)
    for left, top, right, bottom in (one["box"] for one in found):
        assert 0 <= left < right <= 256 and 0 <= top < bottom <= 256


def test_what_is_moved_stands_on_the_worlds_grid() -> None:
    assert set(layout_arrange.LENGTHS) == {int(length) for length in compose.LENGTHS}
    assert (layout_arrange.ACROSS, layout_arrange.DOWN) == (2 * compose.CELL, compose.CELL)
    left, top, right, bottom = layout_arrange.set_box((0, 0, 100, 50), 112, 130.0, 199.0)
    assert right - left == 112 and bottom - top == 56 and ((left + right) // 2, bottom) == (128, 192)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("a dog on a red car", [("on", "dog", "car")]),
        ("a dog riding a car", [("on", "dog", "car")]),
        ("a dog under the car", [("over", "car", "dog")]),
        ("a dog wearing a car", []),
        ("a dog on the street washing a car", []),
        ("a dog is not on the car", []),
        ("a dog on a table a car", []),
        ("a dog with a front car", []),
        ("a dog in front of a parked car", [("before", "dog", "car")]),
        ("a dog behind the car", [("before", "car", "dog")]),
        ("a dog on the beach and a car", []),  # the beach comes between, and is no thing
        ("a dog to the left of a car", [("left", "dog", "car")]),
        ("a dog on the left and a car", []),
        ("a dog and a car", []),
        ("on a car", []),
    ],
)
def test_what_is_on_or_before_another_thing_is_read(words: str, found: list[tuple[str, str, str]]) -> None:
    assert [(it.way, it.one, it.other) for it in layout_arrange.read_relations(words.split())] == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("a dog on the left and a car at the right side", {"dog": "left", "car": "right"}),
        ("a dog looking to the left in the centre", {"dog": "middle"}),
        ("a dog heading right", {}),
        ("a dog to the left of a car", {}),
        ("on the left", {}),
        ("on the left a dog and on the right a car", {"dog": "left", "car": "right"}),
        ("a dog and on the left a car", {"car": "left"}),
        ("a car driving to the right", {}),
        ("a dog on the left side of the picture", {"dog": "left"}),
        ("a dog on the left side of a car", {}),
    ],
)
def test_the_third_that_a_thing_is_in_is_read(words: str, found: dict[str, str]) -> None:
    assert layout_arrange.read_thirds(words.split()) == found


def test_who_wears_something_goes_on_being_spoken_of(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {name: name for name in ("penguin", "top hat", "sofa", "bed")}
    monkeypatch.setattr(layout_text, "names", lambda: names)
    relations = layout_arrange.read_relations(
        ["a", "penguin", "wearing", "a", "top", "hat", "on", "a", "sofa", "under", "a", "bed"]
    )
    assert [(it.way, it.one, it.other) for it in relations] == [
        ("worn", "top hat", "penguin"), ("on", "penguin", "sofa"), ("over", "bed", "sofa"),
    ]  # fmt: skip
    assert layout_arrange.read_relations(["a", "penguin", "in", "a", "top", "hat"])[0].way == "worn"


def test_things_go_to_their_third_and_what_they_would_hide_goes_away() -> None:
    dog, car = thing("dog", box=(140, 100, 252, 212)), thing("car", box=(8, 100, 120, 212))
    moved, other = layout_arrange.arrange([dog, car], [], {"dog": "left"})
    assert moved["box"] == [8, 96, 120, 208] and (other["box"][0] + other["box"][2]) / 2 == 192
    two = [dog, car | {"kind": "dog"}]
    assert layout_arrange.arrange(two, [], {"dog": "left"}) == two  # which of them?
    wide = thing("dog", box=(20, 60, 240, 200))
    [small] = layout_arrange.arrange([wide], [], {"dog": "right"})
    assert small["box"][2] - small["box"][0] == 112 and small["box"][2] <= 256
    left = [layout_arrange.Relation("left", "dog", "car")]
    two, one = layout_arrange.arrange([dog, car], left)
    assert (one["kind"], two["kind"]) == ("dog", "car") and one["box"][2] < two["box"][0]
    assert layout_arrange.arrange([two, one], left) == [two, one]


def test_one_thing_stands_on_another_in_front_of_it() -> None:
    upper, lower = thing("dog", box=(0, 100, 200, 200)), thing("car", box=(100, 60, 200, 200))
    on, over = (layout_arrange.read_relations(f"a dog {word} a car".split()) for word in ("on", "over"))
    under, above = layout_arrange.arrange([upper, lower], on)
    assert (under["kind"], above["kind"]) == ("car", "dog")  # from far to near
    assert under["box"][1] < above["box"][3] < under["box"][3]
    assert (under["box"][0] + under["box"][2]) / 2 == pytest.approx(128, abs=1)
    under, above = layout_arrange.arrange([upper, lower], over)
    assert above["box"][3] < under["box"][1] and above["box"][1] >= 8
    other = thing("tree", box=(0, 60, 60, 160))
    first, under, above = layout_arrange.arrange([upper, lower, other], on)
    assert first == other and under["box"][3] == pytest.approx(lower["box"][3], abs=8) and above["box"][1] >= 8
    assert layout_arrange.arrange([upper, upper, lower], on) == [upper, upper, lower]  # which of the two?


def test_two_that_hide_each_other_stand_side_by_side_unless_words_say_why() -> None:
    two = [thing("dog", box=(20, 20, 220, 240)), thing("car", box=(60, 100, 200, 200))]
    one, other = (each["box"] for each in layout_arrange.arrange(two, []))
    assert one[2] <= 128 <= other[0] and one[3] == other[3] and one[1] >= 8 and other[2] <= 248
    before = [layout_arrange.Relation("before", "car", "dog")]
    assert layout_arrange.arrange(two, before)[1] == two[1]


def test_what_is_before_another_thing_hides_it_and_not_the_other_way_round() -> None:
    house, dog = thing("car", box=(40, 60, 240, 220)), thing("dog", box=(10, 120, 90, 200))
    before = layout_arrange.read_relations(["a", "dog", "before", "a", "car"])
    far, near = layout_arrange.arrange([dog, house], before)
    assert near == dog and far["kind"] == "car"
    assert far["box"] == [40, 28, 240, 188]  # its foot is above the dog's
    assert layout_arrange.arrange([far, near], before) == [far, near]
    tall = thing("car", box=(0, 4, 256, 250))
    assert layout_arrange.arrange([dog, tall], before) == [tall, dog]  # no room above


def test_wishes_are_said_as_training_captions_are() -> None:
    wishes = [Wish("dog", 2, "black", least=2), Wish("doctor", 1, gender="woman"), Wish("elephant")]
    assert layout_wishes.to_caption(wishes) == "two black dogs and a woman doctor and an elephant"


def test_what_may_come_next_is_what_is_still_wished() -> None:
    two = Constraint((Wish("dog", 2, least=2), Wish("car", 1, "red")))
    assert two.next_kinds([]) == {"dog", "car"}
    assert two.next_kinds([thing("dog"), thing("car", "red")]) == {"dog"}
    assert two.next_kinds([thing("dog"), thing("dog"), thing("car", "red")]) == {""}
    assert two.next_values("colour", "car", []) == {"red"}
    assert "red" not in two.next_values("colour", "dog", [])
    assert two.next_values("facing", "dog", []) is None
    some = Constraint((Wish("dog", 0, least=2),))
    assert some.next_kinds([thing("dog"), thing("dog")]) == {"dog", ""}  # or more
    many = Constraint((Wish("dog", 0, least=2), *[Wish("car", 1)] * 5))
    assert many.next_kinds([thing("dog")] * 2) == {"car"}  # no room for a third


def test_constrained_layouts_have_all_that_is_wished() -> None:
    pipe = load("latent-diffusion-256")
    wishes = (Wish("dog", 2, least=2), Wish("car", 1, "red"))
    layout = pipe.draw_layout(pipe.condition("two dogs and a red car", ""), 0)
    found = sorted((one["kind"], one["colour"]) for one in VOCABULARY.decode(layout))
    assert [kind for kind, _ in found] == ["car", "dog", "dog"] and found[0][1] == "red"
    permit = permit_wishes(Constraint(wishes), VOCABULARY)
    assert permit(VOCABULARY.encode([thing("dog"), thing("dog"), thing("car", "red")])[:4], 0) == [VOCABULARY.kinds]


def test_of_several_layouts_the_one_with_what_is_named_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = load("latent-diffusion-256")
    car, dog = (VOCABULARY.encode(layout_text.parse(f"{kind} 0 0 160 160")) for kind in ("car", "dog"))
    tries = []

    def write(*given: object, permit: object, **_: object) -> torch.Tensor:
        tries.append((given[-1], permit is not None))
        return torch.stack([car, car, dog, car])

    monkeypatch.setattr(LayoutWriter, "write", write)
    assert torch.equal(pipe.draw_layout(pipe.condition("a dog", ""), 0), dog)
    assert torch.equal(pipe.draw_layout(pipe.condition("a fox", ""), 0), car)
    assert tries == [(TRIES, False)] * 2
    pipe.draw_layout(pipe.condition("a dog and a car", ""), 0)  # none has both: once more, constrained
    assert tries[2:] == [(TRIES, False), (TRIES, True)]


def test_one_small_thing_is_small_sooner_than_one_of_several_and_what_is_cut_is_seen() -> None:
    small, smaller, large = ({"box": [40, 40, 40 + side, 40 + side]} for side in (120, 90, 136))
    assert layout_arrange.count_small([small]) == 1 and layout_arrange.count_small([large]) == 0
    assert layout_arrange.count_small([small, smaller]) == 1 and layout_arrange.count_small([]) == 0
    for cut in ([0, 40, 200, 200], [40, 0, 200, 200], [90, 40, 256, 200]):
        assert layout_arrange.is_cut([{"box": cut}, small])
    assert not layout_arrange.is_cut([{"box": [40, 40, 200, 256]}])  # its feet may be below
