"""A reader of scenes: a small detector of things as points (CenterNet; Zhou et al. 2019) and a classifier of what they
stand in."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from pipelines.nn.residual import Bottleneck


@dataclass(frozen=True)
class Detection:
    """One thing that was found: values of its labels, its middle in [0, 1] across and down, and how sure it is
    there."""

    labels: dict[str, str]
    x: float
    y: float
    score: float


class SceneReader(nn.Module):
    """A trunk to 8 x 8, brought back to 32 x 32 (feature pyramid; Lin et al. 2017), with three kinds of heads.

    `thing_labels` maps what is known of each thing (kind, colour, facing, …) to its values; they are read where the
    heat, one channel, has a peak. `scene_labels` does so for the whole picture (land, time, …), `attributes` for an
    avatar.
    """

    def __init__(
        self,
        thing_labels: dict[str, list[str]],
        scene_labels: dict[str, list[str]],
        attributes: dict[str, list[str]] | None = None,
        width: int = 64,
    ) -> None:
        super().__init__()
        self.thing_labels, self.scene_labels, self.attributes = thing_labels, scene_labels, attributes or {}
        w = width
        self.stage1 = nn.Sequential(nn.PixelUnshuffle(4), nn.Conv2d(48, w, 3, padding=1), Bottleneck(w))
        self.stage2 = nn.Sequential(nn.Conv2d(w, 2 * w, 2, stride=2), Bottleneck(2 * w), Bottleneck(2 * w))
        self.stage3 = nn.Sequential(
            nn.Conv2d(2 * w, 3 * w, 2, stride=2), Bottleneck(3 * w), Bottleneck(3 * w), Bottleneck(3 * w)
        )
        self.stage4 = nn.Sequential(nn.Conv2d(3 * w, 4 * w, 2, stride=2), Bottleneck(4 * w), Bottleneck(4 * w))
        self.from4, self.from3, self.from2 = (
            nn.Conv2d(4 * w, 2 * w, 1),
            nn.Conv2d(3 * w, 2 * w, 1),
            nn.Conv2d(2 * w, 2 * w, 1),
        )
        self.merge3, self.merge2 = (
            Bottleneck(2 * w),
            nn.Sequential(Bottleneck(2 * w), Bottleneck(2 * w), nn.GroupNorm(8, 2 * w), nn.SiLU()),
        )
        self.heat = nn.Conv2d(2 * w, 1, 1)
        self.things = nn.Conv2d(2 * w, sum(map(len, thing_labels.values())), 1)
        self.scene = nn.Sequential(
            nn.GroupNorm(8, 4 * w), nn.SiLU(), nn.Conv2d(4 * w, 4 * w, 3, padding=1), nn.SiLU()
        )
        self.scene_heads = nn.Linear(4 * w, sum(map(len, scene_labels.values())))
        nn.init.constant_(self.heat.bias, -4.0)
        if self.attributes:
            self.squeeze, self.hidden = nn.Conv2d(4 * w, 64, 1), nn.Linear(64 * 64, 256)
            self.attribute_heads = nn.Linear(256, sum(map(len, self.attributes.values())))

    def features(self, x: Float[Tensor, "b 3 256 256"]) -> list[Tensor]:
        """Features at 64, 32, 16 and 8 pixels. Pictures lie in [-1, 1]."""
        h1 = self.stage1(x)
        h2 = self.stage2(h1)
        h3 = self.stage3(h2)
        return [h1, h2, h3, self.stage4(h3)]

    def forward(self, x: Float[Tensor, "b 3 256 256"]) -> tuple[Tensor, Tensor, Tensor]:
        """Logits: heat (b, 32, 32), labels of things (b, labels, 32, 32), labels of the scene (b, labels)."""
        return self.heads(self.features(x))

    def heads(self, features: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """The same, of features."""
        _, h2, h3, h4 = features
        up = self.merge3(F.interpolate(self.from4(h4), scale_factor=2) + self.from3(h3))
        up = self.merge2(F.interpolate(up, scale_factor=2) + self.from2(h2))
        return self.heat(up)[:, 0], self.things(up), self.scene_heads(self.scene(h4).mean((2, 3)))

    def attribute_logits(self, features: list[Tensor]) -> dict[str, Tensor]:
        """Logits (b, values) of an avatar's attributes."""
        logits = self.attribute_heads(F.silu(self.hidden(F.silu(self.squeeze(features[-1])).flatten(1))))
        return _split(logits, self.attributes)

    def scene_logits(self, logits: Tensor) -> dict[str, Tensor]:
        """Logits of the whole picture by label."""
        return _split(logits, self.scene_labels)

    def thing_logits(self, logits: Tensor) -> dict[str, Tensor]:
        """Logits of things by label, from (n, labels) or (b, labels, h, w)."""
        return _split(logits, self.thing_labels)

    @torch.inference_mode()
    def detect(
        self, x: Float[Tensor, "b 3 256 256"], threshold: float = 0.3
    ) -> list[tuple[dict[str, str], list[Detection]]]:
        """For each picture the labels of the whole, and the things in it, the surest first."""
        heat, things, scene = (part.float() for part in self(x))
        heat = heat.sigmoid()
        peaks = heat * (F.max_pool2d(heat[:, None], 3, 1, 1)[:, 0] == heat)
        whole = {name: part.argmax(1).tolist() for name, part in self.scene_logits(scene).items()}
        found = []
        for i, peak in enumerate(peaks):
            things_here = []
            for y, z in (peak > threshold).nonzero().tolist():
                labels = {
                    n: self.thing_labels[n][int(part.argmax())]
                    for n, part in self.thing_logits(things[i, None, :, y, z]).items()
                }
                things_here.append(
                    Detection(labels, (z + 0.5) / heat.shape[2], (y + 0.5) / heat.shape[1], float(peak[y, z]))
                )
            found.append(
                ({n: self.scene_labels[n][whole[n][i]] for n in whole}, sorted(things_here, key=lambda d: -d.score))
            )
        return found


def _split(logits: Tensor, labels: dict[str, list[str]]) -> dict[str, Tensor]:
    return dict(zip(labels, logits.split([len(values) for values in labels.values()], dim=1), strict=True))
