"""Gaussian splatting: a scene as a cloud of anisotropic 3-D Gaussians, drawn in front-to-back order (Kerbl et al. 2023).

A splat is a mean, three scales and a rotation, an opacity, and a colour that may depend on the direction it is seen from (spherical
harmonics). Seen by a camera it is a 2-D Gaussian (EWA; Zwicker et al. 2001). The picture is cut into tiles, and each tile looks only
at the splats that reach it; all of it is ordinary torch, so its gradients are too. Where gsplat is installed and the splats are on a
GPU, its kernels do the same (Ye et al. 2025).
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
        """Looking at the origin, y up; azimuth and elevation in degrees. At azimuth 0 it stands on the side of positive z."""
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
    """n splats. Scales are kept as logarithms and opacities as logits, as files keep them; rotations are quaternions (w, x, y, z)."""

    def __init__(
        self,
        means: Float[Tensor, "n 3"],
        colours: Float[Tensor, "n 3"],
        scale: float,
        opacity: float = 0.5,
        degree: int = 0,
    ) -> None:
        """Round splats of these colours in [0, 1] and of this size; `degree` of the spherical harmonics is 0, 1 or 2."""
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
    """Splats as a camera sees them: 2-D Gaussians, in pixels. The inverse covariance is (a, b, c) of a dx² + 2 b dx dy + c dy²."""

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
    """Tiles (by number, row by row) and the splats that reach each, the nearest first; n stands for none. In groups of like lengths."""
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
    which, held = which[sorting], torch.bincount(tile, minlength=across * down)
    begin = held.cumsum(0) - held
    least = 0
    for most in (0, 16, 64, 256, 1024, max(n, 1)):  # of tiles as full as each other little is wasted
        some = ((held > least) & (held <= most)).nonzero()[:, 0] if most else (held == 0).nonzero()[:, 0]
        if len(some):
            k = torch.arange(int(held[some].max()), device=which.device)
            at = (begin[some, None] + k).clamp_max(max(0, len(which) - 1))
            yield (
                some,
                torch.where(k < held[some, None], which[at], n)
                if len(which)
                else torch.empty(len(some), 0, dtype=torch.long, device=which.device),
            )
        least = max(least, most)


def rasterise(
    f: Projected, height: int, width: int, background: float | Tensor = 1.0
) -> tuple[Float[Tensor, "h w k"], Float[Tensor, "h w"]]:
    """The picture over a background, and how much of each pixel is covered: front to back, C = Σ cᵢ αᵢ Πⱼ<ᵢ (1 − αⱼ)."""
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
            -0.5 * (inverse[..., 0, None] * dx * dx + inverse[..., 2, None] * dy * dy) - inverse[..., 1, None] * dx * dy
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
    """Splats at random inside what all views show against white (the visual hull), in the mean of the colours seen there."""
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
    """Splats that look like the views, on the views' device: after each step its number, the splats, and the loss, 0.8 L1 +
    0.2 (1 − SSIM) (eq. 7)."""
    generator, device = torch.Generator().manual_seed(seed), views.device
    splats = init_from_visual_hull(views.cpu(), cameras, count, degree, generator).to(device)
    optim = torch.optim.Adam(
        [{"params": [part], "lr": RATES[name], "name": name} for name, part in splats.named_parameters()], eps=1e-15
    )
    order: list[int] = []
    pulled, seen = torch.zeros(2, len(splats), device=device)
    for step in range(1, steps + 1):
        order = order or torch.randperm(len(views), generator=generator).tolist()
        at = order.pop()
        optim.param_groups[0]["lr"] = RATES["means"] * 0.05 ** (step / steps)
        f = project(splats, cameras[at])
        f.means.retain_grad()
        made, _ = rasterise(f, *views.shape[1:3])
        loss = 0.8 * (made - views[at]).abs().mean() + 0.2 * (1 - ssim(made, views[at]))
        loss.backward()
        optim.step()
        optim.zero_grad()
        with torch.no_grad():
            there = f.reach[:, 0] > 0
            pulled += there * f.means.grad.norm(dim=1) * views.shape[2] / 2
            seen += there
            if step % growth.every == 0 and growth.first <= step <= growth.last * steps:
                densify_and_prune(splats, optim, pulled / seen.clamp_min(1), growth, generator)
                pulled, seen = torch.zeros(2, len(splats), device=device)
        yield step, splats, loss.item()


@torch.no_grad()
def densify_and_prune(
    splats: Gaussians3D,
    optim: torch.optim.Optimizer,
    pull: Float[Tensor, " n"],
    growth: Densification,
    generator: torch.Generator,
) -> None:
    """Faint splats go; those that are pulled about are doubled if small and split if large. Their optimiser's state goes with them."""
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
        @ (torch.randn(len(source), 3, generator=generator).to(source.device) * splats.scales[source].exp())[..., None]
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
        fresh = torch.arange(len(source), device=source.device) >= int(
            stay.sum()
        )  # they begin at rest, or a pair would never part
        optim.state[new] = {
            name: held[source].index_fill(0, fresh.nonzero()[:, 0], 0) if held.ndim else held
            for name, held in state.items()
        }


class Gaussians2D(nn.Module):
    """n splats that lie on a picture, in a fixed order from front to back: means and scales in pixels, an angle, an opacity, a colour."""

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
    """Splats on a plane that look like a picture: after each step its number, the splats, what they look like, and the loss. A third is there
    from the beginning; if they may grow, the others come where the picture is most wrong, and those that are hardly seen go there too."""
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
        made, _ = rasterise(spots.flat(), height, width, background)
        loss = 0.8 * (made - picture).abs().mean() + 0.2 * (1 - ssim(made, picture))
        loss.backward()
        optim.step()
        optim.zero_grad()
        if grow and step % 15 == 0 and step <= 0.7 * steps:
            with torch.no_grad():
                stay = (spots.opacities.sigmoid() > MIN_ALPHA * 4).nonzero()[:, 0]
                new = (
                    scattered(min(most - len(stay), max(1, most // 8)), (made - picture).abs().mean(-1))
                    if len(stay) < most
                    else None
                )
                for name, part in list(spots.named_parameters()):
                    setattr(spots, name, nn.Parameter(torch.cat([part[stay], *([getattr(new, name)] if new else [])])))
            optim = optimiser(spots)
        yield step, spots, made.detach(), loss.item()


def error_map(made: Float[Tensor, "h w 3"], wanted: Float[Tensor, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """The error map: white where a picture is right, red where it is wrong by a quarter of the range or more."""
    wrong = (4 * (made.detach().clamp(0, 1) - wanted).abs().mean(-1, keepdim=True)).clamp(0, 1)
    return to_uint8(1 - wrong * torch.tensor([0.1, 0.75, 0.85]))


def to_uint8(picture: Float[Tensor, "*n h w 3"]) -> UInt8[np.ndarray, "*n h w 3"]:
    """A picture in [0, 1] as pixels."""
    return (picture.detach().clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()


def enlarged(pictures: UInt8[np.ndarray, "*n h w 3"], times: int = 2) -> UInt8[np.ndarray, "*n h2 w2 3"]:
    """Each pixel as a square of pixels."""
    return pictures.repeat(times, -3).repeat(times, -2)
