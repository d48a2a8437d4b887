"""Sets of latents alone are drawn part by part, and go on where they were stopped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.datasets import parts, scenes_wide


class Coder:
    """In place of an autoencoder: means of cells."""

    @staticmethod
    def encode(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(x, 16)


def draw(numbers: range) -> tuple[np.ndarray, list[dict], dict[str, np.ndarray]]:
    """Clips of two frames, each of one grey: its number."""
    greys = np.array(numbers, np.uint8)[:, None, None, None, None]
    return np.tile(greys, (1, 2, 32, 32, 3)), [{"number": n} for n in numbers], {"twice": 2 * np.array(numbers)}


def test_a_set_is_joined_from_its_parts_and_what_is_there_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DARKROOM_CACHE", str(tmp_path))
    monkeypatch.setattr(parts.autoencoder, "load", lambda **_: Coder())
    folder = tmp_path / "data" / "greys"
    parts.build("greys", [range(3)], draw)
    kept = dict(np.load(folder / "part-0.npz")) | {"twice": np.array([7, 7, 7])}
    np.savez(folder / "part-0.npz", **kept)
    parts.build("greys", [range(3), range(3, 5)], draw)
    assert np.load(folder / "twice.npy").tolist() == [7, 7, 7, 6, 8]  # the first part was not drawn again
    latents = np.load(folder / "latents.npy")
    assert latents.shape == (5, 2, 3, 2, 2) and latents.dtype == np.float16
    assert np.allclose(latents[:, 0, 0, 0, 0] * 127.5 + 127.5, range(5), atol=0.1)
    assert [json.loads(line)["number"] for line in (folder / "rows.jsonl").open()] == list(range(5))


def test_more_scenes_are_training_ones_with_their_coarse_maps() -> None:
    pictures, rows, arrays = scenes_wide.draw_part(range(30_000, 30_004))
    assert len(pictures) == len(rows) == len(arrays["map"]) and pictures.shape[1:] == (256, 256, 3)
    assert all(row["split"] == "train" for row in rows) and arrays["map"].shape[1:] == (64, 2)
