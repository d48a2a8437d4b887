"""Guidance: what weight 1, the interval and the rescale mean."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipelines.diffusion.guidance import Guidance, with_cfg

C, U = torch.tensor([[2.0, 4.0]]), torch.tensor([[1.0, 1.0]])


def asked(guidance: Guidance, t: float = 0.5) -> tuple[Tensor, list[bool]]:
    pairs: list[bool] = []

    def estimate(x: Tensor, t: float, pair: bool) -> tuple[Tensor, Tensor | None]:
        pairs.append(pair)
        return C, U if pair else None

    return with_cfg(estimate, guidance)(torch.zeros(1, 2), t), pairs


def test_weight_one_is_the_conditional_estimate_at_half_the_cost() -> None:
    x0, pairs = asked(Guidance(1.0))
    assert torch.equal(x0, C)
    assert pairs == [False]


def test_weight_extrapolates_from_the_unconditional() -> None:
    assert torch.allclose(asked(Guidance(3.0))[0], torch.tensor([[4.0, 10.0]]))


@pytest.mark.parametrize(("t", "guided"), [(0.95, False), (0.5, True), (0.05, False)])
def test_outside_its_interval_it_rests(t: float, guided: bool) -> None:
    x0, pairs = asked(Guidance(3.0, first=0.9, last=0.1), t)
    assert pairs == [guided]
    assert torch.equal(x0, C) != guided


def test_full_rescale_restores_the_contrast_of_the_conditional() -> None:
    x0, _ = asked(Guidance(3.0, rescale=1.0))
    assert x0.std() == pytest.approx(C.std().item(), rel=1e-5)
