"""Video of scenes: words are read as motion, boxes go through the clip, and frames have layouts of their own."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch

from pipelines import load
from pipelines.datasets import films
from pipelines.datasets.scenes import film
from pipelines.datasets.scenes.kinds import KINDS
from pipelines.media.images import center_crop
from pipelines.models.latent_diffusion import layout_text
from pipelines.models.video.motion_text import plan_motion, read_motion
from pipelines.models.video.movement import FEATURES, Clock, Motion, Movement
from pipelines.models.video.network import move_layout


@pytest.fixture
def everyday(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of all things; the tests' own small world has two."""
    names = {name.lower(): kind.name for kind in KINDS for name in kind.names}
    monkeypatch.setattr(layout_text, "names", lambda: names)


@pytest.mark.parametrize(
    ("prompt", "caption", "actions"),
    [
        ("a red car driving to the left by the sea", "a red car by the sea", {"car": ("go", "left", 1.0)}),
        ("a red car drives slowly through the desert", "a red car through the desert", {"car": ("go", "", 0.5)}),
        ("two dogs run in a meadow", "two dogs in a meadow", {"dog": ("go", "", 1.0)}),
        ("a horse gallops fast from left to right", "a horse facing right", {"horse": ("go", "right", 2.0)}),
        ("a running dog and a sleeping cat", "a dog and a cat", {"dog": ("go", "", 1.0), "cat": ("still", "", 1.0)}),
        ("a boy and a girl dancing", "a boy and a girl", {"boy": ("slide", "", 1.0), "girl": ("slide", "", 1.0)}),
        ("a bus drives by a tree and a dog runs to the right", "a bus by a tree and a dog facing right",
         {"bus": ("go", "", 1.0), "dog": ("go", "right", 1.0)}),
        ("a video of a frog jumping up and down", "a frog", {"frog": ("hop", "", 1.0)}),
        ("a rocket takes off", "a rocket", {"rocket": ("up", "", 1.0)}),
        ("a racing car races past a house", "a racing car past a house", {"racing car": ("go", "", 1.0)}),
        ("snow falling on a castle", "snow falling on a castle", {}),
        ("a star falling", "a star", {"star": ("down", "", 1.0)}),
        ("", "", {}),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("everyday")
def test_verbs_belong_to_things_and_leave_the_caption(prompt: str, caption: str, actions: dict[str, tuple]) -> None:
    request = read_motion(prompt)
    assert request.caption == caption
    assert {
        kind: (action.verb, action.direction, action.speed) for kind, action in request.actions.items()
    } == actions


def test_camera_light_and_clouds_are_read() -> None:
    assert read_motion("a house in the snow, camera zooms in").zoom > 0 > read_motion("a dog, zoom out").zoom
    assert read_motion("camera pans left over a city at night").pan == (-2.0, 0.0)
    assert read_motion("the sun sets behind the mountains").light == "sunset"
    assert read_motion("night falls over a city").light == "night"
    dawn = read_motion("the sun rises over the lake")
    assert (dawn.light, dawn.caption) == ("dawn", "the lake, at night")
    assert read_motion("hills, clouds drifting to the right").drift > 0 > read_motion("drifting clouds").drift
    assert read_motion("timelapse of a city at sunset").light == "night"
    assert not read_motion("a red car by the sea").asks_motion


def test_a_loop_comes_back_and_a_line_goes_on() -> None:
    way, box = Movement(dx=4, hop=8, squash=0.1), (0.0, 0.0, 64.0, 32.0)
    loop, line = Clock(16, loop=True), Clock(16)
    assert way.move(box, 16, loop) == pytest.approx(box, abs=1e-9)
    assert way.move(box, 0, line) == box
    left, _, right, bottom = way.move(box, 2, line)
    assert (left + right) / 2 == 32 + 4 * 2 and bottom == pytest.approx(32 - 8 * math.sin(math.pi / 2))
    assert line.share(15) == 1 == loop.share(8) and loop.share(16) == pytest.approx(0)
    near = Motion(zoom=1 / 15).view((96.0, 96.0, 160.0, 160.0), 15, line)
    assert near == pytest.approx((64, 64, 192, 192))
    assert Motion(pan=(2, 0)).view(box, 10, line)[0] == -20
    rows = Motion((way,), light="night", drift=4).encode(line)
    assert rows.shape == (16, FEATURES) and rows[-1, -1] == 1 and not rows[0, -4:].any()


def test_what_goes_begins_where_it_has_room_and_is_seen_to_the_end() -> None:
    thing = {"kind": "car", "facing": "left", "box": [96, 96, 176, 176]}
    for prompt, way in (("a car driving left", -1), ("a car driving right", 1), ("a car", -1)):
        (box,), motion = plan_motion(read_motion(prompt), [thing], 1.0, Clock(16))
        (move,) = motion.things
        end = move.move(box, 15, Clock(16))
        middles = [(part[0] + part[2]) / 2 for part in (box, end)]
        assert move.dx * way > 0 and all(0 <= x <= 256 for x in middles) and (middles[0] - 128) * way < 0
    (box,), motion = plan_motion(read_motion("a car driving left"), [thing], 1.0, Clock(16), fixed=True)
    assert box == (96, 96, 176, 176)
    _, still = plan_motion(read_motion("a car driving left"), [thing], 0.0, Clock(16))
    assert still.things[0].dx == 0
    _, alone = plan_motion(read_motion("a house"), [thing | {"kind": "house"}], 1.0, Clock(16))
    assert alone.zoom > 0  # something moves


def test_a_layout_goes_through_the_clip_and_its_embedding_follows() -> None:
    embedding = load("latent-diffusion-256").layout_embedding
    layout = torch.zeros(6, 9)
    layout[:, 0] = embedding.nothing
    layout[0] = torch.tensor([0, 0, 0, 0, 0, 16, 16, 24, 24])
    moved = move_layout(layout, embedding.nothing, Motion((Movement(dx=-16),)), list(range(12)), Clock(16))
    assert moved[:, 0, 5].tolist() == [16 - 2 * k for k in range(12)]  # out of the picture at last
    assert torch.equal(moved[:, 1:], layout[1:].expand(12, -1, -1))
    with torch.no_grad():
        tokens = embedding(moved).unflatten(1, (8, 8))
    assert torch.allclose(tokens[0, 4:6, 4:6], tokens[2, 4:6, 3:5], atol=1e-5)  # a token on is the same part
    assert tokens[11].abs().amax() < tokens[0].abs().amax()


def run(**more: Any) -> Any:
    given = {"prompt": "a red car driving to the left", "world": "scenes", "steps": 2, "frames": 4, "seed": 1, **more}
    *_, last = load("video").generate(**given)
    return last


def test_a_clip_of_scenes_has_256_pixels_and_says_what_moves() -> None:
    last = run(loop=False)
    assert last.result.frames.shape == (4, 256, 256, 3)
    assert last.result.settings["prompt"] == "a red car driving to the left"
    (thing,) = last.trace["paths"]["things"]
    assert thing["name"] == "car" and thing["to"][0] < thing["from"][0]
    assert last.trace["paths"]["request"] == ["car goes left"]
    again = run(loop=False)
    assert np.array_equal(last.result.frames, again.result.frames)
    right = run(loop=False, prompt="a red car driving to the right")
    assert not np.array_equal(last.result.frames, right.result.frames)


def test_every_way_and_a_given_frame_work_in_scenes() -> None:
    blue = np.full((60, 40, 3), (30, 60, 200), np.uint8)
    assert [clip.frames.shape[0] for clip in run(compare=True).result] == [4, 4, 4]
    last = run(image=blue, loop=False)
    assert last.trace["paths"]["things"] == []  # where things stand in it is not known
    pipe = load("video").switch_world("scenes")
    kept = pipe.base.autoencoder.decode_uint8(pipe.latent(center_crop(blue, 256))).numpy()[0]
    assert np.abs(last.result.frames[0].astype(int) - kept).max() <= 1
    known = run(image=blue, loop=False, layout="car 96 96 176 176", prompt="a car driving to the left")
    assert known.trace["paths"]["things"][0]["from"] == [96, 96, 176, 176]  # where it is, it begins
    assert run(frames=20, loop=False, steps=1).result.frames.shape[0] == 20
    assert run(prompt="").result.frames.shape[0] == 4


def test_films_are_rendered_as_their_rows_say() -> None:
    loops = 0
    for number in range(0, 24, 3):
        frames, row = films.make(number)
        assert (
            frames.shape == (16, 256, 256, 3) and row["loop"] and len(row["motion"]["things"]) == len(row["things"])
        )
        assert asdict(film.load_motion(json.loads(json.dumps(row)))) == row["motion"]  # as the data set keeps it
        steps = np.abs(frames.astype(int) - np.roll(frames, 1, 0)).mean((1, 2, 3))
        loops += steps[0] <= 1.5 * max(np.median(steps), 0.5)
    assert loops == 8  # the last frame leads into the first
    again, _ = films.make(3)
    assert np.array_equal(films.make(3)[0], again)


def test_a_moving_thing_is_where_its_box_is() -> None:
    checked = 0
    for number in range(1, 60):
        frames, row = films.make(number)
        motion = film.load_motion(row)
        if (
            row["mode"] != "plain"
            or len(row["things"]) != 1
            or abs(motion.things[0].dx) < 4
            or motion.zoom
            or any(motion.pan)
        ):
            continue
        clock = Clock(loop=row["loop"])
        (first,), (then,) = ([motion.boxes([row["things"][0]["box"]], k, clock)[0]] for k in (0, 6))
        ground = np.median(frames.reshape(16, -1, 3), axis=1)[:, None, None]
        seen = (np.abs(frames - ground).sum(-1) > 90).sum(1) > 6  # columns where something stands, a frame
        shift = [np.flatnonzero(seen[k]) for k in (0, 6)]
        inside = all(box[0] > 0 and box[2] < 256 for box in (first, then))
        if inside and all(len(part) for part in shift):
            assert abs((shift[1].mean() - shift[0].mean()) - (then[0] - first[0])) < 12
            checked += 1
    assert checked >= 2
