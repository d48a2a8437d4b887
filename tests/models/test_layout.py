"""Layouts: written by odds that hold, read as boxes, and part of a run only where they are wanted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipelines import load
from pipelines.models.latent_diffusion.layout import (
    THINGS,
    LayoutEmbedding,
    LayoutWriter,
    Vocabulary,
    move_nearest,
    take_boxes,
)

NAMES = Vocabulary(("dog", "car"), ("", "red"), ("", "left", "right"), ("", "man", "woman"), ("", "dark"))
THING = {"kind": "car", "colour": "red", "facing": "left", "gender": "", "tone": "", "box": [32, 64, 128, 160]}


@pytest.fixture(scope="module")
def embedding() -> LayoutEmbedding:
    torch.manual_seed(0)
    found = LayoutEmbedding(NAMES.sizes, 16)
    torch.nn.init.normal_(found.down.weight)
    return found


def test_a_layout_comes_back_as_the_things_that_it_was_made_of() -> None:
    assert NAMES.decode(NAMES.encode([THING, {**THING, "kind": "dog"}])) == [THING, {**THING, "kind": "dog"}]
    assert NAMES.decode(NAMES.encode([])) == []
    assert len(NAMES.decode(NAMES.encode([THING] * 9))) == THINGS


def test_tokens_outside_every_box_are_told_nothing(embedding: LayoutEmbedding) -> None:
    h = embedding(NAMES.encode([THING])[None]).view(8, 8, 16)
    assert (h.abs().sum(-1) > 0).nonzero().unique(dim=0).tolist() == [
        [y, x] for y in range(2, 5) for x in range(1, 4)
    ]
    assert not embedding(NAMES.encode([])[None]).any()


def test_a_thing_elsewhere_is_told_in_the_same_way(embedding: LayoutEmbedding) -> None:
    moved = {**THING, "box": [64, 128, 160, 224]}
    here, there = (embedding(NAMES.encode([thing])[None]).view(8, 8, 16) for thing in (THING, moved))
    assert torch.allclose(here[2:5, 1:4], there[4:7, 2:5], atol=1e-5)


def test_the_nearer_of_two_is_told(embedding: LayoutEmbedding) -> None:
    other = {**THING, "kind": "dog", "box": [64, 64, 192, 160]}
    both, near = (embedding(NAMES.encode(things)[None]) for things in ([THING, other], [other]))
    covered = near.abs().sum(-1) > 0
    assert torch.equal(both[covered], near[covered])


def test_the_writer_learns_a_layout_by_heart_and_writes_it() -> None:
    torch.manual_seed(0)
    writer, caption = LayoutWriter(NAMES.sizes, words=8, width=32, depth=1, heads=2), torch.randn(2, 4, 8)
    layouts = torch.stack([NAMES.encode([THING]), NAMES.encode([])])
    optimiser = torch.optim.AdamW(writer.parameters(), lr=1e-2)
    for _ in range(80):
        loss = writer.loss(caption, layouts).mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    written = [writer.write(c[None], torch.Generator().manual_seed(k), 3)[2] for k, c in enumerate(caption)]
    assert [NAMES.decode(layout) for layout in written] == [[THING], []]


def test_where_one_is_enough_the_others_end_there() -> None:
    torch.manual_seed(0)
    writer, caption = LayoutWriter(NAMES.sizes, words=8, width=32, depth=1, heads=2), torch.randn(1, 4, 8)
    whole = writer.write(caption, torch.Generator().manual_seed(3), 8, top_p=1.0)
    short = writer.write(caption, torch.Generator().manual_seed(3), 8, top_p=1.0, enough=lambda ended: len(ended) > 0)
    counts = [(layouts[..., 0] < NAMES.kinds).sum(1) for layouts in (whole, short)]
    assert counts[1].max() == counts[0].min() and counts[0].max() > counts[0].min()
    assert torch.equal(whole[:, : counts[0].min()], short[:, : counts[0].min()])


def test_what_comes_after_the_end_costs_nothing() -> None:
    torch.manual_seed(0)
    writer, caption = LayoutWriter(NAMES.sizes, words=8, width=32, depth=1, heads=2), torch.randn(1, 4, 8)
    layout = NAMES.encode([THING])[None]
    strange = layout.clone()
    strange[:, 2:, 1:] = 1
    assert torch.equal(writer.loss(caption, layout), writer.loss(caption, strange))


def test_any_writer_writes_numbers_that_there_are() -> None:
    torch.manual_seed(0)
    writer = LayoutWriter(NAMES.sizes, words=8, width=32, depth=1, heads=2)
    for seed in range(20):
        layouts = writer.write(
            torch.randn(1, 4, 8), torch.Generator().manual_seed(seed), 5, temperature=2.0, top_p=1.0
        )
        assert layouts.shape == (5, THINGS, 9) and ((layouts >= 0) & (layouts < torch.tensor(NAMES.sizes))).all()
        ended = (layouts[..., 0] == NAMES.kinds).cumsum(1) > 0
        assert (layouts[ended][:, 0] == NAMES.kinds).all() and not layouts[ended][:, 1:].any()


def draw(**values: object) -> tuple[np.ndarray, list]:
    *_, last = load("latent-diffusion-256").generate(**{"prompt": "a dog and a car", "steps": 2, "seed": 3, **values})
    return last.result.pixels, last.trace["layout"]


def test_a_picture_is_laid_out_by_its_seed_unless_that_is_not_wanted() -> None:
    with_layout, things = draw()
    again, same = draw()
    assert things == same and np.array_equal(with_layout, again)
    free, nothing = draw(layout="none")
    assert nothing == [] and (not things or not np.array_equal(with_layout, free))


def test_without_words_nothing_is_laid_out() -> None:
    pixels, things = draw(prompt="")
    assert things == [] and np.array_equal(pixels, draw(prompt="", layout="none")[0])


def test_after_a_branch_things_stand_where_they_stood() -> None:
    dog, car = NAMES.encode([{**THING, "kind": "dog"}]), NAMES.encode([{**THING, "box": [0, 0, 64, 64]}, THING])
    found = NAMES.decode(take_boxes(car[None], dog[None], NAMES.kinds)[0])
    assert [thing["box"] for thing in found] == [THING["box"], THING["box"]]
    assert [thing["kind"] for thing in found] == ["car", "car"]
    same = take_boxes(car[None], NAMES.encode([])[None], NAMES.kinds)
    assert torch.equal(same[0], car)


def test_each_of_several_has_its_own_layout() -> None:
    *_, last = load("latent-diffusion-256").generate(prompt="a dog", steps=2, seed=3, count=2)
    assert np.array_equal(last.result[1].pixels, draw(prompt="a dog", seed=4)[0])


def test_a_thing_alone_stands_on_the_lower_edge_of_a_box() -> None:
    layout = NAMES.encode([{**THING, "kind": "dog"}, THING])  # 96 x 96 pixels, the car in front
    moved = NAMES.decode(move_nearest(layout, (16, 16, 112, 240), NAMES.kinds))
    assert moved == [{**THING, "box": [16, 144, 112, 240]}]
    filled = NAMES.decode(move_nearest(layout, (16, 16, 112, 240), NAMES.kinds, fill=True))
    assert filled == [{**THING, "box": [16, 16, 112, 240]}]
    assert NAMES.decode(move_nearest(NAMES.encode([]), (16, 16, 112, 240), NAMES.kinds)) == []


def test_things_face_left_where_nobody_says_right() -> None:
    pipe, right = load("latent-diffusion-256"), 2  # of the random bundle's facings
    facings = {
        prompt: [pipe.draw_layout(pipe.condition(prompt, ""), seed)[:, 2] for seed in range(12)]
        for prompt in ("a dog", "a dog facing right")
    }
    assert not any((layout == right).any() for layout in facings["a dog"])
    assert any((layout == right).any() for layout in facings["a dog facing right"])
