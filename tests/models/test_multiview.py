"""Views that look at each other, a picture cut out of its background, and splats from words, from a picture, and from a
toy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines import load
from pipelines.media.control_maps import FRAMED, cut_out_object
from pipelines.media.images import to_url
from pipelines.models.gaussian_splatting import files as scenes
from pipelines.models.gaussian_splatting import fit, toys
from pipelines.models.gaussian_splatting.files import GaussianResult
from pipelines.models.gaussian_splatting.rasterize import Camera
from pipelines.models.multiview.pipeline import POSES, MultiView, pose_features, poses_from
from pipelines.nn.dit import Config, DiT

FEW = {"steps": 2, "fit": 20, "splats": 60}


def ball(size: int = 128, background: int = 255, at: tuple[int, int] = (64, 64), radius: int = 20) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    sheet = np.full((size, size, 3), background, np.uint8)
    sheet[(x - at[0]) ** 2 + (y - at[1]) ** 2 < radius**2] = (200, 30, 30)
    return sheet


def spoken(model: DiT, n: int = 1) -> tuple:
    words = model.text_kv(torch.randn(n, model.config.queries, model.config.words))
    return words, model.modulations(torch.full((n,), 0.5), words.pooled)


def test_one_view_is_the_image_model_and_several_look_at_each_other() -> None:
    torch.manual_seed(0)
    model = DiT(Config(width=32, depth=2, heads=2, words=32))
    torch.nn.init.normal_(model.leave.weight, std=0.1)
    for block in model.blocks:
        torch.nn.init.normal_(block.modulation.weight, std=0.1)
    words, modulations = spoken(model)
    views = torch.randn(1, 3, 8, 16, 16)
    whole = model(views, words, modulations)
    assert whole.shape == views.shape
    views[:, 2] += 1
    assert not torch.allclose(model(views, words, modulations)[:, 0], whole[:, 0])
    same = torch.randn(1, 1, 8, 16, 16).expand(
        -1, 3, -1, -1, -1
    )  # three alike look at one thrice, which is looking at it once
    alike = model(same, words, modulations)
    assert torch.allclose(alike[:, 0], alike[:, 2], atol=1e-5)
    assert torch.equal(model(views[:, :1], words, modulations)[:, 0], model(views[:, 0], words, modulations))


def test_hints_tell_cameras_apart_and_show_only_what_is_given() -> None:
    torch.manual_seed(0)
    model = MultiView(Config(width=32, depth=1, heads=2, words=32))
    torch.nn.init.normal_(model.enter.weight)
    seen, given, places = torch.randn(1, 8, 8, 16, 16), torch.zeros(1, 8), pose_features(POSES)[None]
    nothing = model.hint(seen, given, places)
    assert torch.equal(nothing, model.hint(torch.zeros_like(seen), given, places))
    given[:, 2] = 1
    told = (model.hint(seen, given, places) - nothing).abs().sum(2)[0].view(8, 64).sum(1)
    assert (told > 0).tolist() == [k == 2 for k in range(8)]
    assert len({tuple(row.tolist()) for row in nothing[0, ::64]}) == 8
    assert pose_features([(0, 15)]).allclose(pose_features([(360, 15)]), atol=1e-5) and poses_from(90, 0)[:2] == [
        (90, 0),
        (150, 15),
    ]


@pytest.mark.parametrize("background", [255, 120, 0])
def test_a_thing_is_cut_out_moved_to_the_middle_and_made_as_large_as_toys(background: int) -> None:
    sheet = ball(background=background, at=(40, 50))
    sheet[100:104, 100:104] = (20, 200, 20)  # a second, smaller thing
    cut = cut_out_object(sheet)
    there = (cut < 250).any(2)
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    for edges in (rows, columns):
        assert abs(edges[0] + edges[-1] - 127) <= 2 and abs(edges[-1] - edges[0] - FRAMED) <= 3
    assert (cut[there].reshape(-1, 3).mean(0)[1:] < 60).all()  # red alone


def test_a_thing_that_is_framed_as_toys_are_stays_where_it_is() -> None:
    sheet = ball(at=(64, 80), radius=40)
    assert np.abs(cut_out_object(sheet).astype(int) - sheet).max() == 0
    sheet[:3] = (20, 200, 20)  # not of the thing
    assert (cut_out_object(sheet)[:3] == 255).all()


def test_a_background_of_many_colours_is_told_from_the_thing() -> None:
    sheet = ball(radius=30)
    slope = np.linspace(90, 230, 128).astype(np.uint8)
    paper = np.stack([np.broadcast_to(part, (128, 128)) for part in (slope, slope[:, None], slope[::-1])], 2)
    sheet = np.where((sheet == 255).all(2, keepdims=True), paper, sheet)
    assert 0.35 < (cut_out_object(sheet) < 250).any(2).mean() < 0.7


def test_a_picture_of_nothing_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="no thing to be seen"):
        load("image-to-3d").generate(image=Image.fromarray(np.full((64, 64, 3), 200, np.uint8)))
    framed = np.full((128, 128, 3), 200, np.uint8)
    framed[[0, -1]] = framed[:, [0, -1]] = 0  # its border has two colours, and nothing is inside
    with pytest.raises(ValueError, match="no thing to be seen"):
        cut_out_object(framed)


def test_words_become_views_and_these_a_thing_to_turn() -> None:
    pipe = load("text-to-3d")
    frames = list(pipe.generate(prompt="a red mushroom", **FEW))
    assert [frame.step for frame in frames] == [1, 2, 3, 4] and {frame.steps for frame in frames} == {4}
    assert all(frame.preview.shape == (256, 512, 3) == frame.state.shape for frame in frames)
    assert "views" in frames[0].note and "splats" in frames[3].note and "splats" not in frames[1].trace
    assert [frame.result is None for frame in frames] == [True, True, True, False]
    shape = frames[-1].result
    assert (
        isinstance(shape, GaussianResult) and len(shape.splats) <= 60 and shape.settings["prompt"] == "a red mushroom"
    )
    *_, again = pipe.generate(prompt="a red mushroom", **FEW)
    assert np.array_equal(again.preview, frames[-1].preview)
    *_, other = pipe.generate(prompt="a red mushroom", seed=1, **FEW)
    assert not np.array_equal(other.preview, again.preview)


def test_a_given_picture_stays_the_first_view() -> None:
    pipe, sheet = load("image-to-3d"), ball(radius=40)
    drawn = list(pipe.generate(image=Image.fromarray(sheet), **FEW))
    z = pipe.autoencoder.encode(torch.from_numpy(cut_out_object(sheet)).permute(2, 0, 1)[None].float() / 127.5 - 1)
    wanted = pipe.autoencoder.decode_uint8(z)[0].numpy()
    assert np.abs(drawn[1].preview[:128, :128].astype(int) - wanted).max() <= 1
    assert isinstance(drawn[-1].result, GaussianResult)


def test_splats_learn_a_toy_and_a_picture() -> None:
    pipe = load("splatting")
    frames = list(pipe.generate(toy=3, fit=60, splats=300))
    assert len(frames) == 6 and frames[-1].trace["psnr"] > frames[0].trace["psnr"] + 2
    assert frames[-1].view["count"] <= 300 and frames[-1].trace["of"]
    *_, flat = pipe.generate(method="picture", image=Image.fromarray(ball()), fit=60, splats=200)
    assert flat.result.pixels.shape == (128, 128, 3)
    assert np.abs(flat.result.pixels[60:68, 60:68].astype(int) - (200, 30, 30)).mean() < 25
    *_, one = pipe.generate(toy=3, fit=10, splats=1)
    assert one.view["count"] == 1


@pytest.mark.parametrize(
    ("model", "bad", "said"),
    [
        ("splatting", {"method": "picture"}, "no picture yet"),
        ("splatting", {"splats": 0}, "greater than or equal to 1"),
        ("splatting", {"fit": 5000}, "less than or equal to 2000"),
        ("text-to-3d", {"splats": 5000}, "less than or equal to 4000"),
        ("image-to-3d", {}, "required"),
        ("image-to-3d", {"image": to_url(Image.new("RGB", (64, 64))), "elevation": 90}, "less than or equal to 40"),
    ],
)
def test_bad_settings_are_refused_before_any_work(model: str, bad: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        load(model).generate(**bad)


def test_the_fit_of_true_views_grows_better_with_more_splats() -> None:
    views, _ = toys.shoot(toys.compose(5)[0], POSES)
    wanted, cameras = (
        torch.from_numpy(views).float() / 255,
        [Camera.around(float(a), float(e)) for a, e in POSES],
    )
    reached = []
    for most in (20, 300):
        *_, (_, splats, loss) = fit.fit(wanted, cameras, 60, most, 0)
        reached.append(loss)
        assert scenes.GaussianResult(splats, "splatting", {}).render_view(0, 15, 32).min() < 250
    assert reached[1] < reached[0]
