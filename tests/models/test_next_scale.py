"""Next-scale prediction: the quantiser loses little and no scale is idle; the transformer is causal across scales;
a branch keeps what is coarse."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from pipelines import load
from pipelines.models.latent_diffusion.network import LatentDiffusion
from pipelines.models.next_scale.network import NextScale, sample_codes
from pipelines.models.next_scale.quantize import LEVELS, PATCH, SIDES, MultiScaleQuantizer, fit_levels
from pipelines.models.next_scale.sampling import sample
from pipelines.models.next_scale.spec import NextScaleSettings
from pipelines.nn.dit import Config

CONFIG = Config(channels=4, width=32, depth=2, heads=2, words=16, queries=4, convolution=True)


def latents(n: int, seed: int = 0) -> Tensor:
    """Pictures of a few waves: what neighbours share."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(n, 4, 4, 4, generator=generator)
    fine = torch.nn.functional.interpolate(coarse, (16, 16), mode="bicubic")
    return fine + 0.2 * torch.randn(n, 4, 16, 16, generator=generator)


@pytest.fixture(scope="module")
def model() -> NextScale:
    torch.manual_seed(0)
    net = NextScale(CONFIG)
    for parameter in net.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    net.quantizer.fit(latents(64))
    return net.eval().requires_grad_(False)


def test_levels_are_those_of_least_error() -> None:
    levels = fit_levels(torch.randn(100_000, generator=torch.Generator().manual_seed(0)), 4)
    assert levels.tolist() == pytest.approx([-1.51, -0.453, 0.453, 1.51], abs=0.03)  # Max 1960, table I


def test_every_scale_leaves_less_and_the_last_almost_nothing() -> None:
    quantizer, z = MultiScaleQuantizer(4), latents(64, seed=1)
    quantizer.fit(latents(256))
    totals = [total for total, _ in quantizer.encode(z)] + [quantizer(z)]
    errors = [(z - total).square().mean().item() for total in totals]
    assert all(after < 0.95 * before for before, after in zip(errors, errors[1:], strict=False))
    assert errors[-1] < 0.02 * errors[0]


def test_most_levels_are_in_use_on_pictures_it_was_not_fitted_to() -> None:
    quantizer = MultiScaleQuantizer(4)
    quantizer.fit(latents(256))
    for _, codes in quantizer.encode(latents(64, seed=1)):
        share = torch.bincount(codes.flatten(), minlength=LEVELS) / codes.numel()
        assert (-(share * share.clamp_min(1e-9).log()).sum()).exp() > 0.6 * LEVELS
        assert (share > 0).all()


def test_altered_codes_are_mended_by_what_comes_after() -> None:
    quantizer, z = MultiScaleQuantizer(4), latents(64, seed=1)
    quantizer.fit(latents(256))
    torch.manual_seed(0)
    *_, (total, codes) = quantizer.encode(z, noise=1.0)
    assert not torch.allclose(total, list(quantizer.encode(z))[-1][0])
    final = total + quantizer.decode(codes, len(SIDES) - 1)
    assert (z - final).square().mean() < 0.5 * (z - total).square().mean()


def test_finer_scales_do_not_move_the_odds_of_coarser_ones(model: NextScale) -> None:
    caption = torch.randn(2, 4, 16)
    totals = [total for total, _ in model.quantizer.encode(latents(2))]
    before = model(totals, caption)
    after = model([*totals[:3], *(total + torch.randn_like(total) for total in totals[3:])], caption)
    for k in range(3):
        assert torch.equal(before[k], after[k])
    assert not torch.allclose(before[3], after[3])


def test_scale_by_scale_with_a_cache_is_all_at_once(model: NextScale) -> None:
    caption, cache = torch.randn(2, 4, 16), []
    totals = [total for total, _ in model.quantizer.encode(latents(2))]
    together, prefix = model(totals, caption), model.read(caption)
    for k, total in enumerate(totals):
        alone, cache = model.predict(total, k, prefix, cache)
        assert alone.shape == (2, PATCH * SIDES[k], PATCH * SIDES[k], 4, LEVELS)
        assert torch.allclose(alone, together[k], atol=1e-4)


def test_the_base_gives_what_fits() -> None:
    whole, net = LatentDiffusion(CONFIG), NextScale(CONFIG)
    net.begin_as(whole)
    base = whole.transformer
    assert torch.equal(net.transformer.blocks[0].qkv.weight, base.blocks[0].qkv.weight)
    assert torch.equal(net.transformer.position[net.places(5)], base.position)
    assert torch.allclose(net.transformer.position[0], base.position.mean(0), atol=1e-6)


def test_dice_fall_by_the_odds() -> None:
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0]).expand(1, 200, 200, 1, 4)
    codes, entropy = sample_codes(logits, 1.0, 9, 1.0, torch.Generator().manual_seed(0))
    odds = logits[0, 0, 0, 0].softmax(0)
    assert torch.allclose(torch.bincount(codes.flatten(), minlength=4) / 40_000, odds, atol=0.01)
    assert entropy == pytest.approx(-(odds * odds.log2()).sum().item(), abs=1e-4)


@pytest.mark.parametrize(("temperature", "top_k", "top_p"), [(1.0, 1, 1.0), (1.0, 9, 1e-6), (1e-4, 9, 1.0)])
def test_the_likeliest_is_chosen_where_nothing_else_may(temperature: float, top_k: int, top_p: float) -> None:
    logits = torch.randn(2, 4, 4, 3, 5, generator=torch.Generator().manual_seed(0))
    codes, entropy = sample_codes(logits, temperature, top_k, top_p, torch.Generator().manual_seed(0))
    assert torch.equal(codes, logits.argmax(-1)) and entropy == pytest.approx(0, abs=1e-6)


def test_one_batch_is_learnt_by_heart() -> None:
    torch.manual_seed(0)
    net, z, caption = NextScale(CONFIG), latents(4), torch.randn(4, 4, 16)
    net.quantizer.fit(latents(64))
    optimiser, losses = torch.optim.AdamW(net.parameters(), lr=3e-3), []
    for _ in range(60):
        loss = net.loss(z, caption, 0.0).mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(math.log2(LEVELS), abs=0.01)
    assert losses[-1] < 0.75 * losses[0]


def draw(**values: object) -> list[np.ndarray]:
    """Previews of a run's scales."""
    return [np.asarray(frame.preview) for frame in load("next-scale").generate(**values)]


def test_six_scales_grow_a_picture() -> None:
    *_, last = frames = list(load("next-scale").generate(prompt="a dog", seed=3))
    assert len(frames) == len(SIDES) and last.result.image.size == (256, 256)
    assert len(last.trace["entropies"]) == len(SIDES) and np.isfinite(last.trace["entropies"]).all()
    assert np.array_equal(draw(prompt="a dog", seed=3)[-1], last.preview)


def test_a_branch_keeps_the_coarse_scales() -> None:
    whole = draw(prompt="a dog", seed=3)
    branched = draw(prompt="a dog", first_prompt="a dog", seed=3, branch_step=3, branch_seed=4)
    assert all(np.array_equal(a, b) for a, b in zip(whole[:3], branched[:3], strict=True))
    assert not np.array_equal(whole[-1], branched[-1])
    same = draw(prompt="a dog", first_prompt="a dog", seed=3, branch_step=3, branch_seed=3)
    assert np.array_equal(whole[-1], same[-1])


def test_a_picture_of_several_is_the_one_that_its_seed_makes() -> None:
    *_, last = load("next-scale").generate(prompt="a dog", seed=3, count=2)
    assert [result.settings["seed"] for result in last.result] == [3, 4]
    assert np.array_equal(last.result[1].pixels, draw(prompt="a dog", seed=4)[-1])


@pytest.mark.parametrize(
    "values", [{"temperature": 0}, {"temperature": 100}, {"top_k": 0}, {"top_p": 0}, {"branch_step": 6}]
)
def test_odds_that_there_are_not_are_refused(values: dict) -> None:
    with pytest.raises(ValidationError):
        NextScaleSettings(**values)


def test_what_is_known_is_kept_to_the_quantisers_error(model: NextScale) -> None:
    clean, mask = latents(1), torch.zeros(1, 1, 16, 16)
    mask[..., 4:12, 4:12] = 1
    *_, (total, _) = sample(model, torch.randn(1, 4, 16), clean=clean, mask=mask)
    error = (total - clean).square().mean(1, keepdim=True)
    quantised = (model.quantizer(clean) - clean).square().mean()
    assert error[mask == 0].median() < 3 * quantised  # beside the mask coarse cells reach over
    assert error[mask == 0].mean() < 0.1 * error[mask == 1].mean()
