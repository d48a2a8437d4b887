"""The network of video: a transformer over all of a clip's latents, and what its tokens are told of each frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Num
from torch import Tensor, nn

from pipelines.models.latent_diffusion.layout import LABELS, UNIT, LayoutEmbedding
from pipelines.models.video.movement import WINDOW, Clock, Motion
from pipelines.nn.dit import Config, DiT, patchify

CALIBRATION_TIMES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.98)  # straight times at which an estimate's motion is calibrated
AMOUNT = 4  # numbers that give an amount of motion


def time_features(frames: int, loop: bool) -> Float[Tensor, "f 17"]:
    """What a frame's time looks like to the model: four harmonics once around a loop, or four of its place among
    WINDOW; and which."""
    time, zero = torch.arange(frames) / (frames if loop else WINDOW), torch.zeros(frames, 8)
    waves = 2 * math.pi * time[:, None] * (torch.arange(1, 5) if loop else 0.5 * 2 ** torch.arange(4))
    waves = torch.cat([waves.cos(), waves.sin()], 1)
    return torch.cat([*((waves, zero) if loop else (zero, waves)), torch.full((frames, 1), float(loop))], 1)


class VideoDiT(nn.Module):
    """Predicts the velocity of a clip's latents, from a caption, when each frame is, how it moves, and the frames that
    are given."""

    def __init__(
        self,
        config: Config = Config(),
        real: float = 0.0,
        gains: list[list[float]] | None = None,
        features: int = AMOUNT,
    ) -> None:
        """`real` is what the clips that it learnt from change by from frame to frame, 0 to 255, to compare with;
        `gains` what its estimate of each harmonic of their motion, 0 to WINDOW / 2, is to be multiplied by at each of
        CALIBRATION_TIMES to fit them best (least squares); `features` how many numbers give a frame's motion.
        """
        super().__init__()
        self.config, self.real, c = config, real, config
        self.gains = gains or [[1.0] * (WINDOW // 2 + 1)] * len(CALIBRATION_TIMES)
        self.transformer = DiT(c)
        self.layout = LayoutEmbedding(list(c.layout), c.width) if c.layout else None
        self.time = nn.Sequential(nn.Linear(17 + features, c.width), nn.SiLU(), nn.Linear(c.width, c.width))
        self.enter = nn.Linear((c.channels + 1) * c.patch**2, c.width)
        nn.init.zeros_(self.enter.weight)
        nn.init.zeros_(self.enter.bias)

    def nearest(
        self, z: Float[Tensor, "b f c h w"], given: Float[Tensor, "b f"], loop: bool
    ) -> Float[Tensor, "b f c h w"]:
        """For each frame the given one that is nearest in time; zeros where none is given."""
        at = torch.arange(given.shape[1], device=z.device)
        away = (at[:, None] - at).abs()
        away = torch.minimum(away, len(at) - away) if loop else away
        found = (away + 2 * len(at) * (1 - given)[:, None]).argmin(2)
        return z[torch.arange(len(z), device=z.device)[:, None], found] * given.amax(1)[:, None, None, None, None]

    def rescale_harmonics(
        self, x0: Float[Tensor, "f c h w"], still: Float[Tensor, "f c h w"], t: float, loop: bool
    ) -> Float[Tensor, "f c h w"]:
        """An estimate at a straight time, its difference from the still clip scaled harmonic by harmonic: a small model
        makes slow motion too small and adds a quick flicker. Of a loop these are harmonics; of others, those of the
        clip there and back, which has no jump.
        """
        if all(gain == 1 for row in self.gains for gain in row):
            return x0
        moved = x0 - still
        moved = moved if loop else torch.cat([moved, moved.flip(0)])
        waves = torch.fft.rfft(moved, dim=0)
        gains = [np.interp(t, CALIBRATION_TIMES, column) for column in zip(*self.gains, strict=True)]
        at = np.arange(len(waves)) * (1 if loop else WINDOW / len(moved))
        scaled = waves * torch.from_numpy(np.interp(at, range(len(gains)), gains)).to(x0)[:, None, None, None]
        return still + torch.fft.irfft(scaled, n=len(moved), dim=0)[: len(x0)]

    def hint(
        self,
        z: Float[Tensor, "b f c h w"],
        given: Float[Tensor, "b f"],
        motion: Float[Tensor, "b f m"],
        loop: bool,
        layouts: Num[Tensor, "b f t 9"] | None = None,
        places: Sequence[int] | None = None,
    ) -> Float[Tensor, "b n d"]:
        """What the tokens are told: each frame's time and motion, whether the frame is given (1), the latent of the
        given frame that is nearest in time, and what stands where. `places` are those of the frames in a window, where
        they are not one after the other."""
        count, frames = given.shape
        there = given[:, :, None, None, None].expand(-1, -1, 1, *z.shape[3:])
        tokens = self.enter(patchify(torch.cat([self.nearest(z, given, loop), there], 2), self.config.patch))
        time = time_features(WINDOW, loop)[list(places)] if places is not None else time_features(frames, loop)
        time = time.to(z.device).expand(count, -1, -1)
        tokens = tokens + self.time(torch.cat([time, motion], 2))[:, :, None]
        if layouts is not None and self.layout is not None:
            tokens = tokens + self.layout(layouts.flatten(0, 1)).unflatten(0, (count, frames))
        return tokens.flatten(1, 2)


def build(config: dict[str, Any]) -> VideoDiT:
    """The network of a bundle's configuration."""
    own = {key: config[key] for key in ("real", "gains", "features") if key in config}
    return VideoDiT(Config(**{key: value for key, value in config.items() if key not in own}), **own)


def encode_amount(amount: Float[Tensor, " b"], frames: int) -> Float[Tensor, "b f 4"]:
    """How much is to move, 0 to 1, as a network without layouts reads it."""
    waves = math.pi * amount[:, None] * torch.arange(1, AMOUNT + 1, device=amount.device)
    return waves.cos()[:, None].expand(-1, frames, -1)


def move_layout(
    layout: Num[Tensor, "t 9"], nothing: int, motion: Motion, frames: list[int], clock: Clock
) -> Float[Tensor, "f t 9"]:
    """The first frame's layout at some frames; boxes are no whole numbers any more, and may reach out."""
    moved = layout.float().expand(len(frames), -1, -1).clone()
    count = int((layout[:, 0] < nothing).sum())
    boxes = (layout[:count, len(LABELS) :].float() * UNIT).tolist()
    for row, frame in enumerate(frames):
        if boxes:
            moved[row, :count, len(LABELS) :] = torch.tensor(motion.boxes(boxes, frame, clock)) / UNIT
    return moved
