"""The loop: a run that was stopped and resumed is the run that was not. Seconds only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipelines.training import loop
from pipelines.training.muon import orthogonalise


class Line:
    """Fits a line by a two-layer network, with dropout so that the random state matters."""

    name, steps, lr, ema, batch, muon = "line", 12, 1e-2, 0.9, 4, True

    def __init__(self) -> None:
        self.exported: dict[str, Tensor] = {}

    def build(self) -> nn.Module:
        return nn.ModuleDict({"blocks": nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.2), nn.Linear(8, 1))})

    def loss(self, model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        x = torch.from_numpy(rng.standard_normal((4, 3))).float()
        return (model["blocks"](x) - x.sum(1, keepdim=True)).square().mean(), {}

    def evaluate(self, model: nn.Module, folder: Path, step: int) -> dict[str, float]:
        return {"steps": float(step)}

    def export(self, model: nn.Module, record: dict) -> None:
        self.exported = {k: v.clone() for k, v in model.state_dict().items()}
        assert record["metrics"] == {"steps": float(record["steps"])}


def test_resume_is_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_CACHE", str(tmp_path / "whole"))
    whole = Line()
    loop.train(whole, 12, 1.0)

    monkeypatch.setenv("DARKROOM_CACHE", str(tmp_path / "parts"))
    monkeypatch.setattr(
        loop, "lr_factor", lambda step, done, warmup: 1.0
    )  # the schedule looks at the end, which differs here
    first, second = Line(), Line()
    loop.train(first, 5, 1.0)
    loop.train(second, 12, 1.0)
    monkeypatch.setenv("DARKROOM_CACHE", str(tmp_path / "constant"))
    constant = Line()
    loop.train(constant, 12, 1.0)
    for key, value in constant.exported.items():
        assert torch.equal(value, second.exported[key])
        assert not torch.equal(value, first.exported[key])
        assert not torch.equal(value, whole.exported[key])


def test_the_rate_warms_up_and_cools_down() -> None:
    assert loop.lr_factor(0, 0.0) < 0.01
    assert loop.lr_factor(5000, 0.5) == 1
    assert loop.lr_factor(5000, 0.9) == pytest.approx(0.5)
    assert loop.lr_factor(9_990, 0.999) == pytest.approx(0.02)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (12, 12)])
def test_muon_brings_singular_values_near_one(shape: tuple[int, int], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape), steps=5, dtype=dtype))
    assert values.min() > 0.5
    assert values.max() < 1.3
