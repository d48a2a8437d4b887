"""Reflow: its times, its loss, what it merges into the base, and pictures in few steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pipelines import load
from pipelines.models.lora.adapter import LoRA, applied, factorise, merge
from pipelines.models.rectified_flow.few_step import FewStepPipeline
from pipelines.models.rectified_flow.recipe_reflow import pseudo_huber, sample_u_shaped_times


def test_times_are_sample_u_shaped_times_and_many_are_the_first() -> None:
    torch.manual_seed(0)
    t = sample_u_shaped_times(20_000)
    assert t.min() >= 0 and t.max() == 1
    assert abs((t == 1).float().mean().item() - 0.3) < 0.02
    inner = t[t < 1]
    ends, middle = ((inner < 0.2) | (inner > 0.8)).float().mean(), ((inner > 0.3) & (inner < 0.7)).float().mean()
    assert ends > 2 * middle
    assert abs(inner.mean().item() - 0.5) < 0.02  # as many near pictures as near noise


def test_pseudo_huber_is_a_distance_far_away_and_a_square_near() -> None:
    zero = torch.zeros(1, 4, 16, 16)
    c = 0.00054 * zero[0].numel() ** 0.5
    far, near = zero.clone(), zero.clone()
    far[0, 0, 0, 0], near[0, 0, 0, 0] = 1000.0, 0.001
    assert pseudo_huber(far, zero).item() == pytest.approx(1000 - c, rel=1e-3)
    assert pseudo_huber(near, zero).item() == pytest.approx(0.001**2 / (2 * c), rel=1e-2)


def learnt(net: torch.nn.Module) -> LoRA:
    torch.manual_seed(1)
    lora = LoRA(net, 2)
    for b in lora.up:
        torch.nn.init.normal_(b, std=0.05)
    return lora.requires_grad_(False)


@torch.no_grad()
def test_merged_weights_give_what_the_lora_gives_beside_them() -> None:
    net = load("latent-diffusion-256", dtype="float32").transformer
    lora, z, captions = learnt(net), torch.randn(2, 4, 16, 16), torch.randn(2, 16, 64)

    def velocity(one: torch.nn.Module) -> torch.Tensor:
        words = one.text_kv(captions)
        return one(z, words, one.modulations(torch.full((2,), 0.7), words.pooled))

    before = velocity(net)
    with applied(net, [(lora, 1.0)]):
        beside = velocity(net)
    assert torch.allclose(velocity(merge(net, lora)), beside, atol=1e-4)
    assert torch.equal(velocity(net), before)  # the base stays as it was
    assert not torch.allclose(beside, before, atol=1e-3)
    again = factorise(net, merge(net, lora), 2)  # what was merged had rank 2
    with applied(net, [(again, 1.0)]):
        assert torch.allclose(velocity(net), beside, atol=1e-3)


def test_few_steps_are_as_many_calls_and_begin_with_the_bases_noise() -> None:
    pipe = FewStepPipeline()
    for steps in (1, 2, 4):
        *_, last = pipe.generate(prompt="a dog", seed=3, steps=steps, layout="none")
        assert last.trace["calls"] == steps
        assert last.result.pixels.shape == (256, 256, 3)
        assert last.result.settings["steps"] == steps and last.result.model == "few-step"
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        pipe.generate(prompt="a dog", guidance=4)


def test_a_run_in_few_steps_is_the_same_alone_and_among_several(tmp_path: Path) -> None:
    pipe = FewStepPipeline()
    *_, alone = pipe.generate(prompt="a dog", seed=4, steps=2)
    *_, both = pipe.generate(prompt="a dog", seed=3, steps=2, count=2)
    assert np.array_equal(both.result[1].pixels, alone.result.pixels)
