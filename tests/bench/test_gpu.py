"""The table of every model on two devices: it runs each of them, and the same device twice agrees with itself."""

from __future__ import annotations

import numpy as np
import pytest

from bench import gpu
from pipelines import catalogue
from pipelines.core.registry import get_spec


def test_every_model_runs() -> None:
    table = gpu.compare(["cpu"])
    assert set(table) == {spec.name for spec in catalogue()} - {"lora"}
    assert all(row["cpu, s"] > 0 for row in table.values())


@pytest.mark.parametrize("name", ["latent-diffusion", "audio-flow", "splatting"])
def test_the_same_device_twice_agrees_and_another_seed_does_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = get_spec(name)
    (one, *_), (two, *_) = gpu.run(spec, "cpu"), gpu.run(spec, "cpu")
    assert np.array_equal(one, two)
    monkeypatch.setitem(gpu.FEW, "seed", 3)
    assert not np.array_equal(gpu.run(spec, "cpu")[0], one)
