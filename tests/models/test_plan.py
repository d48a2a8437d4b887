"""Plans: written by odds that hold, read as boxes, and part of a run only where they are wanted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipelines import load
from pipelines.models.latent_diffusion.plan import (
    THINGS,
    PlanEmbedding,
    PlanWriter,
    Vocabulary,
    move_nearest,
)

NAMES = Vocabulary(("dog", "car"), ("", "red"), ("", "left", "right"), ("", "man", "woman"), ("", "dark"))
THING = {"kind": "car", "colour": "red", "facing": "left", "gender": "", "tone": "", "box": [32, 64, 128, 160]}


@pytest.fixture(scope="module")
def embedding() -> PlanEmbedding:
    torch.manual_seed(0)
    found = PlanEmbedding(NAMES.sizes, 16)
    torch.nn.init.normal_(found.down.weight)
    return found


def test_a_plan_comes_back_as_the_things_that_it_was_made_of() -> None:
    assert NAMES.decode(NAMES.encode([THING, {**THING, "kind": "dog"}])) == [THING, {**THING, "kind": "dog"}]
    assert NAMES.decode(NAMES.encode([])) == []
    assert len(NAMES.decode(NAMES.encode([THING] * 9))) == THINGS


def test_tokens_outside_every_box_are_told_nothing(embedding: PlanEmbedding) -> None:
    h = embedding(NAMES.encode([THING])[None]).view(8, 8, 16)
    assert (h.abs().sum(-1) > 0).nonzero().unique(dim=0).tolist() == [
        [y, x] for y in range(2, 5) for x in range(1, 4)
    ]
    assert not embedding(NAMES.encode([])[None]).any()


def test_a_thing_elsewhere_is_told_in_the_same_way(embedding: PlanEmbedding) -> None:
    moved = {**THING, "box": [64, 128, 160, 224]}
    here, there = (embedding(NAMES.encode([thing])[None]).view(8, 8, 16) for thing in (THING, moved))
    assert torch.allclose(here[2:5, 1:4], there[4:7, 2:5], atol=1e-5)


def test_the_nearer_of_two_is_told(embedding: PlanEmbedding) -> None:
    other = {**THING, "kind": "dog", "box": [64, 64, 192, 160]}
    both, near = (embedding(NAMES.encode(things)[None]) for things in ([THING, other], [other]))
    covered = near.abs().sum(-1) > 0
    assert torch.equal(both[covered], near[covered])


def test_the_writer_learns_a_plan_by_heart_and_writes_it() -> None:
    torch.manual_seed(0)
    writer, caption = PlanWriter(NAMES.sizes, words=8, width=32, depth=1, heads=2), torch.randn(2, 4, 8)
    plans = torch.stack([NAMES.encode([THING]), NAMES.encode([])])
    optimiser = torch.optim.AdamW(writer.parameters(), lr=1e-2)
    for _ in range(80):
        loss = writer.loss(caption, plans).mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    written = [writer.write(c[None], torch.Generator().manual_seed(k)) for k, c in enumerate(caption)]
    assert [NAMES.decode(plan) for plan in written] == [[THING], []]


def test_what_comes_after_the_end_costs_nothing() -> None:
    torch.manual_seed(0)
    writer, caption = PlanWriter(NAMES.sizes, words=8, width=32, depth=1, heads=2), torch.randn(1, 4, 8)
    plan = NAMES.encode([THING])[None]
    strange = plan.clone()
    strange[:, 2:, 1:] = 1
    assert torch.equal(writer.loss(caption, plan), writer.loss(caption, strange))


def test_any_writer_writes_numbers_that_there_are() -> None:
    torch.manual_seed(0)
    writer = PlanWriter(NAMES.sizes, words=8, width=32, depth=1, heads=2)
    for seed in range(20):
        plan = writer.write(torch.randn(1, 4, 8), torch.Generator().manual_seed(seed), temperature=2.0, top_p=1.0)
        assert ((plan >= 0) & (plan < torch.tensor(NAMES.sizes))).all()


def draw(**values: object) -> tuple[np.ndarray, list]:
    *_, last = load("latent-diffusion-256").generate(**{"prompt": "a dog and a car", "steps": 2, "seed": 3, **values})
    return last.result.pixels, last.trace["plan"]


def test_a_picture_is_planned_by_its_seed_unless_that_is_not_wanted() -> None:
    planned, things = draw()
    again, same = draw()
    assert things == same and np.array_equal(planned, again)
    free, nothing = draw(plan=False)
    assert nothing == [] and (not things or not np.array_equal(planned, free))


def test_each_of_several_has_its_own_plan() -> None:
    *_, last = load("latent-diffusion-256").generate(prompt="a dog", steps=2, seed=3, count=2)
    assert np.array_equal(last.result[1].pixels, draw(prompt="a dog", seed=4)[0])


def test_a_thing_alone_stands_on_the_lower_edge_of_a_box() -> None:
    plan = NAMES.encode([{**THING, "kind": "dog"}, THING])  # 96 x 96 pixels, the car in front
    moved = NAMES.decode(move_nearest(plan, (16, 16, 112, 240), NAMES.kinds))
    assert moved == [{**THING, "box": [16, 144, 112, 240]}]
    assert NAMES.decode(move_nearest(NAMES.encode([]), (16, 16, 112, 240), NAMES.kinds)) == []
