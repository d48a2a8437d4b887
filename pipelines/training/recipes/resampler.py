"""The resampler, on captions alone, before any picture: it names the attributes that an avatar's caption mentions, and
tells which sign an emoji's caption means (contrastively, against the other signs of the batch; Oord et al. 2018)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import weights
from pipelines.text import WIDTH, Resampler
from pipelines.training import data
from pipelines.training.data import captions
from pipelines.training.data.avatars import LABELS
from pipelines.training.recipes.reader import targets


class Namer(nn.Module):
    """A resampler under heads that exist only for this training."""

    def __init__(self) -> None:
        super().__init__()
        self.resampler = Resampler()
        self.heads = nn.Linear(16 * 256, sum(len(v) for v in LABELS.values()))
        self.sign = nn.Linear(16 * 256, WIDTH)

    def read(self, tokens: Tensor, mask: Tensor) -> Tensor:
        device = self.heads.weight.device
        return self.resampler(tokens.to(device), mask.to(device)).flatten(1)

    def attributes(self, tokens: Tensor, mask: Tensor) -> dict[str, Tensor]:
        logits = self.heads(self.read(tokens, mask))
        return dict(zip(LABELS, logits.cpu().split([len(v) for v in LABELS.values()], dim=1), strict=True))


class Recipe:
    name = "resampler"
    steps, lr, ema, batch = 1500, 1e-3, 0.99, 96
    look_every = 60

    def __init__(self) -> None:
        self.avatars, self.emoji = captions.load("avatars"), captions.load("emoji")
        rows = data.load("avatars").rows
        named = [set(n) for n in self.avatars.names]
        self.targets = targets([rows[i] for i in self.avatars.picture])
        for name, wanted in self.targets.items():  # what is not said cannot be known
            wanted[torch.tensor([name not in n for n in named])] = -1
        self.train = np.arange(len(named) - 2000)  # the last captions are kept to test with

    def build(self) -> Namer:
        return Namer()

    def loss(self, model: Namer, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        picks = rng.choice(self.train, self.batch * 2 // 3)
        logits = model.attributes(*self.avatars.batch(picks))
        naming = torch.stack(
            [
                F.cross_entropy(logits[k].float(), self.targets[k][picks], ignore_index=-1, reduction="sum")
                for k in LABELS
            ]
        )
        naming = naming.sum() / sum(int((self.targets[k][picks] >= 0).sum()) for k in LABELS)
        signs = (
            rng.choice(len(self.emoji.picture) // captions.EMOJI_CAPTIONS, self.batch // 3, replace=False)
            * captions.EMOJI_CAPTIONS
        )
        said, meant = (signs + k for k in rng.choice(captions.EMOJI_CAPTIONS, 2, replace=False))
        query = F.normalize(model.sign(model.read(*self.emoji.batch(said))).float().cpu(), dim=1)
        tokens, mask = self.emoji.batch(meant)
        key = F.normalize((tokens * mask[..., None]).sum(1), dim=1)  # MiniLM's own sentence embedding
        telling = F.cross_entropy(query @ key.T * 20, torch.arange(len(signs)))
        return naming + 0.5 * telling, {"naming": float(naming.detach()), "telling": float(telling.detach())}

    @torch.no_grad()
    def evaluate(self, model: Namer, folder: Path, step: int) -> dict[str, float]:
        picks = np.arange(len(self.avatars.picture) - 2000, len(self.avatars.picture))
        read = [
            {k: v.argmax(1) for k, v in model.attributes(*self.avatars.batch(part)).items()}
            for part in np.split(picks, 10)
        ]
        found = {}
        for name in LABELS:
            wanted = self.targets[name][picks]
            said = wanted >= 0
            found[name] = round((torch.cat([r[name] for r in read])[said] == wanted[said]).float().mean().item(), 3)
        return found

    def export(self, model: Namer, record: dict) -> None:
        about = {"measured": "share of the named attributes that are read from 2,000 held-out captions", **record}
        weights.save(self.name, model.resampler, {}, about, data.cache_dir() / "weights")
