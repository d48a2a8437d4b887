"""Bundles of weights: whole, split under 10 MB, and refused with one sentence when they are not whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from pipelines.core.cards import WeightsError, card
from pipelines.nn import weights


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    weights.save("small", nn.Linear(8, 4), {"width": 8}, {"licence": "MIT"}, tmp_path)
    return tmp_path


def test_round_trip_in_fp16(bundle: Path) -> None:
    tensors, about = weights.load_bundle("small", bundle)
    torch.manual_seed(0)
    assert torch.allclose(tensors["weight"], nn.Linear(8, 4).weight, atol=1e-3)
    assert (about["config"], about["parameters"], about["licence"]) == ({"width": 8}, 36, "MIT")


def test_a_large_model_goes_into_several_files_under_ten_megabytes(tmp_path: Path) -> None:
    weights.save("large", nn.Sequential(*[nn.Linear(1500, 1500) for _ in range(4)]), {}, {}, tmp_path)
    files = list(tmp_path.glob("*.safetensors"))
    assert len(files) == 2
    assert all(f.stat().st_size <= 10_000_000 for f in files)
    tensors, _ = weights.load_bundle("large", tmp_path)
    assert len(tensors) == 8


def test_missing_truncated_and_altered_files_are_refused_by_name(bundle: Path) -> None:
    file = bundle / "small.safetensors"
    whole = file.read_bytes()
    for harm in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[:50], b""):
        file.write_bytes(harm)
        with pytest.raises(WeightsError, match=r"small\.safetensors .*restore it with git checkout"):
            weights.load_bundle("small", bundle)
    file.unlink()
    with pytest.raises(WeightsError, match=r"small\.safetensors is missing"):
        weights.load_bundle("small", bundle)


def test_a_file_that_is_no_safetensors_is_refused_even_with_a_matching_checksum(bundle: Path) -> None:
    import hashlib

    (bundle / "small.safetensors").write_bytes(b"not weights")
    about = json.loads((bundle / "small.json").read_text())
    about["files"]["small.safetensors"] = hashlib.sha256(b"not weights").hexdigest()
    (bundle / "small.json").write_text(json.dumps(about))
    with pytest.raises(WeightsError, match="not a safetensors file"):
        weights.load_bundle("small", bundle)


def test_missing_and_broken_cards_are_refused(bundle: Path) -> None:
    with pytest.raises(WeightsError, match="'absent' are missing"):
        card("absent", bundle)
    (bundle / "small.json").write_text("{")
    with pytest.raises(WeightsError, match=r"small\.json cannot be read"):
        card("small", bundle)


def test_weights_of_another_shape_are_refused(bundle: Path) -> None:
    tensors, _ = weights.load_bundle("small", bundle)
    with pytest.raises(WeightsError, match="do not fit their model"):
        weights.load_into(nn.Linear(9, 4), tensors, "small")


def test_the_cache_forgets_the_least_recently_used() -> None:
    weights.unload()
    built: list[int] = []
    for key in [*range(weights.MAX_CACHED), 0, weights.MAX_CACHED, 0, 1]:
        weights.cached(key, lambda key=key: built.append(key) or key)
    weights.unload()
    assert built == [*range(weights.MAX_CACHED), weights.MAX_CACHED, 1]
