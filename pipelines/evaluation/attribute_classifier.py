"""A small convolutional reader of avatar attributes: the instrument that answers "did it draw what was asked"."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from pipelines.nn.residual import Residual


class AttributeClassifier(nn.Module):
    """Reads every attribute of an avatar. Avatars share one pose, so the head keeps positions.

    `labels` maps an attribute to its values in order, as in pipelines.datasets.avatars.LABELS.
    """

    def __init__(self, labels: dict[str, list[str]], width: int = 48) -> None:
        super().__init__()
        self.labels = labels
        self.stem = nn.Conv2d(3, width, 6, stride=4, padding=1)
        self.stage1 = nn.Sequential(Residual(width))
        self.down1 = nn.Conv2d(width, 2 * width, 2, stride=2)
        self.stage2 = nn.Sequential(Residual(2 * width), Residual(2 * width))
        self.down2 = nn.Conv2d(2 * width, 3 * width, 2, stride=2)
        self.stage3 = nn.Sequential(
            Residual(3 * width), nn.GroupNorm(8, 3 * width), nn.SiLU(), nn.Conv2d(3 * width, 64, 1)
        )
        self.hidden = nn.Linear(64 * 64, 256)
        self.heads = nn.Linear(256, sum(len(values) for values in labels.values()))

    def features(self, x: Float[Tensor, "b 3 128 128"]) -> list[Tensor]:
        """Features at 32, 16 and 8 pixels, the coarsest with 64 channels. Pictures lie in [-1, 1]."""
        h1 = self.stage1(self.stem(x))
        h2 = self.stage2(self.down1(h1))
        return [h1, h2, self.stage3(self.down2(h2))]

    def forward(self, x: Float[Tensor, "b 3 128 128"]) -> dict[str, Float[Tensor, "b _"]]:
        """Logits of every attribute."""
        logits = self.heads(F.silu(self.hidden(self.features(x)[-1].flatten(1))))
        sizes = [len(values) for values in self.labels.values()]
        return dict(zip(self.labels, logits.split(sizes, dim=1), strict=True))
