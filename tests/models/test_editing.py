"""Editing with small random weights: what must not change does not, and each method is what its paper says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from edits import blob, image, run
from pydantic import ValidationError

from pipelines import load
from pipelines.core.settings import format_error
from pipelines.diffusion import samplers
from pipelines.media import images as pictures
from pipelines.models.editing.by_words import PromptEditPipeline, invert_step
from pipelines.models.editing.outpainting import coverage, match_border, multidiffusion, window_order, windows
from pipelines.models.editing.pipeline import (
    CropBox,
    keep_known,
    latent_mask,
    renoise,
    repaint_schedule,
)
from pipelines.models.latent_diffusion.pipeline import LatentDiffusionPipeline
from pipelines.models.latent_diffusion.spec import LatentDiffusionSettings


@pytest.mark.parametrize("method", ["conditioned", "repaint", "naive"])
def test_outside_the_mask_nothing_changes_and_inside_it_does(method: str) -> None:
    for height, width in ((128, 128), (90, 200), (300, 140)):
        whole, mask = image(height, width), blob(height, width)
        frames = run("inpainting", image=whole, mask=mask, method=method)
        for frame in frames:  # previews too
            assert np.array_equal(frame.preview[mask == 0], whole[mask == 0])
        assert not np.array_equal(frames[-1].result.pixels, whole)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "I;16"])
def test_outside_the_mask_nothing_changes_in_any_kind_of_file(mode: str) -> None:
    from PIL import Image

    deep = (
        Image.fromarray(image()[..., 0].astype(np.uint16) * 257)
        if mode == "I;16"
        else Image.fromarray(image()).convert(mode)
    )
    mask = blob()
    made = run("inpainting", image=deep, mask=mask, steps=2, method="naive")[-1].result.pixels
    assert np.array_equal(made[mask == 0], pictures.from_url(pictures.image_url(deep))[mask == 0])


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 9), (3, 3)])
def test_a_speck_can_be_blended(size: tuple[int, int]) -> None:
    mask = np.zeros((128, 128), np.uint8)
    mask[50 : 50 + size[0], 60 : 60 + size[1]] = 255
    whole = image()
    assert np.array_equal(
        run("inpainting", image=whole, mask=mask, blend=True)[-1].result.pixels[mask == 0], whole[mask == 0]
    )


def test_blending_keeps_the_outside_too() -> None:
    whole, mask = image(), np.zeros((128, 128), np.uint8)
    mask[40:80, 30:90] = 255
    plain, blended = (run("inpainting", image=whole, mask=mask, blend=b)[-1].result.pixels for b in (False, True))
    assert np.array_equal(blended[mask == 0], whole[mask == 0])
    assert not np.array_equal(plain, blended)


def test_blended_the_border_follows_what_is_around_and_the_middle_keeps_its_colours() -> None:
    whole, new = np.full((256, 256, 3), 200, np.uint8), np.full((256, 256, 3), 60, np.uint8)
    mask = np.zeros((256, 256), bool)
    mask[40:220, 40:220] = True
    laid = CropBox(0, 0, 256).lay(whole, mask, new, blend=True, feather=0).astype(int)
    assert np.array_equal(laid[~mask], whole[~mask])
    assert laid[130, 130].max() < 70 < 170 < laid[130, 42].min()


def test_a_result_can_be_made_again_from_what_it_carries() -> None:
    first = run("inpainting", image=image(), mask=blob())[-1].result
    again = run(**{"name": "inpainting", **first.settings})[-1].result
    assert np.array_equal(first.pixels, again.pixels)


def test_repaint_walks_its_zigzag_and_shows_it() -> None:
    assert repaint_schedule(6, 2, 2) == [6, 5, 4, 3, 2, 4, 3, 2, 1, 0, 2, 1, 0]
    assert repaint_schedule(5, 2, 1) == [5, 4, 3, 2, 1, 0]
    frames = run("inpainting", image=image(), mask=blob(), method="repaint", steps=6, jump=2, resamples=2)
    assert frames[0].trace["schedule"][:4] == pytest.approx([1, 5 / 6, 4 / 6, 3 / 6])
    assert len(frames) == frames[-1].trace["calls"] == 10


def test_a_renoised_state_has_the_paths_own_variance() -> None:
    torch.manual_seed(0)
    for path in samplers.SCHEDULES.values():
        x = path.a(0.3) * 2.0 + path.s(0.3) * torch.randn(40_000)
        later = renoise(x, 0.3, 0.8, path, lambda: torch.randn(40_000))
        assert later.mean().item() == pytest.approx(2 * path.a(0.8), abs=0.02)
        assert later.std().item() == pytest.approx(path.s(0.8), rel=0.02)


def test_what_is_held_follows_its_exact_path_under_every_sampler() -> None:
    z, fresh = torch.randn(1, 2, 4, 4), torch.zeros(1, 1, 4, 4)
    fresh[..., 2:] = 1
    for name, sampler in samplers.SAMPLERS.items():
        path, noise = samplers.SCHEDULES["straight"], samplers.seeded_noise(0, (2, 4, 4), 1)
        start = noise()
        for x, _, t in sampler(
            keep_known(lambda x, t: x.sin(), z, fresh), start, samplers.timesteps(6), path, noise, 0.0
        ):
            if name != "ddpm":
                assert torch.allclose(x[..., :2], (path.a(t) * z + path.s(t) * start)[..., :2], atol=1e-4)
        assert torch.allclose(x[..., :2], z[..., :2], atol=1e-6)


def test_windows_cover_the_canvas_and_equal_estimates_fuse_to_themselves() -> None:
    assert windows(16, 16) == [(0, 0)]
    assert windows(16, 30) == [(0, 0), (0, 8), (0, 14)]
    x = torch.randn(2, 3, 24, 40)
    assert torch.allclose(multidiffusion(lambda part, t: 2 * part, windows(24, 40))(x, 0.5), 2 * x, atol=1e-5)
    some = multidiffusion(lambda part, t: 2 * part, [(8, 16)])(x, 0.5)
    assert torch.allclose(some, 2 * x * coverage([(8, 16)], x), atol=1e-5)


@pytest.mark.parametrize(
    ("height", "width", "box"), [(32, 32, (0, 16, 0, 16)), (64, 64, (24, 40, 24, 40)), (16, 29, (0, 16, 5, 21))]
)
def test_rings_go_outwards_and_each_window_knows_something(
    height: int, width: int, box: tuple[int, int, int, int]
) -> None:
    unknown = np.ones((height, width), bool)
    unknown[box[0] : box[1], box[2] : box[3]] = False
    for ring in window_order(unknown):
        shares = [unknown[top : top + 16, left : left + 16].mean() for top, left in ring]
        assert all(0 < share <= 0.75 for share in shares)
        for top, left in ring:
            unknown[top : top + 16, left : left + 16] = False
    assert not unknown.any()


def test_around_a_picture_its_own_colours_run_out() -> None:
    mask = np.ones((64, 96), bool)
    mask[16:48, :32] = False
    canvas, made = (
        np.full((64, 96, 3), 120, np.uint8),
        np.full((64, 96, 3), 100, np.uint8),
    )  # made 20 too dark, the picture too
    near = match_border(canvas, mask, made, [(16, 16), (0, 64)])
    assert np.array_equal(near[16:48, :32], canvas[16:48, :32])
    assert near[30, 32, 0] >= 117 and near[30, 95, 0] == 100
    assert (np.diff(near[30, 32:, 0].astype(int)) <= 0).all()


@pytest.mark.parametrize(
    ("height", "width", "sides"),
    [(128, 128, {"right": 128}), (100, 130, {"top": 32, "left": 8}), (64, 64, {"left": 32, "right": 32, "top": 64})],
)
def test_outpainting_keeps_every_pixel_and_has_the_asked_size(height: int, width: int, sides: dict[str, int]) -> None:
    whole = image(height, width)
    sides = {"left": 0, "right": 0, "top": 0, "bottom": 0, **sides}
    frames = run("outpainting", image=whole, count=2, **sides)
    assert [f.step for f in frames] == list(range(1, frames[0].steps + 1)) and frames[0].steps % 4 == 0
    assert frames[-1].trace["calls"] == frames[0].steps
    for made in frames[-1].result:
        assert made.pixels.shape == (
            height + sides["top"] + sides["bottom"],
            width + sides["left"] + sides["right"],
            3,
        )
        kept = made.pixels[sides["top"] : sides["top"] + height, sides["left"] : sides["left"] + width]
        assert np.array_equal(kept, whole)


def test_a_variation_changes_more_with_strength_and_the_ladder_shows_nine() -> None:
    torch.manual_seed(0)
    assert len(run("variation", image=image(), strength=0.5, steps=10)) == 5
    frames = run("variation", image=image(60, 90), ladder=True)
    assert frames[-1].preview.shape == (128, 9 * 128, 3)
    assert [made.settings["strength"] for made in frames[-1].result] == pytest.approx([k / 10 for k in range(1, 10)])
    assert [f.step for f in frames] == list(range(1, frames[-1].steps + 1))
    assert (
        frames[-1].trace["calls"] == frames[-1].steps
        and frames[-1].note == "0.1 · 0.2 · 0.3 · 0.4 · 0.5 · 0.6 · 0.7 · 0.8 · 0.9"
    )
    alone = run("variation", image=pictures.from_url(frames[-1].result[4].settings["image"]), strength=0.5)[-1].result
    assert np.array_equal(alone.pixels, frames[-1].result[4].pixels)


def test_the_flow_runs_backwards_as_it_runs_forwards() -> None:
    def exact(x: torch.Tensor, t: float) -> torch.Tensor:  # E[x0 | x_t] for x0 ~ N(0.7, 0.4²)
        a, s = 1 - t, t
        return 0.7 + a * 0.16 / (a**2 * 0.16 + s**2) * (x - a * 0.7)

    path, times = samplers.SCHEDULES["straight"], samplers.timesteps(40)
    x0 = 0.7 + 0.4 * torch.randn(1000)
    x = x0
    for t, u in zip(times[::-1], times[::-1][1:], strict=False):
        x = invert_step(exact, x, t, u, path)
    assert (x - (x0 - 0.7) / 0.4).abs().mean() < 0.03
    *_, (back, _, _) = samplers.heun(exact, x, times, path, lambda: x)
    assert (back - x0).abs().mean() < 0.01


def test_editing_by_words_changes_the_picture_with_the_words() -> None:
    whole = image()
    same, other = (
        run("edit-by-words", image=whole, source="a cat", prompt=p, guidance=3.0)[-1].result.pixels
        for p in ("a cat", "a red hat")
    )
    assert same.shape == (128, 128, 3)
    assert not np.array_equal(same, other)


def test_editing_by_words_leaves_what_the_captions_agree_about(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, left = image(), torch.zeros(1, 1, 16, 16)
    left[..., :8] = 1
    monkeypatch.setattr(PromptEditPipeline, "diffedit_mask", lambda *_: left)
    made = run("edit-by-words", image=whole, source="a cat", prompt="a red hat")[-1].result.pixels
    assert np.array_equal(made[:, 72:], whole[:, 72:])
    assert (made[:, :56] != whole[:, :56]).any(2).mean() > 0.9


def test_captions_that_agree_dispute_nothing_and_others_a_part() -> None:
    pipe = load("edit-by-words")
    z, (cat, hat) = (
        torch.randn(1, 8, 16, 16),
        (pipe.base.prepare(LatentDiffusionSettings(prompt=said), [1.0]) for said in ("a cat", "a red hat")),
    )
    assert not pipe.diffedit_mask(z, cat, cat).any()
    assert 0 < pipe.diffedit_mask(z, cat, hat).mean() <= 1


def test_a_place_holds_its_mask_and_a_cut_comes_back() -> None:
    mask = np.zeros((100, 300), bool)
    mask[10:20, 250:290] = True
    place = CropBox.around(mask)
    assert (place.top, place.left, place.side) == (0, 200, 100)
    mask[:, 20:] = True
    wide = CropBox.around(mask)
    assert (wide.side, wide.left) == (300, 0)
    assert wide.cut(image(100, 300), 128).shape == (128, 128, 3)
    assert latent_mask(np.eye(16, dtype=bool), 8).squeeze().tolist() == [[1, 0], [0, 1]]


DRAWING = np.full((128, 128, 3), 255, np.uint8)
DRAWING[40:44, 20:100] = 0


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("latent-diffusion", {"sampler": "ddpm"}),
        ("variation", {"image": image(), "sampler": "ddpm"}),
        *[
            ("inpainting", {"image": image(), "mask": blob(), "method": m})
            for m in ("conditioned", "repaint", "naive")
        ],
        ("outpainting", {"image": image(100, 130), "right": 72, "top": 32, "sampler": "ddim", "eta": 0.5}),
        ("edit-by-words", {"image": image(), "source_prompt": "a dog"}),
        ("controlnet", {"control": DRAWING, "control2": image()}),
    ],
)
def test_a_picture_of_several_is_the_one_that_its_own_settings_make(
    name: str, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On machines, too, where sums of products depend on the batch's size: here they do."""
    pipe, last = load(name), 2**32 - 1
    plain = LatentDiffusionPipeline.predict_velocity
    monkeypatch.setattr(
        LatentDiffusionPipeline, "predict_velocity", lambda self, z, *rest: plain(self, z, *rest) + 0.05 * len(z)
    )
    frames = run(name, seed=last, count=3, **given)
    assert [made.settings["seed"] for made in frames[-1].result] == [last, 0, 1]
    assert len({made.pixels.tobytes() for made in frames[-1].result}) == (1 if name == "edit-by-words" else 3)
    for k, made in enumerate(frames[-1].result):
        alone = list(pipe.generate(**made.settings))
        assert made.settings["count"] == 1 and alone[-1].result.settings == made.settings
        assert alone[-1].result.file() == made.file()
        height, width = made.pixels.shape[:2]
        row, column = divmod(k, 2)
        for several, one in zip(frames, alone, strict=True):  # what develops is theirs, too
            cell = several.preview[row * height :, column * width :][:height, :width]
            assert np.array_equal(cell, one.preview)
            if k == 0:
                assert (several.note, dict(several.trace)) == (one.note, dict(one.trace))


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        (
            "inpainting",
            {"image": image(), "mask": np.zeros((128, 128), np.uint8)},
            "Nothing is painted: paint over what should change.",
        ),
        (
            "inpainting",
            {"image": image(), "mask": blob(64, 64)},
            "The mask is 64 × 64 pixels, but the picture is 128 × 128: give them the same size.",
        ),
        ("inpainting", {"image": image(), "mask": None}, "There is no mask yet; give one."),
        ("inpainting", {"mask": blob()}, "Image is missing: give one."),
        ("variation", {"image": "no/such.png"}, "The picture no/such.png is not there; check the path."),
        ("variation", {"image": image(), "strength": 0}, "Strength is 0, but should be greater than 0."),
        ("outpainting", {"image": image(), "right": 0}, "Nothing is added: choose a side to continue."),
        (
            "outpainting",
            {"image": image(), "right": 384, "left": 384},
            "768 pixels are added; at most 448 fit beside the picture.",
        ),
    ],
)
def test_bad_input_is_one_sentence(name: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        load(name).generate(**given)
    assert format_error(caught.value) == said


def test_a_photograph_that_is_too_large_is_made_smaller_before_it_is_continued() -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), dtype=np.uint8)
    result = run("outpainting", image=photograph, right=64, steps=2)[-1].result
    assert result.pixels.shape == (336, 512, 3)


def test_all_painted_is_a_new_picture() -> None:
    made = run("inpainting", image=image(), mask=np.full((128, 128), 255, np.uint8), method="naive")[-1].result.pixels
    assert np.array_equal(made, run("latent-diffusion")[-1].result.pixels)


def test_the_conditioned_model_sees_mask_and_surroundings_and_leaves_the_base_as_it_was() -> None:
    whole, mask = image(), np.zeros((128, 128), np.uint8)
    mask[32:80, 32:80] = 255

    def drawn(method: str, picture: np.ndarray) -> np.ndarray:
        return run("inpainting", image=picture, mask=mask, method=method)[-1].result.pixels

    naive = drawn("naive", whole)
    made = drawn("conditioned", whole)
    assert np.array_equal(made[mask == 0], whole[mask == 0])
    assert not np.array_equal(made, naive)
    assert not np.array_equal(drawn("conditioned", 255 - whole)[mask > 0], made[mask > 0])
    assert np.array_equal(drawn("naive", whole), naive)
