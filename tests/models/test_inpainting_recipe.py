"""Masks of the inpainting recipe: around a thing, beside all of them, at a side."""

from __future__ import annotations

import numpy as np

from pipelines.models.editing.recipe_inpainting import corner, mask_ground, mask_thing, random_mask


def test_a_mask_around_a_thing_covers_its_box_and_little_more() -> None:
    for seed in range(40):
        mask = mask_thing([40, 70, 130, 200], np.random.default_rng(seed))
        assert mask[4:13, 2:9].all()  # 16 pixels a place
        assert not mask[:2].any() and not mask[15:].any() and not mask[:, 11:].any()


def test_a_mask_beside_touches_no_thing() -> None:
    things = [{"box": [0, 0, 100, 256]}, {"box": [180, 120, 256, 256]}]
    taken = np.zeros((16, 16), bool)
    taken[:, :7] = taken[7:, 11:] = True
    masks = [mask_ground(things, np.random.default_rng(seed)) for seed in range(60)]
    found = [mask for mask in masks if mask is not None]
    assert found and all(mask.any() and not (mask > 0)[taken].any() for mask in found)
    assert mask_ground([{"box": [0, 0, 256, 256]}], np.random.default_rng(0)) is None


def test_every_mask_leaves_something_known_and_something_to_draw() -> None:
    for seed in range(60):
        known = 1 - corner(np.random.default_rng(seed))
        assert 0 < known.mean() < 1
        rows, columns = known.any(1), known.any(0)
        assert known[np.ix_(rows, columns)].all()  # one rectangle, at a side
        assert rows[0] or rows[-1] or columns[0] or columns[-1]
        assert random_mask(np.random.default_rng(seed)).shape == (16, 16)
