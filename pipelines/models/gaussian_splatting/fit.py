"""Gaussians fitted to pictures: densification (Kerbl et al. 2023, section 5), losses, and the same on the plane."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from pipelines.models.gaussian_splatting.rasterize import (
    MIN_ALPHA,
    Camera,
    Gaussians3D,
    Projected,
    flat,
    project,
    rasterise,
    rotation,
    to_uint8,
)


@dataclass(frozen=True)
class Densification:
    """When splats are added and taken away while they are fitted (Kerbl et al. 2023, section 5.2)."""

    every: int = 60  # steps from one time to the next
    first: int = 60  # the step of the first time
    last: float = 0.7  # share of all steps after which their number stays
    pull: float = (
        2e-4  # mean gradient of the place on the screen, in halves of the picture, from which on a splat is too few
    )
    large: float = 0.05  # size above which it is split, below which it is doubled
    faint: float = 0.01  # opacity below which it goes
    most: int = 4000  # splats


RATES = {"means": 4e-3, "scales": 2e-2, "rotations": 1e-2, "opacities": 0.1, "harmonics": 2e-2}


def ssim(a: Float[Tensor, "h w c"], b: Float[Tensor, "h w c"], size: int = 11) -> Float[Tensor, ""]:
    """SSIM, with Gaussian windows of 1.5 pixels (Wang et al. 2004, eq. 13); 1 where the pictures are the same."""
    at = torch.arange(size, dtype=a.dtype, device=a.device) - size // 2
    line = torch.exp(-at.square() / (2 * 1.5**2))
    window = (line[:, None] * line / line.sum() ** 2).expand(a.shape[2], 1, size, size)
    x, y = a.permute(2, 0, 1)[None], b.permute(2, 0, 1)[None]
    stack = torch.cat([x, y, x * x, y * y, x * y])
    mx, my, xx, yy, xy = F.conv2d(stack, window, groups=a.shape[2]).split(1)
    vx, vy, v = xx - mx * mx, yy - my * my, xy - mx * my
    c1, c2 = 0.01**2, 0.03**2
    return ((2 * mx * my + c1) * (2 * v + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))).mean()


def psnr(a: Float[Tensor, "h w c"], b: Float[Tensor, "h w c"]) -> float:
    """PSNR of pictures in [0, 1]."""
    return -10 * math.log10(max((a.clamp(0, 1) - b).square().mean().item(), 1e-10))


def init_from_visual_hull(
    views: Float[Tensor, "v h w 3"], cameras: list[Camera], count: int, degree: int, generator: torch.Generator
) -> Gaussians3D:
    """Splats at random inside what all views show against white (the visual hull), in the mean of the colours seen
    there."""
    found, colours = [], []
    masks = F.max_pool2d((views < 0.97).any(-1).float()[:, None], 3, 1, 1)[
        :, 0
    ]  # a pixel wider: drawn views agree only about
    for _ in range(40):
        points = torch.rand(4 * count, 3, generator=generator) * 2 - 1
        inside, tint = torch.ones(len(points), dtype=torch.bool), torch.zeros(len(points), 3)
        for view, mask, camera in zip(views, masks, cameras, strict=True):
            x, y, z = (points @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]).unbind(1)
            grid = torch.stack([x / z, y / z], 1)[None, None] * camera.focal / (camera.size / 2)
            inside &= F.grid_sample(mask[None, None], grid, align_corners=False)[0, 0, 0] > 0.5
            tint += F.grid_sample(view.permute(2, 0, 1)[None], grid, align_corners=False)[0, :, 0].T / len(views)
        found.append(points[inside])
        colours.append(tint[inside])
        if sum(map(len, found)) >= count:
            break
    points, tint = torch.cat(found)[:count], torch.cat(colours)[:count]
    if not len(points):  # views that do not agree have no hull
        points, tint = (torch.rand(count, 3, generator=generator) - 0.5), torch.full((count, 3), 0.5)
    return Gaussians3D(points, tint, 0.6 / count ** (1 / 3) / 2, opacity=0.3, degree=degree)


def fit(
    views: Float[Tensor, "v h w 3"],
    cameras: list[Camera],
    steps: int = 600,
    count: int = 600,
    degree: int = 1,
    growth: Densification = Densification(),
    seed: int = 0,
) -> Iterator[tuple[int, Gaussians3D, float]]:
    """Splats that look like the views, on the views' device: after each step its number, the splats, and the loss, 0.8
    L1 + 0.2 (1 − SSIM) (eq. 7)."""
    generator, device = torch.Generator().manual_seed(seed), views.device
    splats = init_from_visual_hull(views.cpu(), cameras, count, degree, generator).to(device)
    optim = torch.optim.Adam(
        [{"params": [part], "lr": RATES[name], "name": name} for name, part in splats.named_parameters()], eps=1e-15
    )
    order: list[int] = []
    pulled, visits = torch.zeros(2, len(splats), device=device)
    for step in range(1, steps + 1):
        order = order or torch.randperm(len(views), generator=generator).tolist()
        at = order.pop()
        optim.param_groups[0]["lr"] = RATES["means"] * 0.05 ** (step / steps)
        f = project(splats, cameras[at])
        f.means.retain_grad()
        rendering, _ = rasterise(f, *views.shape[1:3])
        loss = 0.8 * (rendering - views[at]).abs().mean() + 0.2 * (1 - ssim(rendering, views[at]))
        loss.backward()
        optim.step()
        optim.zero_grad()
        with torch.no_grad():
            there = f.reach[:, 0] > 0
            pulled += there * f.means.grad.norm(dim=1) * views.shape[2] / 2
            visits += there
            if step % growth.every == 0 and growth.first <= step <= growth.last * steps:
                densify_and_prune(splats, optim, pulled / visits.clamp_min(1), growth, generator)
                pulled, visits = torch.zeros(2, len(splats), device=device)
        yield step, splats, loss.item()


@torch.no_grad()
def densify_and_prune(
    splats: Gaussians3D,
    optim: torch.optim.Optimizer,
    pull: Float[Tensor, " n"],
    growth: Densification,
    generator: torch.Generator,
) -> None:
    """Faint splats go; those that are pulled about are doubled if small and split if large.

    Their optimiser's state goes with them.
    """
    stay = splats.opacities.sigmoid() > growth.faint
    wanted = (pull > growth.pull) & stay
    room = growth.most - int(stay.sum())
    if int(wanted.sum()) > room:
        best = (pull * wanted).topk(max(room, 0)).indices
        wanted = torch.zeros_like(wanted).index_fill(0, best, True)
    large = splats.scales.exp().amax(1) > growth.large
    source = torch.cat([stay.nonzero()[:, 0], wanted.nonzero()[:, 0]])
    shift = (
        rotation(splats.rotations[source])
        @ (torch.randn(len(source), 3, generator=generator).to(source.device) * splats.scales[source].exp())[
            ..., None
        ]
    )
    apart = (wanted & large)[source]
    for group in optim.param_groups:
        old = group["params"][0]
        value = old[source].clone()
        if group["name"] == "means":
            value += apart[:, None] * shift[..., 0]
        if group["name"] == "scales":
            value -= apart[:, None] * math.log(1.6)
        state, new = optim.state.pop(old), nn.Parameter(value)
        setattr(splats, group["name"], new)
        group["params"] = [new]
        is_new = torch.arange(len(source), device=source.device) >= int(
            stay.sum()
        )  # they begin at rest, or a pair would never part
        optim.state[new] = {
            name: moment[source].index_fill(0, is_new.nonzero()[:, 0], 0) if moment.ndim else moment
            for name, moment in state.items()
        }


class Gaussians2D(nn.Module):
    """n splats that lie on a picture, in a fixed order from front to back: means and scales in pixels, an angle, an
    opacity, a colour."""

    def __init__(self, means: Float[Tensor, "n 2"], colours: Float[Tensor, "n 3"], scale: float) -> None:
        super().__init__()
        n = len(means)
        self.means, self.colours = nn.Parameter(means.clone()), nn.Parameter(colours.clone())
        self.scales, self.angles = nn.Parameter(torch.full((n, 2), math.log(scale))), nn.Parameter(torch.zeros(n))
        self.opacities = nn.Parameter(torch.zeros(n))

    def __len__(self) -> int:
        return len(self.means)

    def flat(self) -> Projected:
        """As the rasteriser takes them."""
        c, s, (a, b) = self.angles.cos(), self.angles.sin(), (2 * self.scales).exp().unbind(1)
        spread = torch.stack([c * c * a + s * s * b, c * s * (a - b), s * s * a + c * c * b], 1)
        return flat(
            self.means,
            spread,
            self.opacities.sigmoid(),
            torch.arange(len(self), device=self.means.device).float(),
            self.colours,
        )


PAINTED = {"means": 0.4, "colours": 2e-2, "scales": 4e-2, "angles": 4e-2, "opacities": 5e-2}


def fit_image(
    picture: Float[Tensor, "h w 3"], steps: int = 200, most: int = 1500, grow: bool = True, seed: int = 0
) -> Iterator[tuple[int, Gaussians2D, Tensor, float]]:
    """Splats on a plane that look like a picture: after each step its number, the splats, what they look like, and the
    loss. A third is there from the beginning; if they may grow, the others come where the picture is most wrong, and
    those that are hardly seen go there too.
    """
    generator, (height, width, _) = torch.Generator().manual_seed(seed), picture.shape
    background, begin = picture.mean((0, 1)), max(1, most // 3) if grow else most

    def scattered(n: int, weight: Float[Tensor, "h w"]) -> Gaussians2D:
        at = torch.multinomial(weight.flatten() + 1e-6, n, replacement=True, generator=generator)
        means = torch.stack([at % width, at // width], 1) + torch.rand(n, 2, generator=generator)
        return Gaussians2D(means, picture.reshape(-1, 3)[at], max(1.0, 0.4 * math.sqrt(height * width / most)))

    def optimiser(spots: Gaussians2D) -> torch.optim.Optimizer:
        return torch.optim.Adam(
            [{"params": [part], "lr": PAINTED[name]} for name, part in spots.named_parameters()], eps=1e-15
        )

    spots = scattered(begin, torch.ones(height, width))
    optim = optimiser(spots)
    for step in range(1, steps + 1):
        rendering, _ = rasterise(spots.flat(), height, width, background)
        loss = 0.8 * (rendering - picture).abs().mean() + 0.2 * (1 - ssim(rendering, picture))
        loss.backward()
        optim.step()
        optim.zero_grad()
        if grow and step % 15 == 0 and step <= 0.7 * steps:
            with torch.no_grad():
                stay = (spots.opacities.sigmoid() > MIN_ALPHA * 4).nonzero()[:, 0]
                new = (
                    scattered(min(most - len(stay), max(1, most // 8)), (rendering - picture).abs().mean(-1))
                    if len(stay) < most
                    else None
                )
                for name, part in list(spots.named_parameters()):
                    setattr(
                        spots, name, nn.Parameter(torch.cat([part[stay], *([getattr(new, name)] if new else [])]))
                    )
            optim = optimiser(spots)
        yield step, spots, rendering.detach(), loss.item()


def error_map(rendering: Float[Tensor, "h w 3"], wanted: Float[Tensor, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """The error map: white where a picture is right, red where it is wrong by a quarter of the range or more."""
    wrong = (4 * (rendering.detach().clamp(0, 1) - wanted).abs().mean(-1, keepdim=True)).clamp(0, 1)
    return to_uint8(1 - wrong * torch.tensor([0.1, 0.75, 0.85]))


def enlarged(pictures: UInt8[np.ndarray, "*n h w 3"], times: int = 2) -> UInt8[np.ndarray, "*n h2 w2 3"]:
    """Each pixel as a square of pixels."""
    return pictures.repeat(times, -3).repeat(times, -2)
