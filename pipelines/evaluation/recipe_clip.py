"""The eye: CLIP (Radford et al. 2021) by open_clip on avatars and emoji; the text tower is MiniLM, frozen, under a
trained projection, so its pooled features are read once from the captions of the cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import datasets as data
from pipelines.datasets import captions
from pipelines.evaluation.metrics import EYE, build_eye, trained_tensors
from pipelines.nn import weights
from pipelines.nn.pixels import to_tensor


class Recipe:
    name = "eye"
    steps, lr, ema, batch = 3000, 1e-3, 0.998, 128
    look_every, weight_decay = 180, 0.1

    def __init__(self) -> None:
        self.sets = {n: (captions.load(n), data.load(n).images) for n in ("avatars", "emoji")}
        self.pooled = {n: self.pool(c) for n, (c, _) in self.sets.items()}
        self.validation = {n: np.arange(len(c.picture))[-256:] for n, (c, _) in self.sets.items()}

    @staticmethod
    def pool(texts: captions.Captions) -> np.ndarray:
        """Mean token feature of every caption, as open_clip's mean pooler makes it."""
        sums = np.add.reduceat(texts.tokens.astype(np.float32), texts.start[:-1], axis=0)
        return sums / np.diff(texts.start)[:, None].astype(np.float32)

    def build(self) -> nn.Module:
        return build_eye()

    def pair(self, model: nn.Module, name: str, picks: np.ndarray) -> tuple[Tensor, Tensor]:
        texts, images = self.sets[name]
        order = np.argsort(texts.picture[picks])
        picks = picks[order]
        device = model.logit_scale.device
        x = to_tensor(images[texts.picture[picks]]).to(device)
        words = model.text.proj(torch.from_numpy(self.pooled[name][picks]).to(device))
        return F.normalize(model.visual(x), dim=1), F.normalize(words, dim=1)

    def loss(self, model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        name = (
            "avatars" if rng.random() < 0.6 else "emoji"
        )  # whole batches of one kind: the other kind is no hard negative
        texts = self.sets[name][0]
        picks = rng.choice(len(texts.picture) - 256, self.batch, replace=False)
        picks = picks[np.unique(texts.picture[picks], return_index=True)[1]]
        image, words = self.pair(model, name, picks)
        logits = image @ words.T * model.logit_scale.exp().clamp(max=100)
        target = torch.arange(len(picks), device=logits.device)
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2, {}

    @torch.no_grad()
    def evaluate(self, model: nn.Module, folder: Path, step: int) -> dict[str, float]:
        """Of 64 captions each, how often the right one is nearest to the picture."""
        found = {}
        for name, picks in self.validation.items():
            texts = self.sets[name][0]
            picks = picks[np.unique(texts.picture[picks], return_index=True)[1]][:64]
            image, words = self.pair(model, name, picks)
            found[f"top1_of_{len(picks)}_{name}"] = round(
                (image @ words.T).argmax(1).cpu().eq(torch.arange(len(picks))).float().mean().item(), 3
            )
        return found

    def export(self, model: nn.Module, record: dict) -> None:
        about = {
            "data": "avatars and emoji, training splits",
            "licence": "MIT; the text tower, MiniLM (Apache 2.0), is not included",
            **record,
        }
        weights.save(self.name, trained_tensors(model), EYE, about)
