"""The depth reader: the scenes' true layers from their latents, by absolute error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import datasets as data
from pipelines.datasets import latents
from pipelines.models.controlnet.depth import DepthReader
from pipelines.nn import weights


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's, of two maps; ties have the mean of their ranks, so flat areas are no noise."""

    def ranks(x: np.ndarray) -> np.ndarray:
        _, index, counts = np.unique(x.ravel(), return_inverse=True, return_counts=True)
        ends = counts.cumsum()
        return ((ends - counts + ends - 1) / 2)[index]

    x, y = ranks(a), ranks(b)
    return 0.0 if x.std() == 0 or y.std() == 0 else float(np.corrcoef(x, y)[0, 1])


class Recipe:
    name = "depth"
    steps, lr, ema, batch = 4000, 2e-3, 0.995, 48
    weight_decay, look_every = 0.01, 120

    def __init__(self) -> None:
        self.set = data.load("scenes")
        self.z = latents.load("scenes")
        self.depth = np.load(data.cache_dir() / "data" / "scenes" / "depth.npy", mmap_mode="r")  # 255 is the sky
        self.train, self.test = self.set.split("train"), self.set.split("test")[:256]

    def build(self) -> nn.Module:
        return DepthReader(self.z.shape[1])

    def pair(self, picks: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
        """Latents of some scenes, and how near everything is."""
        z = torch.from_numpy(self.z[picks].astype(np.float32)).to(device)
        return z, 1 - torch.from_numpy(self.depth[picks].astype(np.float32)).to(device) / 255

    def loss(self, model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        z, near = self.pair(np.sort(rng.choice(self.train, self.batch)), next(model.parameters()).device)
        z = z + 0.15 * torch.randn_like(z) * torch.rand(len(z), 1, 1, 1, device=z.device)  # as what is drawn is soft
        read = model.logits(z).float()
        error = (read.sigmoid() - near).abs().mean()
        return error + 0.1 * F.binary_cross_entropy_with_logits(read, near), {"error": error.detach()}

    @torch.no_grad()
    def evaluate(self, model: DepthReader, folder: Path, step: int) -> dict[str, float]:
        """Error and rank correlation on held-out scenes, and a sheet: true above read."""
        z, near = self.pair(self.test, next(model.parameters()).device)
        read = model(z).cpu().numpy()
        true = near.cpu().numpy()
        rows = [np.repeat((255 * part[:16, ..., None]).round().astype(np.uint8), 3, 3) for part in (true, read)]
        data.contact_sheet(np.concatenate(rows), columns=16).save(folder / f"sheet-{step:06d}.png")
        ranked = [rank_correlation(a.round(2), b.round(2)) for a, b in zip(true, read, strict=True)]
        return {
            "error": round(float(np.abs(read - true).mean()), 4),
            "rank_correlation": round(float(np.mean(ranked)), 4),
        }

    def export(self, model: nn.Module, record: dict) -> None:
        weights.save(self.name, model, {"channels": self.z.shape[1]}, {
            "data": "scenes, training split: latents and true layers",
            "licence": "MIT; trained on scenes of Fluent Emoji (MIT)",
            "measured": "mean absolute error, and Spearman's rank correlation, on 256 held-out scenes",
            **record,
        }, data.cache_dir() / "weights")  # fmt: skip
