"""Gaussian splatting: a scene as a cloud of anisotropic 3-D Gaussians, drawn in front-to-back order (Kerbl et al.
2023).

A splat is a mean, three scales and a rotation, an opacity, and a colour that may depend on the direction it is seen
from (spherical harmonics). Seen by a camera it is a 2-D Gaussian (EWA; Zwicker et al. 2001). The picture is cut into
tiles, and each tile looks only at the splats that reach it; all of it is ordinary torch, so its gradients are too.
Where gsplat is installed and the splats are on a GPU, its kernels do the same (Ye et al. 2025).
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

TILE = 8  # pixels a side
MIN_ALPHA = 1 / 255  # alpha below which a splat is not there
MAX_ALPHA = 0.999  # alpha at most, as in gsplat
BLUR = 0.3  # pixels² added to a splat's spread on the screen, so that none is thinner than a pixel
NEAR = 0.05
SH0, SH1 = 0.28209479177387814, 0.4886025119029199
SH2 = (1.0925484305920792, -1.0925484305920792, 0.31539156525252005, -1.0925484305920792, 0.5462742152960396)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera of `size` pixels a side: x to the right, y down, z into the scene (as in COLMAP)."""

    world_to_camera: Float[Tensor, "4 4"]
    focal: float  # pixels
    size: int

    @classmethod
    def around(
        cls, azimuth: float, elevation: float, distance: float = 2.6, fov: float = 40.0, size: int = 64
    ) -> Camera:
        """Looking at the origin, y up; azimuth and elevation in degrees.

        At azimuth 0 it stands on the side of positive z.
        """
        a, e = math.radians(azimuth), math.radians(elevation)
        back = torch.tensor([math.cos(e) * math.sin(a), math.sin(e), math.cos(e) * math.cos(a)])
        right = F.normalize(torch.linalg.cross(torch.tensor([0.0, 1.0, 0.0]), back), dim=0)
        rotation = torch.stack([right, -torch.linalg.cross(back, right), -back])
        matrix = torch.eye(4)
        matrix[:3, :3], matrix[:3, 3] = rotation, rotation @ (-distance * back)
        return cls(matrix, size / 2 / math.tan(math.radians(fov) / 2), size)

    @property
    def place(self) -> Float[Tensor, "3"]:
        """Where it stands."""
        return -self.world_to_camera[:3, :3].T @ self.world_to_camera[:3, 3]


class Gaussians3D(nn.Module):
    """n splats. Scales are kept as logarithms and opacities as logits, as files keep them; rotations are quaternions
    (w, x, y, z)."""

    def __init__(
        self,
        means: Float[Tensor, "n 3"],
        colours: Float[Tensor, "n 3"],
        scale: float,
        opacity: float = 0.5,
        degree: int = 0,
    ) -> None:
        """Round splats of these colours in [0, 1] and of this size; `degree` of the spherical harmonics is 0, 1 or
        2."""
        super().__init__()
        n = len(means)
        self.means = nn.Parameter(means.clone())
        self.scales = nn.Parameter(torch.full((n, 3), math.log(scale)))
        self.rotations = nn.Parameter(torch.tensor([1.0, 0, 0, 0]).repeat(n, 1))
        self.opacities = nn.Parameter(torch.full((n,), math.log(opacity / (1 - opacity))))
        self.harmonics = nn.Parameter(torch.zeros(n, (degree + 1) ** 2, 3))
        with torch.no_grad():
            self.harmonics[:, 0] = (colours - 0.5) / SH0

    def __len__(self) -> int:
        return len(self.means)

    def covariances(self) -> Float[Tensor, "n 3 3"]:
        """R S Sᵀ Rᵀ (Kerbl et al. 2023, eq. 6)."""
        m = rotation(self.rotations) * self.scales.exp()[:, None]
        return m @ m.mT

    def colours(self, camera: Camera) -> Float[Tensor, "n 3"]:
        """As seen from there, not below 0."""
        colour = SH0 * self.harmonics[:, 0]
        if self.harmonics.shape[1] > 1:
            x, y, z = F.normalize(self.means - camera.place.to(self.means), dim=1).unbind(1)
            basis = [-SH1 * y, SH1 * z, -SH1 * x]
            if self.harmonics.shape[1] > 4:
                basis += [
                    SH2[0] * x * y,
                    SH2[1] * y * z,
                    SH2[2] * (2 * z * z - x * x - y * y),
                    SH2[3] * x * z,
                    SH2[4] * (x * x - y * y),
                ]
            colour = colour + (torch.stack(basis, 1)[..., None] * self.harmonics[:, 1 : 1 + len(basis)]).sum(1)
        return (colour + 0.5).clamp_min(0)


def rotation(q: Float[Tensor, "n 4"]) -> Float[Tensor, "n 3 3"]:
    """Quaternions (w, x, y, z) of any length as matrices."""
    w, x, y, z = F.normalize(q, dim=1).unbind(1)
    rows = [
        1 - 2 * (y * y + z * z),
        2 * (x * y - w * z),
        2 * (x * z + w * y),
        2 * (x * y + w * z),
        1 - 2 * (x * x + z * z),
        2 * (y * z - w * x),
    ]
    rows += [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    return torch.stack(rows, 1).view(-1, 3, 3)


@dataclass
class Projected:
    """Splats as a camera sees them: 2-D Gaussians, in pixels.

    The inverse covariance is (a, b, c) of a dx² + 2 b dx dy + c dy².
    """

    means: Float[Tensor, "n 2"]
    inverse: Float[Tensor, "n 3"]
    reach: Float[Tensor, "n 2"]  # beyond it, to each side, alpha is below FAINT; 0 where the splat cannot be seen
    depth: Float[Tensor, " n"]
    opacity: Float[Tensor, " n"]
    colours: Float[Tensor, "n k"]


def project(splats: Gaussians3D, camera: Camera) -> Projected:
    """The splats on the camera's screen (Kerbl et al. 2023, eq. 5)."""
    view = camera.world_to_camera.to(splats.means)
    x, y, z = (splats.means @ view[:3, :3].T + view[:3, 3]).unbind(1)
    deep = z.clamp_min(NEAR)
    limit = 1.3 * camera.size / 2 / camera.focal  # a splat far outside is not to blow up the linear map
    tx, ty = (x / deep).clamp(-limit, limit), (y / deep).clamp(-limit, limit)
    zero = torch.zeros_like(z)
    jacobian = torch.stack([1 / deep, zero, -tx / deep, zero, 1 / deep, -ty / deep], 1).view(-1, 2, 3) * camera.focal
    m = jacobian @ view[:3, :3] @ rotation(splats.rotations) * splats.scales.exp()[:, None]
    spread = m @ m.mT
    return flat(
        torch.stack([x / deep, y / deep], 1) * camera.focal + camera.size / 2,
        torch.stack([spread[:, 0, 0], spread[:, 0, 1], spread[:, 1, 1]], 1),
        torch.where(z > NEAR, splats.opacities.sigmoid(), 0),
        z,
        splats.colours(camera),
    )


def flat(
    means: Float[Tensor, "n 2"],
    spread: Float[Tensor, "n 3"],
    opacity: Float[Tensor, " n"],
    depth: Float[Tensor, " n"],
    colours: Float[Tensor, "n k"],
) -> Projected:
    """2-D Gaussians from their covariances (xx, xy, yy), which are widened by BLUR."""
    a, b, c = spread[:, 0] + BLUR, spread[:, 1], spread[:, 2] + BLUR
    inverse = torch.stack([c, -b, a], 1) / (a * c - b * b).clamp_min(1e-12)[:, None]
    with torch.no_grad():
        sigmas = (2 * (opacity / MIN_ALPHA).clamp_min(1.0).log()).sqrt()
        reach = sigmas[:, None] * torch.stack([a, c], 1).sqrt()
    return Projected(means, inverse, reach, depth, opacity, colours)


@torch.no_grad()
def tiles(f: Projected, height: int, width: int) -> Iterator[tuple[Int[Tensor, " t"], Int[Tensor, "t k"]]]:
    """Tiles (by number, row by row) and the splats that reach each, the nearest first; n stands for none.

    In groups of like lengths.
    """
    n, across, down = len(f.means), -(-width // TILE), -(-height // TILE)
    low = ((f.means - f.reach) / TILE).floor().long().clamp_min(0)
    high = ((f.means + f.reach) / TILE).floor().long()
    high = torch.minimum(high, torch.tensor([across - 1, down - 1], device=high.device))
    spans = (high - low + 1).clamp_min(0) * (f.reach[:, :1] > 0)
    order = f.depth.argsort()
    counts = spans.prod(1)[order]
    which = order.repeat_interleave(counts)
    within = torch.arange(len(which), device=which.device) - (counts.cumsum(0) - counts).repeat_interleave(counts)
    columns = spans[which, 0]
    tile = (low[which, 1] + within // columns) * across + low[which, 0] + within % columns
    tile, sorting = tile.sort(stable=True)
    which, tile_counts = which[sorting], torch.bincount(tile, minlength=across * down)
    begin = tile_counts.cumsum(0) - tile_counts
    least = 0
    for most in (0, 16, 64, 256, 1024, max(n, 1)):  # of tiles as full as each other little is wasted
        some = (
            ((tile_counts > least) & (tile_counts <= most)).nonzero()[:, 0]
            if most
            else (tile_counts == 0).nonzero()[:, 0]
        )
        if len(some):
            k = torch.arange(int(tile_counts[some].max()), device=which.device)
            at = (begin[some, None] + k).clamp_max(max(0, len(which) - 1))
            yield (
                some,
                torch.where(k < tile_counts[some, None], which[at], n)
                if len(which)
                else torch.empty(len(some), 0, dtype=torch.long, device=which.device),
            )
        least = max(least, most)


def rasterise(
    f: Projected, height: int, width: int, background: float | Tensor = 1.0
) -> tuple[Float[Tensor, "h w k"], Float[Tensor, "h w"]]:
    """The picture over a background, and how much of each pixel is covered: front to back, C = Σ cᵢ αᵢ Πⱼ<ᵢ (1 −
    αⱼ)."""
    if f.means.is_cuda and has_gsplat():
        return rasterize_gsplat(f, height, width, background)
    across, down, device = -(-width // TILE), -(-height // TILE), f.means.device
    step = torch.arange(TILE, device=device) + 0.5
    inside = torch.stack([step.repeat(TILE), step.repeat_interleave(TILE)], 1).to(f.means)
    none = [F.pad(part, (0,) * (2 * part.ndim - 1) + (1,)) for part in (f.means, f.inverse, f.opacity, f.colours)]
    numbers, parts = [], []
    for tile, which in tiles(f, height, width):
        means, inverse, opacity, colours = (part[which] for part in none)
        corner = torch.stack([tile % across, tile // across], 1) * TILE
        pixel = corner[:, None] + inside
        dx, dy = (pixel[:, None, :, i] - means[:, :, None, i] for i in (0, 1))
        power = (
            -0.5 * (inverse[..., 0, None] * dx * dx + inverse[..., 2, None] * dy * dy)
            - inverse[..., 1, None] * dx * dy
        )
        alpha = (opacity[..., None] * power.exp()).clamp_max(MAX_ALPHA)
        alpha = torch.where(alpha >= MIN_ALPHA, alpha, 0)
        through = torch.log1p(-alpha).cumsum(1)  # what is left behind each splat, as a logarithm
        weights = alpha * (through - torch.log1p(-alpha)).exp()
        left = (
            through[:, -1].exp()
            if which.shape[1]
            else torch.ones(len(tile), TILE * TILE, device=device, dtype=f.means.dtype)
        )
        parts.append(torch.cat([weights.mT @ colours, left[..., None]], 2))
        numbers.append(tile)
    whole = torch.cat(parts)[torch.cat(numbers).argsort()]
    whole = (
        whole.view(down, across, TILE, TILE, -1)
        .transpose(1, 2)
        .reshape(down * TILE, across * TILE, -1)[:height, :width]
    )
    return whole[..., :-1] + whole[..., -1:] * background, 1 - whole[..., -1]


def has_gsplat() -> bool:
    """Whether splats can be drawn by gsplat: it needs a GPU and `pip install gsplat`."""
    return torch.cuda.is_available() and importlib.util.find_spec("gsplat") is not None


def rasterize_gsplat(
    f: Projected, height: int, width: int, background: float | Tensor = 1.0
) -> tuple[Float[Tensor, "h w k"], Float[Tensor, "h w"]]:
    """The same by gsplat's kernels: what is projected here is sorted into tiles and drawn there."""
    import gsplat

    tile, across, down = 16, -(-width // 16), -(-height // 16)
    _, crossings, which = gsplat.isect_tiles(
        f.means[None], f.reach.ceil().int()[None], f.depth[None], tile, across, down
    )
    begin = gsplat.isect_offset_encode(crossings, 1, across, down)
    drawn, covered = gsplat.rasterize_to_pixels(
        f.means[None],
        f.inverse[None],
        f.colours[None],
        f.opacity[None],
        width,
        height,
        tile,
        begin.view(1, down, across),
        which,
    )
    return drawn[0] + (1 - covered[0]) * background, covered[0, ..., 0]


def render(splats: Gaussians3D, camera: Camera, background: float | Tensor = 1.0) -> Float[Tensor, "h w 3"]:
    """The picture that a camera takes, in [0, 1] and above."""
    return rasterise(project(splats, camera), camera.size, camera.size, background)[0]


def to_uint8(picture: Float[Tensor, "*n h w 3"]) -> UInt8[np.ndarray, "*n h w 3"]:
    """A picture in [0, 1] as pixels."""
    return (picture.detach().clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
