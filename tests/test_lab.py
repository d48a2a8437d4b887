"""Every experiment answers, and its verdict has the direction that the committed text of it has."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from app import lab
from pipelines.diffusion.samplers import SCHEDULES
from pipelines.lab import EXPERIMENTS
from pipelines.lab.mixtures import Mixture, energy_distance, ring, two

# what was found with five seeds each: whether the claim holds
FOUND = {
    "terminal-snr": False, "equal-calls": True, "error-split": True, "guidance": True, "sdedit-cliff": False,
    "few-steps": False, "lora-rank": True, "zero-gate": True, "residual-quantiser": True, "scale-mask": True,
    "frechet-bias": True, "matched-moments": True, "memoriser": True, "elo-order": True, "player-speed": True,
    "blur": False, "frames": True, "splat-start": False, "reflow": True, "seam": True,
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_the_verdict_is_the_known_one(name: str) -> None:
    one = EXPERIMENTS[name]
    begun = time.perf_counter()
    findings = one.run(one.controls(seed=1))
    first = next(findings)
    assert first.holds is None and len(first.x) >= 1
    last = first
    for last in findings:
        assert all(len(values) == len(last.x) for values in last.series.values())
    assert last.holds is FOUND[name] and last.text.endswith(".")
    assert np.isfinite([v for values in last.series.values() for v in values]).all()
    assert time.perf_counter() - begun < 60


def test_every_experiment_is_known_or_needs_weights() -> None:
    assert set(EXPERIMENTS) - set(FOUND) == {"beta", "psi"}  # whose figures are those of the bundled weights


def test_the_best_denoiser_is_the_mean_of_what_could_have_been() -> None:
    """Against a mean over many samples of the data, weighted by how likely each made x_t."""
    data, path, t = Mixture(torch.tensor([[-1.0, 0.0], [1.0, 0.5]]), 0.4), SCHEDULES["cosine"], 0.6
    generator = torch.Generator().manual_seed(0)
    x0, x = data.draw(400_000, generator), torch.tensor([[0.3, -0.2]])
    weights = (-(x - path.a(t) * x0).square().sum(1) / (2 * path.s(t) ** 2)).softmax(0)
    assert torch.allclose(data.denoise(x, t, path)[0], weights @ x0, atol=0.01)


def test_the_energy_distance_is_nothing_for_the_same_and_grows() -> None:
    one, same, other = (
        d.draw(2000, torch.Generator().manual_seed(k)) for k, d in ((0, ring()), (1, ring()), (2, ring(4)))
    )
    assert abs(energy_distance(one, same)) < 0.01 < energy_distance(one, other)
    assert two().draw(10, torch.Generator()).shape == (10, 1)


def test_the_page_is_given_a_finding_as_it_grows() -> None:
    described = {one["name"]: one for one in lab.list_experiments([])["experiments"]}
    assert set(described) == set(EXPERIMENTS)
    control = described["error-split"]["controls"][1]
    assert (control["name"], control["low"], control["high"], control["value"]) == ("error", 0, 0.5, 0.15)
    token = lab.begin_experiment(["zero-gate", {"seed": 0}])["token"]
    found = lab.go_on([token])
    while not found["over"]:
        found = lab.go_on([token])
    assert found["holds"] is True and "error" in lab.go_on([token])


@pytest.mark.parametrize(
    "given",
    [[], ["nothing", {}], ["beta"], ["guidance", {"steps": 1e9}], ["guidance", {"other": 1}], ["guidance", None]],
)
def test_nonsense_is_answered_in_a_sentence(given: list) -> None:
    assert lab.begin_experiment(given)["error"].endswith(".")
    assert lab.go_on(given)["error"].endswith(".")
