"""The rasteriser against brute force in double precision, its gradients, and how a splat looks."""

from __future__ import annotations

import time
from typing import Any

import gsplat
import pytest
import torch
from gsplat.cuda import _torch_impl
from torch import Tensor

from pipelines.models.gaussian_splatting import fit, rasterize
from pipelines.models.gaussian_splatting.rasterize import (
    MAX_ALPHA,
    MIN_ALPHA,
    Camera,
    Gaussians3D,
    Projected,
    project,
    render,
)


def cloud(n: int, degree: int = 1, seed: int = 0, scale: float = 0.05) -> Gaussians3D:
    generator = torch.Generator().manual_seed(seed)
    splats = Gaussians3D(
        torch.randn(n, 3, generator=generator) * 0.4, torch.rand(n, 3, generator=generator), scale, degree=degree
    )
    with torch.no_grad():
        for part, spread in (
            (splats.scales, 0.5),
            (splats.rotations, 1.0),
            (splats.opacities, 1.5),
            (splats.harmonics, 0.3),
        ):
            part += spread * torch.randn(part.shape, generator=generator)
    return splats


def brute(f: Projected, size: int, background: float = 1.0) -> torch.Tensor:
    """Every splat at every pixel, one after the other."""
    step = torch.arange(size, dtype=f.means.dtype) + 0.5
    y, x = torch.meshgrid(step, step, indexing="ij")
    picture, left = (
        torch.zeros(size, size, f.colours.shape[1], dtype=f.means.dtype),
        torch.ones(size, size, dtype=f.means.dtype),
    )
    for i in f.depth.argsort():
        dx, dy = x - f.means[i, 0], y - f.means[i, 1]
        a, b, c = f.inverse[i]
        alpha = (f.opacity[i] * torch.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy)).clamp_max(MAX_ALPHA)
        alpha = torch.where(alpha >= MIN_ALPHA, alpha, 0)
        picture = picture + (left * alpha)[..., None] * f.colours[i]
        left = left * (1 - alpha)
    return picture + left[..., None] * background


@pytest.mark.parametrize(("n", "size", "scale"), [(300, 64, 0.05), (40, 30, 0.3), (1, 17, 0.02)])
def test_it_agrees_with_brute_force(n: int, size: int, scale: float) -> None:
    splats, camera = cloud(n, degree=2, scale=scale), Camera.around(30.0, 20.0, size=size)
    wanted = brute(project(splats.double(), camera), size)
    made = render(splats.float(), camera)
    assert (made.double() - wanted).abs().max() < 1e-4


def test_gradients_agree_with_finite_differences() -> None:
    torch.manual_seed(0)
    splats, camera = cloud(12, degree=1, scale=0.1).double(), Camera.around(200.0, -10.0, size=16)
    weights = torch.randn(16, 16, 3, dtype=torch.float64)

    def loss() -> torch.Tensor:
        return (render(splats, camera) * weights).sum()

    loss().backward()
    for part in splats.parameters():
        for at in torch.randint(part.numel(), (6,)).tolist():
            flat, step = part.data.view(-1), 1e-5
            before = flat[at].item()
            values = []
            for side in (step, -step):
                flat[at] = before + side
                values.append(loss().item())
            flat[at] = before
            found = (values[0] - values[1]) / (2 * step)
            assert part.grad.view(-1)[at].item() == pytest.approx(found, rel=1e-3, abs=1e-3)


def test_the_nearer_splat_hides_the_farther_and_nothing_is_the_background() -> None:
    camera = Camera.around(0.0, 0.0, size=32)  # it stands at positive z
    pair = Gaussians3D(
        torch.tensor([[0.0, 0, 0.5], [0.0, 0, -0.5]]), torch.tensor([[1.0, 0, 0], [0.0, 0, 1]]), 0.3, opacity=0.98
    )
    middle = render(pair, camera)[16, 16]
    assert middle[0] > 0.9 and middle[2] < 0.1
    behind = render(pair, Camera.around(180.0, 0.0, size=32))[16, 16]
    assert behind[2] > 0.9 and behind[0] < 0.1
    assert torch.equal(
        render(Gaussians3D(torch.tensor([[0.0, 0, 5.0]]), torch.rand(1, 3), 0.1), camera, 0.25),
        torch.full((32, 32, 3), 0.25),
    )


def test_cameras_look_at_the_middle_with_y_up() -> None:
    for azimuth, elevation in ((0.0, 0.0), (90.0, 30.0), (210.0, -40.0)):
        camera = Camera.around(azimuth, elevation)
        seen = camera.world_to_camera @ torch.tensor([0.0, 0, 0, 1])
        assert torch.allclose(seen[:3], torch.tensor([0.0, 0, 2.6]), atol=1e-5)
        assert (camera.world_to_camera @ torch.tensor([0.0, 0.5, 0, 1]))[
            1
        ] < 0  # up in the world is up in the picture
        assert torch.allclose(torch.linalg.det(camera.world_to_camera[:3, :3]), torch.tensor(1.0), atol=1e-5)
    assert (Camera.around(0.0, 0.0).world_to_camera @ torch.tensor([0.5, 0, 0, 1]))[0] > 0


def test_tiles_hold_every_splat_that_reaches_them_nearest_first() -> None:
    f = project(cloud(200), Camera.around(10.0, 10.0, size=48))
    seen: set[int] = set()
    for tile, which in rasterize.tiles(f, 48, 48):
        for number, row in zip(tile.tolist(), which, strict=True):
            seen.add(number)
            row = row[row < 200]
            assert (f.depth[row].diff() >= 0).all()
            corner = torch.tensor([number % 6, number // 6]) * rasterize.TILE
            reached = ((f.means + f.reach >= corner) & (f.means - f.reach < corner + rasterize.TILE)).all(1) & (
                f.reach[:, 0] > 0
            )
            assert set(row.tolist()) == set(reached.nonzero()[:, 0].tolist())
    assert seen == set(range(36))


def test_nothing_is_the_background_and_growth_stays_below_its_limit() -> None:
    camera = Camera.around(0.0, 0.0, size=16)
    assert torch.equal(render(Gaussians3D(torch.zeros(0, 3), torch.zeros(0, 3), 0.1), camera), torch.ones(16, 16, 3))
    splats = cloud(10)
    optim = torch.optim.Adam([{"params": [part], "name": name} for name, part in splats.named_parameters()])
    (render(splats, camera).sum()).backward()
    optim.step()
    for limit, wanted in ((10, 10), (13, 13), (13, 13)):
        with torch.no_grad():
            splats.opacities.fill_(1.0)
        fit.densify_and_prune(
            splats,
            optim,
            torch.ones(len(splats)),
            fit.Densification(most=limit),
            torch.Generator().manual_seed(0),
        )
        assert len(splats) == wanted
    assert not optim.state[splats.means]["exp_avg"][10:].any() and optim.state[splats.means]["exp_avg"][:10].any()


def test_it_is_faster_than_without_tiles() -> None:
    splats, camera = cloud(1024, degree=0, scale=0.03), Camera.around(0.0, 0.0, size=64)

    def untiled() -> torch.Tensor:
        f = project(splats, camera)
        order = f.depth.argsort()
        step = torch.arange(64) + 0.5
        dx = step.repeat(64)[None] - f.means[order, :1]
        dy = step.repeat_interleave(64)[None] - f.means[order, 1:]
        a, b, c = f.inverse[order].unbind(1)
        alpha = (
            f.opacity[order, None]
            * torch.exp(-0.5 * (a[:, None] * dx * dx + c[:, None] * dy * dy) - b[:, None] * dx * dy)
        ).clamp_max(MAX_ALPHA)
        through = torch.log1p(-alpha).cumsum(0)
        weights = alpha * (through - torch.log1p(-alpha)).exp()
        return (weights.T @ f.colours[order] + through[-1].exp()[:, None]).view(64, 64, 3)

    spent = {}
    for name, draw in (("tiled", lambda: render(splats, camera)), ("untiled", untiled)):
        times = []
        for _ in range(4):
            begun = time.perf_counter()
            draw().sum().backward()
            times.append(time.perf_counter() - begun)
        spent[name] = min(times)
    assert spent["tiled"] < spent["untiled"] / 3


def test_similarity_is_1_for_a_picture_and_itself_and_less_for_others() -> None:
    a = torch.rand(32, 32, 3)
    assert fit.ssim(a, a).item() == pytest.approx(1, abs=1e-5)
    assert fit.ssim(a, torch.rand(32, 32, 3)) < 0.5


def test_a_fit_finds_a_scene_from_its_views_and_grows_where_it_lacks() -> None:
    true = Gaussians3D(
        torch.tensor([[0.0, 0, 0], [0.3, 0.3, 0], [-0.3, 0.2, 0.3]]),
        torch.tensor([[1.0, 0, 0], [0, 0.7, 0], [0, 0, 1.0]]),
        0.15,
        opacity=0.95,
    )
    cameras = [Camera.around(45.0 * k, 20.0 * (k % 2), size=32) for k in range(8)]
    unseen = Camera.around(67.0, 10.0, size=32)
    with torch.no_grad():
        views, wanted = torch.stack([render(true, camera) for camera in cameras]), render(true, unseen)
    counts = []
    for _step, splats, _loss in fit.fit(views, cameras, steps=150, count=80):
        counts.append(len(splats))
    with torch.no_grad():
        made = render(splats, unseen)
    assert fit.psnr(made, wanted) > 24
    assert counts[0] == 80 and max(counts) != 80
    repeated = [part for *_, part in zip(range(20), fit.fit(views, cameras, steps=20, count=80), strict=False)][-1]
    again = [part for *_, part in zip(range(20), fit.fit(views, cameras, steps=20, count=80), strict=False)][-1]
    assert repeated[2] == again[2]


def test_gsplats_tiles_and_our_projection_give_the_same_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """gsplat's kernels need a GPU; its reference for sorting splats into tiles does not, and what its kernel then does
    is written out here."""

    def draw(
        means: Tensor,
        conics: Tensor,
        colours: Tensor,
        opacity: Tensor,
        width: int,
        height: int,
        tile: int,
        begin: Tensor,
        which: Tensor,
    ) -> Any:
        picture, left = torch.zeros(1, height, width, 3), torch.ones(1, height, width, 1)
        ends = [*begin.flatten()[1:].tolist(), len(which)]
        for place, (start, end) in enumerate(zip(begin.flatten().tolist(), ends, strict=True)):
            row, column = divmod(place, begin.shape[2])
            ys, xs = (
                torch.arange(row * tile, min(height, (row + 1) * tile)),
                torch.arange(column * tile, min(width, (column + 1) * tile)),
            )
            for i in which[start:end].tolist():
                dx, dy = xs + 0.5 - means[0, i, 0], (ys + 0.5 - means[0, i, 1])[:, None]
                a, b, c = conics[0, i]
                alpha = (opacity[0, i] * torch.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy)).clamp_max(0.999)
                alpha = torch.where(alpha >= 1 / 255, alpha, 0)[..., None]
                picture[0, ys[:, None], xs] += left[0, ys[:, None], xs] * alpha * colours[0, i]
                left[0, ys[:, None], xs] *= 1 - alpha
        return picture, 1 - left

    monkeypatch.setattr(gsplat, "isect_tiles", _torch_impl._isect_tiles)
    monkeypatch.setattr(gsplat, "isect_offset_encode", _torch_impl._isect_offset_encode)
    monkeypatch.setattr(gsplat, "rasterize_to_pixels", draw)
    with torch.no_grad():
        f = project(cloud(120, scale=0.05), Camera.around(30.0, 20.0, size=40))
        for ours, theirs in zip(
            rasterize.rasterise(f, 40, 40, 0.3), rasterize.rasterize_gsplat(f, 40, 40, 0.3), strict=True
        ):
            assert (ours - theirs).abs().max() < 1e-4
