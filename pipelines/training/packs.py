"""Packs: all that a recipe needs to train on a machine that has a GPU and nothing else, in at most 60 MiB.

    python -m pipelines.training pack latent_diffusion            # here: writes pack/latent_diffusion
    python -m pipelines.training latent_diffusion --pack pack/latent_diffusion --device cuda --minutes 8   # there

A pack holds latents as int8, captions as the resampler reads them, brought to fewer numbers by principal components,
the weights so far, and whatever else the recipe asks for. Training from one imports neither pydantic nor a text
encoder; docs/gpu.md says more.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

LIMIT = 60 * 2**20  # bytes
STEP = (
    0.16  # of a quantised latent, whose standard deviation is 1: a tenth of what the decoder's training adds as noise
)


def quantise(x: np.ndarray, step: float = STEP) -> np.ndarray:
    """Numbers near [-20, 20] as int8 multiples of a step."""
    return np.clip(np.round(x.astype(np.float32) / step), -127, 127).astype(np.int8)


@dataclass
class LowRank:
    """Rows (n, d) as int8 coordinates (n, rank) in a basis (rank, d) around a mean (d,)."""

    codes: np.ndarray
    basis: np.ndarray
    mean: np.ndarray

    @staticmethod
    def fit(rows: np.ndarray, rank: int, sample: int = 12_000) -> LowRank:
        """Principal components of a sample of the rows; each coordinate has its own step, which the basis carries."""
        torch.manual_seed(0)
        some = torch.from_numpy(rows[:: max(len(rows) // sample, 1)].astype(np.float32))
        mean = some.mean(0)
        _, _, basis = torch.svd_lowrank(some - mean, min(rank, *some.shape), niter=4)
        coordinates = np.concatenate(
            [(part - mean.numpy()) @ basis.numpy() for part in np.array_split(rows, len(rows) // 4096 + 1)]
        )
        step = np.abs(coordinates).max(0) / 127 + 1e-9
        codes = np.round(coordinates / step).astype(np.int8)
        return LowRank(codes, (basis.numpy() * step).T.astype(np.float16), mean.numpy().astype(np.float16))

    def error(self, rows: np.ndarray) -> float:
        """The share of the rows' variance that is lost."""
        back = self.codes.astype(np.float32) @ self.basis.astype(np.float32) + self.mean.astype(np.float32)
        return float(np.square(back - rows).sum() / np.square(rows - rows.mean(0, dtype=np.float32)).sum())


def write_pack(folder: Path, arrays: dict[str, np.ndarray]) -> int:
    """Write arrays, compressed, one file each; the number of bytes of all.

    Raises ValueError where they are too many.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.npz"):
        old.unlink()
    for name, array in arrays.items():
        np.savez_compressed(folder / f"{name}.npz", array)
    size = sum(path.stat().st_size for path in folder.glob("*.npz"))
    if size > LIMIT:
        raise ValueError(
            f"The pack has {size / 2**20:.1f} MiB, more than the {LIMIT // 2**20} that may travel: pack fewer pictures."
        )
    return size


def read_pack(folder: Path) -> dict[str, np.ndarray]:
    """What `write` wrote, by name. Raises FileNotFoundError where there is no pack."""
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise FileNotFoundError(f"There is no pack in {folder}: make one with python -m pipelines.training pack NAME")
    return {path.stem: np.load(path)["arr_0"] for path in files}


def flat_weights(tensors: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """Floating-point tensors as fp16 arrays, named for a pack."""
    return {f"weights.{k}": v.half().cpu().numpy() for k, v in tensors.items() if v.is_floating_point()}


def weights_in(arrays: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """And back; empty where the pack has none."""
    return {
        k.removeprefix("weights."): torch.from_numpy(v).float() for k, v in arrays.items() if k.startswith("weights.")
    }
