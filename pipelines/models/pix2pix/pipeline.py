"""pix2pix (Isola et al. 2017): lines to a picture in one pass, fast enough to redraw at every stroke.

A U-Net whose skips carry the lines' places past the narrow middle, trained against a PatchGAN that judges small patches
of picture and lines together.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import get_args

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from pipelines.core import contract
from pipelines.media.control_maps import control
from pipelines.media.images import from_url
from pipelines.models.pix2pix.spec import Pix2PixSettings
from pipelines.nn import weights
from pipelines.nn.pixels import to_uint8

STYLES = get_args(Pix2PixSettings.model_fields["style"].annotation)
WIDTHS = (32, 64, 128, 160, 192, 192)  # at 64, 32, 16, 8, 4 and 2 pixels


def layer(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    """Convolution, normalisation a picture, activation."""
    size = 4 if stride == 2 else 3
    return nn.Sequential(nn.Conv2d(inside, outside, size, stride, 1), nn.GroupNorm(8, outside), nn.LeakyReLU(0.2))


class UNet(nn.Module):
    """Lines and a style, as planes of 128 x 128, to a picture."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.widths = tuple(widths)
        inside = (1 + len(STYLES), *self.widths)
        self.down = nn.ModuleList([layer(a, b, 2) for a, b in zip(inside, self.widths, strict=False)])
        self.up = nn.ModuleList()
        deep = self.widths[-1]
        for skip in reversed(inside[:-1]):
            wide = max(skip, self.widths[0] // 2)
            self.up.append(layer(deep + skip, wide))
            deep = wide
        self.leave = nn.Conv2d(deep, 3, 3, padding=1)

    def forward(self, lines: Float[Tensor, "b 1 h w"], style: Float[Tensor, "b s"]) -> Float[Tensor, "b 3 h w"]:
        """Pixels in [-1, 1]; lines are 1 where there is ink, a style is one-hot."""
        x, skips = planes(lines, style), []
        for down in self.down:
            skips.append(x)
            x = down(x)
        for up, skip in zip(self.up, reversed(skips), strict=True):
            x = up(torch.cat([F.interpolate(x, scale_factor=2.0), skip], 1))
        return torch.tanh(self.leave(x))


class PatchGAN(nn.Module):
    """One verdict a patch of 46 x 46 pixels: is this picture real, given these lines?"""

    def __init__(self, widths: tuple[int, ...] = (48, 96, 192)) -> None:
        super().__init__()
        first = nn.Sequential(nn.Conv2d(4 + len(STYLES), widths[0], 4, 2, 1), nn.LeakyReLU(0.2))
        self.layers = nn.Sequential(
            first,
            *[layer(a, b, 2) for a, b in zip(widths, widths[1:], strict=False)],
            nn.Conv2d(widths[-1], 1, 4, 1, 1),
        )

    def forward(
        self, picture: Float[Tensor, "b 3 h w"], lines: Float[Tensor, "b 1 h w"], style: Float[Tensor, "b s"]
    ) -> Float[Tensor, "b 1 p q"]:
        """Verdicts: 1 for real, 0 for made (least squares; Mao et al. 2017)."""
        return self.layers(torch.cat([picture, planes(lines, style)], 1))


def planes(lines: Tensor, style: Tensor) -> Tensor:
    """Lines, and a plane a style that is 1 all over for the one that is asked for."""
    return torch.cat([lines, style[:, :, None, None].expand(-1, -1, *lines.shape[2:])], 1)


class Pix2PixPipeline(contract.Pipeline):
    """A drawing of lines to a picture, in one step."""

    name = "pix2pix"
    Settings = Pix2PixSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.net = weights.open_bundle("pix2pix", lambda config: UNet(tuple(config["widths"]))).to(
            self.device, memory_format=torch.channels_last
        )

    @torch.inference_mode()
    def run(self, s: Pix2PixSettings) -> Iterator[contract.Frame]:
        begun = time.perf_counter()
        lines = control("edges", from_url(s.control))[..., 0]
        style = F.one_hot(torch.tensor([STYLES.index(s.style)]), len(STYLES)).float()
        fake = self.net(torch.from_numpy(lines > 0)[None, None].float().to(self.device), style.to(self.device))
        picture = to_uint8(fake[0].permute(1, 2, 0)).cpu().numpy()
        seconds = time.perf_counter() - begun
        shown = np.repeat(255 - lines[..., None], 3, 2)
        detail = {"calls": 1, "equation": "x̂ = G(lines, style)", "device": f"{self.device}, float32"}
        yield contract.Frame(
            1,
            1,
            picture,
            shown,
            f"one pass, {1000 * seconds:.0f} ms",
            contract.ImageResult(picture, self.name, s.model_dump()),
            detail,
        )
