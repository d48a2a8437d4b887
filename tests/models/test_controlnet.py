"""ControlNet: nothing changes at first, and each control is what it says."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pipelines import load
from pipelines.diffusion import samplers
from pipelines.media.control_maps import CHANNELS, PREPROCESSORS, control, edges, line_drawing, palette, scribble
from pipelines.models.controlnet.pipeline import PLANES, ControlNet, ControlNetPipeline, combine, find_lines, stack
from pipelines.models.controlnet.recipe_depth import rank_correlation
from pipelines.nn.dit import Config, DiT

CONFIG = Config(width=32, depth=4, heads=2, words=16)
SQUARE = np.full((128, 128, 3), 255, np.uint8)
SQUARE[40:90, 40:90] = (200, 30, 30)


def test_a_new_one_is_the_identity_and_a_learnt_one_is_not() -> None:
    torch.manual_seed(0)
    base = DiT(CONFIG)
    for p in base.parameters():
        if not p.any():
            torch.nn.init.normal_(p, std=0.1)
    net = ControlNet(CONFIG, 1)
    net.copy(base)
    z, t, words = torch.randn(2, 8, 16, 16), torch.full((2,), 0.5), base.text_kv(torch.randn(2, 16, 16))
    seen, modulations = net.see(torch.rand(2, 1, 128, 128)), base.modulations(t, words.pooled)
    own = base.modulations(t, words.pooled, net.blocks)
    assert len(own) == 3
    assert torch.equal(own[0][0], modulations[0][0])
    plain = base(z, words, modulations)
    assert torch.equal(base(z, words, modulations, hints=net(base, z, seen, words.keysvalues[:3], own)), plain)
    torch.nn.init.normal_(net.gates[1].weight, std=0.1)
    assert not torch.equal(base(z, words, modulations, hints=net(base, z, seen, words.keysvalues[:3], own)), plain)


def test_edges_lie_on_the_edge_and_scribbles_around_it() -> None:
    line = edges(SQUARE) > 0
    ring = np.zeros((128, 128), bool)
    ring[38:92, 38:92] = True
    ring[43:87, 43:87] = False
    assert line.any() and not line[~ring].any()
    assert (scribble(SQUARE) > 0).sum() > 2 * line.sum()
    first, second = (scribble(SQUARE, np.random.default_rng(seed)) for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_a_palette_keeps_colours_and_loses_lines() -> None:
    coarse = palette(SQUARE)
    assert len(np.unique(coarse.reshape(-1, 3), axis=0)) <= 64
    assert np.abs(coarse.mean((0, 1)) - SQUARE.mean((0, 1))).max() < 2


def test_every_control_has_its_channels() -> None:
    for name, make in PREPROCESSORS.items():
        assert np.atleast_3d(make(SQUARE)).shape == (128, 128, CHANNELS[name])


def test_a_drawing_is_taken_as_it_is_and_a_picture_is_traced() -> None:
    drawing = np.full((200, 200, 3), 255, np.uint8)
    drawing[50:54, 40:160] = 20
    lines = line_drawing(drawing)
    assert lines is not None
    assert np.array_equal(lines > 0, drawing[..., 0] < 128)  # white on black, whichever way it was drawn
    assert np.array_equal(line_drawing(255 - drawing), lines)
    assert line_drawing(SQUARE) is None
    assert np.array_equal(control("edges", SQUARE)[..., 0], edges(SQUARE))
    assert (control("scribble", drawing)[..., 0] > 0).sum() < 700  # the stroke, not an outline around it


def picture(model: str = "controlnet", **more: object) -> np.ndarray:
    pipe = ControlNetPipeline() if model == "controlnet" else load(model)
    *_, last = pipe.generate(**{"prompt": "a cat", "steps": 4, "seed": 1} | more)
    return last.result.pixels


def test_at_weight_0_it_is_the_base_bit_for_bit() -> None:
    base = picture("latent-diffusion")
    assert np.array_equal(picture(control=SQUARE, weight=0), base)
    assert not np.array_equal(picture(control=SQUARE), base)
    assert np.array_equal(picture("latent-diffusion"), base)


def test_two_controls_weights_and_spans_each_change_something() -> None:
    one = picture(control=SQUARE)
    assert not np.array_equal(picture(control=SQUARE, second=SQUARE), one)
    assert np.array_equal(picture(control=SQUARE, second=SQUARE, second_weight=0), one)
    assert not np.array_equal(picture(control=SQUARE, end=0.3), one)
    assert not np.array_equal(picture(control=SQUARE, kind="palette"), one)
    assert picture(control=SQUARE, guidance_end=0.5).shape == (128, 128, 3)  # steps without guidance


def test_a_span_is_a_part_of_the_run_on_every_path() -> None:
    seen: list[float] = []

    def steer(*_: object) -> Any:
        return lambda z, t: seen.append(t) or [z]

    path = samplers.SCHEDULES["linear-beta"]
    grid = [path.straight_time(t) for t in samplers.timesteps(10)[:-1]]
    hint = combine([(steer, 1.0, path.straight_time(1.0), path.straight_time(0.5))])(
        load("latent-diffusion").condition("a cat", ""), grid, 1
    )
    assert [bool(list(hint(torch.zeros(1, 8, 16, 16), t))) for t in grid] == [True] * 6 + [False] * 4


def test_colours_alone_are_enough_and_nothing_is_not() -> None:
    assert not np.array_equal(picture(second=SQUARE), picture("latent-diffusion"))
    for nothing in ({}, {"control": np.full((64, 64, 3), 255, np.uint8)}):
        with pytest.raises(
            ValidationError, match=r"There is no drawing yet|The drawing is empty: draw some lines first"
        ):
            picture(**nothing)


def test_a_span_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"The control starts at 0\.8 but ends at 0\.2: let it start first"):
        picture(control=SQUARE, start=0.8, end=0.2)


def test_in_scenes_one_net_follows_every_kind() -> None:
    base = picture("latent-diffusion-256", layout="none")
    assert np.array_equal(picture(control=SQUARE, world="scenes", control_weight=0, prompt=""), picture(
        "latent-diffusion-256", prompt="", layout="none"))  # fmt: skip
    drawn = [picture(control=SQUARE, kind=kind, world="scenes") for kind in PLANES]
    assert all(one.shape == (256, 256, 3) for one in drawn)
    assert not any(np.array_equal(one, base) for one in drawn)
    assert not np.array_equal(drawn[0], drawn[1])  # the planes say which kind it is
    both = picture(control=SQUARE, control2=SQUARE, control2_kind="depth", world="scenes")
    assert not np.array_equal(both, picture(control=SQUARE, world="scenes"))


def test_two_controls_of_one_kind_are_both_shown() -> None:
    settings = {"control": SQUARE, "control2": SQUARE, "kind": "edges", "control2_kind": "edges", "world": "scenes"}
    *_, last = ControlNetPipeline().generate(prompt="a cat", steps=1, **settings)
    assert [one["kind"] for one in last.trace["controls"]] == ["edges", "edges"]


def test_planes_say_which_kind_is_there() -> None:
    for k, (kind, plane) in enumerate(PLANES.items()):
        given = torch.rand(2, plane.stop - plane.start, 128, 128)
        stacked = stack(kind, given)
        assert torch.equal(stacked[:, plane], given)
        assert stacked[:, 6:].amax((0, 2, 3)).tolist() == [float(j == k) for j in range(4)]


def test_one_named_thing_stands_within_its_lines() -> None:
    drawing = np.full((256, 256, 3), 255, np.uint8)
    cv2.rectangle(drawing, (40, 80), (120, 240), (0, 0, 0), 3)
    left, top, right, bottom = find_lines(control("scribble", drawing))
    assert abs(left - 40) < 6 and abs(top - 80) < 6 and abs(right - 122) < 6 and abs(bottom - 242) < 6
    assert find_lines(np.zeros((128, 128, 1), np.uint8)) is None

    def things(prompt: str) -> list[dict]:
        settings = {"control": drawing, "world": "scenes", "steps": 1, "seed": 1}
        *_, last = ControlNetPipeline().generate(prompt=prompt, **settings)
        return last.trace["layout"], last.trace["controls"]

    (_, (shown,)), (two, _) = things("a dog"), things("a dog and a car")
    assert shown["kind"] == "scribble" and shown["url"].startswith("data:image/png")
    assert two == []  # which lines are whose, nobody says


def test_depth_is_read_of_a_picture_and_taken_of_a_map() -> None:
    pipe = ControlNetPipeline(world="scenes")
    grey = np.repeat(np.linspace(0, 255, 128).astype(np.uint8)[None, :, None], 128, 0).repeat(3, 2)
    assert np.array_equal(pipe.extract_control("depth", grey)[..., 0], grey[..., 0])
    read = pipe.extract_control("depth", SQUARE)
    assert read.shape == (128, 128, 1) and read.dtype == np.uint8
    assert np.array_equal(
        read, ControlNetPipeline().extract_control("depth", SQUARE)
    )  # people have no reader of their own
    flat, lines = np.full((64, 64, 3), 90, np.uint8), np.full((64, 64, 3), 255, np.uint8)
    lines[30:33] = 0
    for bad, sentence in ((flat, "the same everywhere"), (lines, "These are lines")):
        with pytest.raises(ValidationError, match=sentence):
            picture(control=bad, kind="depth", world="scenes")
    with pytest.raises(ValidationError, match="People have no depth here"):
        picture(control=grey, kind="depth")


def test_rank_correlation_is_spearmans() -> None:
    a = np.random.default_rng(0).standard_normal((8, 8))
    assert rank_correlation(a, np.exp(a)) == pytest.approx(1)
    assert rank_correlation(a, -(a**3)) == pytest.approx(-1)
    assert rank_correlation(a, np.ones((8, 8))) == 0
    halves = np.repeat([0.0, 1.0], 32).reshape(8, 8)
    assert rank_correlation(halves, 3 * halves + 1) == pytest.approx(1)  # ties share a rank
