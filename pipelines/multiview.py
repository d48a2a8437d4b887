"""Words, or one picture, to a thing that can be turned: its views come out of the noise together, and splats are fitted to them.

The views are pictures like any other, and the model began as the image model: eight latents stand on top of each other, so that every
place of every view looks at every other (cross-view attention; Shi et al. 2024, MVDream). Each view is told where its camera stands,
and, through a further input as a mask is in inpainting, what is seen from there if that is given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipelines.nn.dit import Config, Transformer, patchify

At = tuple[float | int, float | int]  # where a camera stands: azimuth and elevation, in degrees
RIG: list[At] = [(0, 15), (60, 15), (120, 15), (180, 15), (240, 15), (300, 15), (30, 40), (210, 40)]  # eight views that see all of a thing


def angles(cameras: Sequence[At]) -> Float[Tensor, "v 10"]:
    """What a camera's place looks like to the model: four harmonics of its azimuth, and its elevation."""
    azimuth, elevation = torch.tensor(cameras, dtype=torch.float32).deg2rad().unbind(1)
    waves = azimuth[:, None] * torch.arange(1, 5)
    return torch.cat([waves.cos(), waves.sin(), elevation[:, None].sin() * 2, elevation[:, None].cos() * 2], 1)


class MultiView(nn.Module):
    """Predicts the velocity of several views' latents, from a caption, their cameras, and the views that are given."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.config, c = config, config
        self.transformer = Transformer(c)
        self.camera = nn.Sequential(nn.Linear(10, c.width), nn.SiLU(), nn.Linear(c.width, c.width))
        self.enter = nn.Linear((c.channels + 1) * c.patch**2, c.width)
        nn.init.zeros_(self.enter.weight)
        nn.init.zeros_(self.enter.bias)

    def hint(self, seen: Float[Tensor, "b c h w"], given: Float[Tensor, "b v"], places: Float[Tensor, "b v 10"]) -> Float[Tensor, "b n d"]:
        """What the tokens are told: where each view's camera stands (`angles`), whether it is given (1), and if so, its latent."""
        there = given.repeat_interleave(self.config.size, 1)[:, None, :, None].expand(-1, 1, -1, self.config.size)
        told = self.enter(patchify(torch.cat([seen * there, there], 1), self.config.patch))
        return told + self.camera(places).repeat_interleave((self.config.size // self.config.patch) ** 2, 1)


def stacked(views: Float[Tensor, "b v c h w"]) -> Float[Tensor, "b c vh w"]:
    """Views on top of each other, as the transformer takes them."""
    return views.transpose(1, 2).flatten(2, 3)


def apart(z: Float[Tensor, "b c vh w"]) -> Float[Tensor, "b v c h w"]:
    """And back."""
    return z.unflatten(2, (-1, z.shape[3])).transpose(1, 2)
