"""Scenes: what is drawn is what the facts say, captions name nothing else, and held-out pairs are never trained on."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from pipelines.datasets import scenes
from pipelines.datasets.scenes import captions, compose, land, sprites
from pipelines.datasets.scenes.canvas import AREAS, Canvas
from pipelines.datasets.scenes.kinds import BY_NAME, COLOURS, EVERYDAY, HELD_OUT_COLOUR, HELD_OUT_LAND, KINDS, PAINT
from pipelines.datasets.scenes.place import INDEX
from pipelines.evaluation import recipe_scenes as scene_reader
from pipelines.evaluation.scene_reader import Detection, SceneReader


@pytest.fixture(autouse=True)
def plain_sprites(monkeypatch: pytest.MonkeyPatch) -> None:
    """A square with a white eye for every kind: the true ones come with an npm package, which tests do without."""
    square = np.zeros((60, 80, 4), np.uint8)
    square[...] = (220, 60, 50, 255)
    square[10:20, 10:20, :3] = 255
    monkeypatch.setattr(sprites, "sprite", lambda kind, colour="", gender="", tone="": square)


def test_there_are_enough_things_people_and_colours() -> None:
    assert len(KINDS) >= 150 and len({k.name for k in KINDS}) == len(KINDS)
    assert sum(k.place == "people" for k in KINDS) >= 30
    assert len(COLOURS["paint"]) >= 8
    assert len(HELD_OUT_LAND) == len(HELD_OUT_COLOUR) == 10
    for kind, where in HELD_OUT_LAND:
        assert kind in BY_NAME and where in land.LANDS
    for kind, colour in HELD_OUT_COLOUR:
        assert colour in COLOURS[BY_NAME[kind].colours]


@pytest.mark.parametrize("number", range(12))
def test_a_scene_depends_on_its_number_alone(number: int) -> None:
    one, two = scenes.make(number), scenes.make(number)
    assert one[3] == two[3]
    assert all(np.array_equal(a, b) for a, b in zip(one[:3], two[:3], strict=True))


def test_pictures_keep_their_facts() -> None:
    times = set()
    for number in range(40):
        picture, segment, depth, row = scenes.make(number)
        assert picture.shape == (256, 256, 3) and segment.shape == depth.shape == (64, 64)
        times.add(row.get("time"))
        for thing in row["things"]:
            x0, y0, x1, y1 = thing["box"]
            assert 0 <= x0 < x1 <= 256 and 0 <= y0 < y1 <= 256 and 0 <= thing["seen"] <= 1
            if thing["seen"] > 0.9 and x1 - x0 > 30 and y1 - y0 > 30:
                index = len(AREAS) + INDEX[row["groups"][thing["group"]]["kind"]]
                assert (segment[y0 // 4 : y1 // 4, x0 // 4 : x1 // 4] == index).any()
    assert times == {None, *land.TIMES}


def test_sprites_stand_on_the_autoencoders_grid_in_a_few_sizes() -> None:
    """Two whole things of a kind and size are the same pixels, moved by whole cells: they share their latents."""
    places: dict[tuple[str, int, int], set[tuple[int, int]]] = {}
    for number in range(200):
        *_, row = scenes.make(number)
        for thing in row["things"]:
            x0, y0, x1, y1 = thing["box"]
            if row["mode"] == "scene" and x0 > 0 and x1 < 256 and y0 > 0 and y1 < 256:
                size = (row["groups"][thing["group"]]["kind"], x1 - x0, y1 - y0)
                places.setdefault(size, set()).add((x0 % compose.CELL, y1 % compose.CELL))
    assert {max(w, h) for _, w, h in places} == set(compose.LENGTHS)
    assert all(len(found) == 1 for found in places.values()), places


def test_everyday_things_are_drawn_more_often() -> None:
    assert set(BY_NAME) >= EVERYDAY
    drawn = [g["kind"] in EVERYDAY for n in range(600) for g in compose.draw_facts(n)["groups"]]
    assert np.mean(drawn) > 1.3 * len(EVERYDAY) / len(KINDS)


def test_no_training_scene_combines_what_is_held_out() -> None:
    combined = 0
    for number in range(400):
        facts = compose.draw_facts(number)
        split = scenes.split_of(facts, number)
        pairs = {(g["kind"], facts.get("land")) for g in facts["groups"]} & HELD_OUT_LAND
        pairs |= {(g["kind"], g["colour"]) for g in facts["groups"]} & HELD_OUT_COLOUR
        assert (split == "compositional") == bool(pairs)
        combined += bool(pairs)
    assert combined >= 8  # every 50th, and some by chance


def test_captions_name_facts_that_are_there() -> None:
    rng = random.Random(0)
    for number in range(300):
        *_, row = scenes.make(number)
        text, names = captions.caption(row, rng)
        assert text and "{" not in text and "  " not in text and text == text.strip()
        for name in names:
            what, *where = name.split(".")
            if where and what != "relation":
                group = row["groups"][int(where[0])]
                assert what in ("kind", "count", "third") or group[what]
            elif not where:
                assert row[what]


def test_a_caption_can_be_asked_for_certain_facts() -> None:
    rng = random.Random(0)
    row = next(row for n in range(200) if (row := scenes.make(n)[3])["mode"] == "scene" and len(row["things"]) == 1)
    _, names = captions.caption(row, rng, {"kind.0", "land", "time", "weather"})
    assert set(names) == {"kind.0", "land", "time", "weather"}


@pytest.mark.parametrize(
    ("noun", "many"),
    [("dog", "dogs"), ("bus", "buses"), ("slice of pizza", "slices of pizza"), ("sheep", "sheep"), ("lady", "ladies"),
        ("fox", "foxes")],
)  # fmt: skip
def test_plurals(noun: str, many: str) -> None:
    assert captions.plural(noun) == many


def test_articles() -> None:
    assert captions.article("apple") == "an apple" and captions.article("unicorn") == "a unicorn"


def test_relations_follow_the_boxes() -> None:
    def at(x: int, y: int) -> dict:
        return {"box": [x - 20, y - 40, x + 20, y]}

    assert captions.relation(at(60, 200), at(180, 200)) == "left"
    assert captions.relation(at(180, 200), at(60, 200)) == "right"
    assert captions.relation(at(100, 60), at(105, 200)) == "above"
    assert captions.relation(at(100, 230), at(110, 205)) == "before"


@pytest.mark.parametrize("colour", ["red", "green", "blue", "purple"])
def test_a_body_is_recoloured_and_white_stays(colour: str) -> None:
    square = np.zeros((40, 40, 4), np.uint8)
    square[...] = (230, 150, 60, 255)
    square[:8, :8, :3] = 255
    out = sprites.recolour(square, colour)
    lab = sprites.to_oklab(out[30, 30, :3] / 255)
    away = (np.degrees(np.arctan2(lab[2], lab[1])) - PAINT[colour][2] + 180) % 360 - 180
    assert abs(away) < 15
    assert out[2, 2, :3].min() > 250
    assert np.array_equal(out[..., 3], square[..., 3])


def test_oklab_goes_there_and_back() -> None:
    rgb = np.random.default_rng(0).random((50, 3))
    assert np.abs(sprites.to_srgb(sprites.to_oklab(rgb)) - rgb).max() < 1e-3


def test_the_farther_is_behind() -> None:
    canvas = Canvas()
    canvas.below(np.full(256, 100.0), (0, 200, 0), (0, 100, 0), (0.8, 0.1), "grass")
    assert canvas.depth[120, 0] > canvas.depth[250, 0]
    assert (canvas.segment[120:, :] == AREAS.index("grass")).all() and not (
        canvas.segment[:90] == AREAS.index("grass")
    ).any()


def test_the_truth_scores_full_marks_and_nothing_scores_none() -> None:
    rows = [scenes.make(n)[3] for n in range(60)]
    whole = [
        {
            name: values[max(int(scene_reader.scene_targets([row])[name][0]), 0)]
            for name, values in scene_reader.SCENE_LABELS.items()
        }
        for row in rows
    ]
    things = [
        [
            Detection({name: t[name] for name in scene_reader.THING_LABELS}, t["x"], 0.5, 1.0)
            for t in scene_reader.truth(row)
        ]
        for row in rows
    ]
    perfect = scene_reader.score(rows, list(zip(whole, things, strict=True)))
    assert set(perfect.values()) == {1.0}
    blind = scene_reader.score(rows, [(w, []) for w in whole])
    assert blind["kind"] == 0 and blind["land"] == 1


def test_the_reader_finds_a_peak_for_each_thing() -> None:
    model = SceneReader({"kind": ["dog", "cat"]}, {"land": ["hills", "sea"]}, width=16).eval()
    heat, things = torch.full((1, 32, 32), -9.0), torch.zeros(1, 2, 32, 32)
    for y, x, kind in ((8, 4, 0), (20, 28, 1)):
        heat[0, y, x] = 5.0
        heat[0, y, x + 1] = 2.0
        things[0, kind, y, x] = 4.0
    model.forward = lambda x: (heat, things, torch.tensor([[0.0, 1.0]]))
    [(whole, found)] = model.detect(torch.zeros(1, 3, 256, 256))
    assert whole == {"land": "sea"}
    assert sorted((d.labels["kind"], round(d.x, 2)) for d in found) == [("cat", 0.89), ("dog", 0.14)]


def test_the_loss_of_the_reader_falls_on_one_batch() -> None:
    torch.manual_seed(0)
    made = [scenes.make(n) for n in range(6)]
    rows = [row for *_, row in made]
    x = torch.from_numpy(np.stack([m[0] for m in made])).permute(0, 3, 1, 2).float() / 127.5 - 1
    model = SceneReader(scene_reader.THING_LABELS, scene_reader.SCENE_LABELS, width=16)
    optimiser, losses = torch.optim.AdamW(model.parameters(), 2e-3), []
    for _ in range(12):
        loss, _ = scene_reader.detection_loss(model, model.features(x), rows)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.75 * losses[0]


def test_what_is_painted_over_is_described_alone() -> None:
    rng = random.Random(0)
    for number in range(60):
        row = scenes.make(number)[3]
        for thing, at in enumerate(row["things"]):
            group = row["groups"][at["group"]]
            others = {g["kind"] for g in row["groups"]} - {group["kind"]}
            said = captions.describe_part(row, thing, rng)
            names = {n for n in BY_NAME[group["kind"]].names} | {group["kind"]}
            gendered = {noun for (kind, _), noun in captions.GENDERED.items() if kind == group["kind"]}
            assert any(name.lower() in said.lower() for name in names | gendered), (said, group)
            assert not any(f" {kind} " in f" {said} " for kind in others - names)
        ground = captions.describe_part(row, None, rng)
        assert ground and not any(f" {g['kind']} " in f" {ground} " for g in row["groups"])
