"""A small convolutional listener: the instrument that answers "does it play what was asked", and in whose features
sounds are compared."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from pipelines.nn.residual import Residual


class Listener(nn.Module):
    """Families of instruments from log-mel spectrograms of any length; a sound's features are the mean over its time
    and pitch."""

    def __init__(self, families: list[str], width: int = 32) -> None:
        super().__init__()
        self.families = families
        self.stem = nn.Conv2d(1, width, 4, stride=4)
        self.body = nn.Sequential(
            Residual(width),
            nn.Conv2d(width, 2 * width, 2, stride=2),
            Residual(2 * width),
            nn.Conv2d(2 * width, 4 * width, 2, stride=2),
            Residual(4 * width),
            nn.GroupNorm(8, 4 * width),
            nn.SiLU(),
        )
        self.head = nn.Linear(4 * width, len(families))

    def features(self, mel: Float[Tensor, "b n bands"]) -> Float[Tensor, "b d"]:
        """Of log10 mel spectrograms as `sounds.log_mel` makes them; the level of the whole does not count."""
        mel = mel - mel.amax((1, 2), keepdim=True)
        return self.body(self.stem(mel.clamp_min(-4)[:, None])).mean((2, 3))

    def forward(self, mel: Float[Tensor, "b n bands"]) -> Float[Tensor, "b k"]:
        """Logits of every family."""
        return self.head(F.silu(self.features(mel)))
