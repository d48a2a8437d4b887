"""Latent diffusion, with small random weights: the contract, determinism, and what its words and guidance do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pipelines import load
from pipelines.core.contract import Frame, ImageResult
from pipelines.nn.dit import Config, DiT, patchify, unpatchify

PROMPT = "a bald man in shades"


def run(**settings: Any) -> list[Frame]:
    return list(load("latent-diffusion").generate(**{"prompt": PROMPT, "steps": 4, "seed": 7, **settings}))


def test_a_frame_a_step_and_a_picture_at_the_end() -> None:
    frames = run()
    assert [f.step for f in frames] == [1, 2, 3, 4]
    assert {f.steps for f in frames} == {4}
    for frame in frames:
        assert frame.preview.shape == frame.state.shape == (128, 128, 3)
        assert frame.preview.dtype == np.uint8
        assert frame.note
    assert all(f.result is None for f in frames[:-1])
    assert isinstance(frames[-1].result, ImageResult)
    assert np.array_equal(frames[-1].result.pixels, frames[-1].preview)


@pytest.mark.parametrize("sampler", ["dpm-solver++", "heun", "euler", "ddim", "ddpm"])
def test_the_same_settings_give_the_same_bytes(sampler: str) -> None:
    first, second = (run(sampler=sampler, eta=0.5)[-1].result.file() for _ in range(2))
    assert first == second
    assert run(sampler=sampler, eta=0.5, seed=8)[-1].result.file() != first


@pytest.mark.parametrize("sampler", ["dpm-solver++", "ddpm"])
def test_a_picture_alone_is_the_picture_in_a_batch(sampler: str) -> None:
    batch = run(sampler=sampler, count=8)[-1].result
    assert len(batch) == 8
    for i in (0, 5):
        alone = run(sampler=sampler, **{k: v for k, v in batch[i].settings.items() if k in ("seed", "count")})[
            -1
        ].result
        assert np.abs(alone.pixels.astype(int) - batch[i].pixels.astype(int)).max() <= 2
        assert alone.settings == batch[i].settings


def test_guidance_one_ignores_the_negative_prompt_and_stronger_guidance_does_not() -> None:
    plain, other = (run(guidance=1.0, negative_prompt=n)[-1].result.pixels for n in ("", "a red hat"))
    assert np.array_equal(plain, other)
    plain, other = (run(guidance=4.0, negative_prompt=n)[-1].result.pixels for n in ("", "a red hat"))
    assert not np.array_equal(plain, other)


def test_guidance_holds_for_a_fraction_of_the_run_on_any_path() -> None:
    for path in ("straight", "cosine", "linear-beta"):
        frames = run(path=path, steps=10, guidance=4.0, guidance_start=0.25, guidance_end=0.65)
        assert [f.trace["weight"] for f in frames] == [1, 1, 1, 4, 4, 4, 4, 1, 1, 1]
    with pytest.raises(ValidationError, match="let it start first"):
        run(guidance_start=0.6, guidance_end=0.5)


def test_a_count_may_run_past_the_last_seed() -> None:
    batch = run(seed=2**32 - 1, count=2)[-1].result
    assert [made.settings["seed"] for made in batch] == [2**32 - 1, 0]
    assert np.abs(run(seed=0)[-1].result.pixels.astype(int) - batch[1].pixels.astype(int)).max() <= 2


def test_a_prompt_of_punctuation_has_no_words_to_map() -> None:
    assert run(prompt="!!!")[-1].trace["attention"] == []


def test_words_change_the_picture_and_each_has_a_map() -> None:
    frames = run()
    assert not np.array_equal(frames[-1].preview, run(prompt="a red apple")[-1].preview)
    assert frames[0].trace["words"] == ["a", "bald", "man", "in", "shades"]
    assert np.array(frames[0].trace["attention"]).shape == (5, 64)
    assert frames[0].trace["calls"] == 1
    assert frames[-1].trace["t"] == pytest.approx(0.25)


def test_no_words_means_unconditional() -> None:
    frames = run(prompt="  ")
    assert frames[-1].trace["words"] == frames[-1].trace["attention"] == []
    assert np.array_equal(frames[-1].preview, run(prompt="", guidance=1.0)[-1].preview)
    assert frames[0].trace["weight"] == 1  # nothing to be guided by, so no second estimate is paid for


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_picture_of_several_is_the_one_that_its_own_settings_make(dtype: str) -> None:
    pipe = load("latent-diffusion", dtype=dtype)
    several = list(pipe.generate(prompt="a bald man", steps=3, seed=5, count=3, sampler="ddpm"))[-1]
    assert several.trace["calls"] == 3
    for k, result in enumerate(several.result):
        *_, alone = pipe.generate(**result.settings)
        assert result.settings["seed"] == 5 + k and np.array_equal(alone.result.pixels, result.pixels)
        if k == 0:
            assert np.array_equal(several.trace["attention"], alone.trace["attention"])


def test_a_prompt_that_cannot_be_read_is_no_prompt_and_says_so() -> None:
    frames = run(prompt="𒀀𒀁")
    assert frames[-1].trace["unknown"] and frames[-1].trace["words"] == []
    assert np.array_equal(frames[-1].result.pixels, run(prompt="")[-1].result.pixels)


def test_a_prompt_that_is_too_long_says_what_was_cut() -> None:
    assert run(prompt="hat " * 200)[-1].trace["cut"].startswith("hat hat")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("steps", 100_000),
        ("guidance", float("nan")),
        ("seed", -1),
        ("seed", 2**70),
        ("count", 0),
        ("count", 1000),
        ("sampler", "magic"),
    ],
)
def test_bad_values_are_refused_before_any_work(field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        load("latent-diffusion").generate(**{field: value})
    assert caught.value.errors()[0]["loc"] == (field,)


def test_closing_the_generator_stops_the_run() -> None:
    frames = load("latent-diffusion").generate(prompt=PROMPT, steps=50)
    next(frames)
    frames.close()
    assert list(frames) == []


def test_a_new_transformer_predicts_zero_and_its_blocks_are_the_identity() -> None:
    torch.manual_seed(0)
    net = DiT(Config(width=32, depth=2, heads=2, words=16))
    words = net.text_kv(torch.randn(3, 16, 16))
    modulations = net.modulations(torch.rand(3), words.pooled)
    assert net(torch.randn(3, 8, 16, 16), words, modulations).abs().max() == 0
    x = torch.randn(3, 64, 32)
    assert torch.equal(net.blocks[0](x, modulations[0], words.keysvalues[0], None, None), x)


@pytest.mark.parametrize("sampler", ["dpm-solver++", "heun", "euler", "ddim", "ddpm"])
def test_a_preview_is_made_when_it_is_looked_at_and_is_the_same_later(
    sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, settings = load("latent-diffusion"), {"prompt": "a bald man", "steps": 4, "sampler": sampler}
    at_once = [(f.preview, f.state, f.trace["attention"]) for f in pipe.generate(**settings)]
    calls: list[int] = []
    preview = pipe.autoencoder.decode_preview
    monkeypatch.setattr(pipe.autoencoder, "decode_preview", lambda z: calls.append(1) or preview(z))
    frames = list(pipe.generate(**settings))
    assert not calls
    for frame, (shown, state, attention) in zip(frames, at_once, strict=True):
        assert np.array_equal(frame.preview, shown) and np.array_equal(frame.state, state)
        assert frame.trace["attention"] == attention


def test_patches_come_back() -> None:
    z = torch.randn(2, 8, 16, 16)
    assert torch.equal(unpatchify(patchify(z, 2), 2), z)


@pytest.mark.parametrize("sampler", ["dpm-solver++", "heun", "ddpm"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_branch_keeps_the_steps_before_it_and_follows_other_words_after_it(sampler: str, count: int) -> None:
    common = {"sampler": sampler, "count": count}
    plain = run(**common)
    branched = run(prompt="a green turban", first_prompt=PROMPT, branch_step=2, **common)
    same = [np.array_equal(a.state, b.state) for a, b in zip(plain, branched, strict=True)]
    assert same == [True, True, False, False]
    assert branched[1].trace["words"] == plain[1].trace["words"] != branched[2].trace["words"]
    assert [f.trace["calls"] for f in branched] == [f.trace["calls"] for f in plain]
    whole = run(prompt="a green turban", first_prompt=PROMPT, branch_step=0, **common)
    assert np.array_equal(whole[-1].preview, run(prompt="a green turban", **common)[-1].preview)


def test_at_256_pixels_previews_are_half_as_large_and_unknown_things_are_exchanged() -> None:
    *before, last = load("latent-diffusion-256").generate(prompt="a stapler and a dog", steps=3, seed=1)
    assert {f.preview.shape for f in before} == {(128, 128, 3)}
    assert last.result.pixels.shape == (256, 256, 3)
    (sentence,) = last.trace["exchanged"]
    assert sentence.startswith("It does not know “stapler”: it draws “")
    assert last.trace["words"][-1] == "dog" and "stapler" not in last.trace["words"]
    *_, known = load("latent-diffusion-256").generate(prompt="a dog", steps=3, seed=1)
    assert known.trace["exchanged"] == []
