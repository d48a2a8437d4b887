"""What the 3D tab does, measured beside true views of held-out toys, which are made here. A quarter of an hour of two
cores.

`python -m bench shape.fitted` measures one of them. Seeds are 0, 1, 2, … What belongs to the card is written to it.
"""

from __future__ import annotations

import functools
import itertools
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.spatial import cKDTree
from torch import nn

from bench.edits import last
from bench.video import EXAMPLES
from pipelines import datasets as data
from pipelines import load
from pipelines.core.cards import add_measurements
from pipelines.media.images import to_url
from pipelines.models.gaussian_splatting import files as scenes
from pipelines.models.gaussian_splatting import toys
from pipelines.models.gaussian_splatting.fit import Densification, enlarged, fit, psnr, ssim
from pipelines.models.gaussian_splatting.rasterize import (
    Camera,
    Gaussians3D,
    Projected,
    project,
    rasterise,
    render,
    to_uint8,
)
from pipelines.models.multiview import pipeline as multiview
from pipelines.models.multiview.pipeline import POSES

SEEN = [toys.CAMERAS[k] for k in range(36) if k % 3 != 1]  # 24 views to fit, and 12 to look at
UNSEEN = [toys.CAMERAS[k] for k in range(36) if k % 3 == 1]

SAID = [  # a dozen prompts for the README, seeds 0 to 11
    "a red mushroom with white dots, short stem", "a blue rocket with red fins", "a white snowman with green hat",
    "a yellow cup with blue stripes",
    "a green chair, high back", "a red car with blue top", "a tree with red apples", "a gold robot",
    "a pink house, purple roof, 2 windows",
    "an orange fish", "a chocolate cake with pink icing", "a blue boat",
]  # fmt: skip


@functools.cache
def held_out(n: int, split: str = "test") -> list[int]:
    """Numbers of toys whose kind in whose colour was not trained on."""
    return [k for k in range(2000) if toys.compose(k)[1]["split"] == split][:n]


def camera(at: multiview.Pose, size: int = toys.SIDE) -> Camera:
    return Camera.around(float(at[0]), float(at[1]), size=size)


def true_views(number: int, cameras: list[multiview.Pose]) -> torch.Tensor:
    """True views of a toy, (v, 64, 64, 3) in [0, 1]."""
    return torch.from_numpy(toys.shoot(toys.compose(number)[0], cameras)[0]).float() / 255


@torch.no_grad()
def against(splats: Gaussians3D, cameras: list[multiview.Pose], views: torch.Tensor) -> tuple[float, float]:
    """Mean PSNR and SSIM of what cameras see of splats."""
    renderings = [render(splats, camera(at)).clamp(0, 1) for at in cameras]
    pairs = list(zip(renderings, views, strict=True))
    return float(np.mean([psnr(a, b) for a, b in pairs])), float(np.mean([ssim(a, b).item() for a, b in pairs]))


def untiled(f: Projected, size: int) -> torch.Tensor:
    """The same picture with every splat at every pixel."""
    step = torch.arange(size) + 0.5
    pixel, order = torch.stack([step.repeat(size), step.repeat_interleave(size)], 1), f.depth.argsort()
    dx, dy = (pixel[None, :, i] - f.means[order, i, None] for i in (0, 1))
    a, b, c = f.inverse[order].unbind(1)
    alpha = (
        f.opacity[order, None]
        * torch.exp(-0.5 * (a[:, None] * dx * dx + c[:, None] * dy * dy) - b[:, None] * dx * dy)
    ).clamp_max(0.99)
    alpha = torch.where(alpha >= 1 / 255, alpha, 0)
    through = torch.log1p(-alpha).cumsum(0)
    weights = alpha * (through - torch.log1p(-alpha)).exp()
    return weights.T @ f.colours[order] + through[-1].exp()[:, None]


def speed() -> dict[str, Any]:
    """Milliseconds to draw and to learn, medians of 9; seconds from words to a thing, and to the first preview."""

    def cloud(n: int) -> Gaussians3D:
        torch.manual_seed(0)
        return Gaussians3D(torch.randn(n, 3) * 0.3, torch.rand(n, 3), 0.6 / n ** (1 / 3) / 2)

    def median(work: Any, times: int = 9) -> float:
        spent = []
        for _ in range(times):
            begun = time.perf_counter()
            work()
            spent.append(time.perf_counter() - begun)
        return round(1000 * float(np.median(spent)), 1)

    small, large, eye = cloud(1024), cloud(20_000), camera((30, 15))
    found: dict[str, Any] = {
        "1,024 splats at 64 x 64, forward and backward, ms (bar 100)": median(
            lambda: rasterise(project(small, eye), 64, 64)[0].sum().backward()
        ),
        "the same, untiled, ms (bar 3 times as much)": median(
            lambda: untiled(project(small, eye), 64).sum().backward(), 3
        ),
    }
    with torch.no_grad():
        found["20,000 splats at 256 x 256, ms (bar 1000)"] = median(lambda: render(large, camera((30, 15), 256)), 3)
    pipe, whole, first = load("text-to-3d"), [], []
    last(pipe, prompt="a car", steps=1, fit=10)
    for k in range(3):
        begun = time.perf_counter()
        run = pipe.generate(prompt="a red mushroom with white dots, short stem", seed=k)
        next(run)
        first.append(time.perf_counter() - begun)
        for _ in run:
            pass
        whole.append(time.perf_counter() - begun)
    seconds = round(float(np.median(whole)), 1)
    add_measurements("multiview", {"words to splats, 2 cores": f"{seconds} s"})
    memory = round(psutil.Process().memory_info().rss / 1e9, 2)
    return {
        **found,
        "words to splats, s (bar 40)": seconds,
        "first preview, s (bar 1.5)": round(float(np.median(first)), 2),
        "memory, GB (bar 2)": memory,
    }


def fitted(n: int = 6) -> dict[str, Any]:
    """24 true views of held-out toys, fitted: 12 others; and how far the mesh lies from the true surface, also of eight
    views alone."""
    found: dict[str, list] = {"psnr": [], "ssim": [], "seconds": [], "mesh": [], "mesh of 8 views": []}
    for number in held_out(n):
        views, begun = true_views(number, SEEN), time.perf_counter()
        *_, (_, splats, _) = fit(
            views,
            [camera(at) for at in SEEN],
            steps=400,
            count=800,
            degree=1,
            growth=Densification(every=30, first=30, most=3000),
        )
        found["seconds"].append(time.perf_counter() - begun)
        psnr, ssim = against(splats, UNSEEN, true_views(number, UNSEEN))
        found["psnr"].append(psnr)
        found["ssim"].append(ssim)
        found["mesh"].append(chamfer(splats, number))
        *_, (_, splats, _) = fit(
            true_views(number, POSES),
            [camera(at) for at in POSES],
            steps=200,
            count=600,
            growth=Densification(every=20, first=20, most=1500),
        )
        found["mesh of 8 views"].append(chamfer(splats, number))
    metrics = {name: round(float(np.mean(values)), 4) for name, values in found.items()}
    return {"n": n, **metrics, "bars": "30 dB, 0.95, 60 s", "worst psnr": round(min(found["psnr"]), 1)}


def chamfer(splats: Gaussians3D, number: int, count: int = 4000) -> float:
    """Mean distance, both ways, between the mesh's surface and the toy's; a toy is about 1.5 across."""
    parts = toys.compose(number)[0]
    grid = torch.stack(torch.meshgrid(*[torch.linspace(-1.05, 1.05, 84)] * 3, indexing="ij"), -1).reshape(-1, 3)
    d, _ = toys.scene(parts, grid)
    near = grid[d.abs() < 0.03]
    for _ in range(4):  # along the gradient to the surface
        here = toys.scene(parts, near)[0]
        slope = torch.stack(
            [toys.scene(parts, near + s)[0] - toys.scene(parts, near - s)[0] for s in 0.004 * torch.eye(3)], 1
        )
        near = near - here[:, None] * F.normalize(slope, dim=1)
    true = near[torch.randperm(len(near), generator=torch.Generator().manual_seed(0))[:count]].numpy()
    points = scenes.trimesh.sample.sample_surface(scenes.mesh(splats), count, seed=0)[0]
    return float((cKDTree(true).query(points)[0].mean() + cKDTree(points).query(true)[0].mean()) / 2)


def judge(views: np.ndarray, labels: list[str], recoloured: bool) -> Callable[[np.ndarray], list[str]]:
    """What a small network that learnt labels from real toys, (n, v, 64, 64, 3), says of others; `recoloured` where
    colours are not to matter. It is taught on moved, scaled, blurred and noisy views, for drawn ones are softer than
    real ones.
    """
    torch.manual_seed(0)
    names, rng, sizes = sorted(set(labels)), np.random.default_rng(0), (3, 32, 64, 96, 128)
    layers = [
        layer
        for a, b in itertools.pairwise(sizes)
        for layer in (nn.Conv2d(a, b, 3, 2, 1), nn.GroupNorm(8, b), nn.SiLU())
    ]
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(512, len(names)))
    optim, steps = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.02), 500
    ink, target = (
        planes(views).flatten(0, 1),
        torch.tensor([names.index(label) for label in labels]).repeat_interleave(views.shape[1]),
    )
    for step in range(steps):
        optim.param_groups[0]["lr"] = 2e-3 * min(1, 2 * (1 - step / steps))
        picks = torch.from_numpy(rng.integers(0, len(ink), 64))
        place = torch.eye(2, 3).repeat(64, 1, 1) * torch.empty(64, 1, 1).uniform_(0.85, 1.25)
        place[:, :, 2] = torch.empty(64, 2).uniform_(-0.2, 0.2)
        x = F.grid_sample(ink[picks], F.affine_grid(place, (64, 3, 64, 64), align_corners=False), align_corners=False)
        x = F.avg_pool2d(x, 3, 1, 1) if rng.random() < 0.5 else x
        if recoloured:
            x = torch.stack([one[torch.randperm(3)] for one in x]) * torch.empty(64, 3, 1, 1).uniform_(0.4, 1)
        loss = F.cross_entropy(net(x + 0.03 * torch.randn_like(x)), target[picks])
        optim.zero_grad()
        loss.backward()
        optim.step()
    net.eval()

    @torch.inference_mode()
    def classify(others: np.ndarray) -> list[str]:
        votes = net(planes(others).flatten(0, 1)).log_softmax(1).unflatten(0, others.shape[:2]).mean(1)
        return [names[k] for k in votes.argmax(1).tolist()]

    return classify


def planes(views: np.ndarray) -> torch.Tensor:
    """What is not white, (n, v, 3, h, w) in [0, 1]."""
    return 1 - torch.from_numpy(views).permute(0, 1, 4, 2, 3).float() / 255


def asked(n: int = 60, count: int = 900) -> dict[str, Any]:
    """Held-out captions: whether kind and colour are as asked, by judges of real toys that know every colour of every
    kind (a third of what they learn from is held out from the model, too), and how well splats fit the drawn views."""
    faces, rng, wanted = [0, 1, 6], random.Random(0), held_out(n)
    splits = {k: toys.compose(k)[1]["split"] for k in range(4 * count)}
    train, rest = (
        [k for k, split in splits.items() if (split == "train") == side and k not in wanted] for side in (True, False)
    )
    learnt = train[: count * 2 // 3] + rest[: count // 3]
    real, truth = (
        np.stack([toys.shoot(toys.compose(k)[0], [POSES[face] for face in faces])[0] for k in some])
        for some in (learnt, wanted)
    )
    pipe, views, agreed = load("text-to-3d"), [], []
    for k, number in enumerate(wanted):
        prompt = toys.caption(toys.compose(number)[1], rng)[0]
        for frame, images in pipe.views(pipe.Settings(prompt=prompt, seed=k), POSES, 1):  # noqa: B007 - the last stay
            pass
        assert frame.step == pipe.Settings().steps
        views.append(images)
    sheet = np.concatenate([multiview.view_grid(v) for v in views[:12]])
    Image.fromarray(sheet).save(data.cache_dir() / "views.png")
    views = [images.reshape(8, 64, 2, 64, 2, 3).mean((2, 4)).round().astype(np.uint8) for images in views]
    for k, images in enumerate(views[:24]):
        *_, (_, splats, *_) = multiview.fitted(images, POSES, pipe.Settings(seed=k), 0, "")
        agreed.append(against(splats, POSES, torch.from_numpy(images).float() / 255)[0])
    found: dict[str, Any] = {"n": n}
    for name, bar in (("kind", 0.85), ("colour", 0.8)):
        tell = judge(real, [toys.compose(k)[1][name] for k in learnt], recoloured=name == "kind")
        for what, seen_so in (("drawn", np.stack(views)[:, faces]), ("real", truth)):
            right = [label == toys.compose(k)[1][name] for label, k in zip(tell(seen_so), wanted, strict=True)]
            found[f"{name}, {what} (bar {bar})"] = round(float(np.mean(right)), 3)
    true = []
    for k in held_out(8):
        pictures = toys.shoot(toys.compose(k)[0], POSES)[0]
        *_, (_, splats, *_) = multiview.fitted(pictures, POSES, pipe.Settings(), 0, "")
        true.append(against(splats, POSES, torch.from_numpy(pictures).float() / 255)[0])
    found |= {
        "drawn views fitted, dB (bar 26; n = 24)": round(float(np.mean(agreed)), 1),
        "true views fitted, dB (n = 8)": round(float(np.mean(true)), 1),
    }
    add_measurements("multiview", {
        "kind as asked": f"{found['kind, drawn (bar 0.85)']} (real {found['kind, real (bar 0.85)']}; n = {n} held-out captions)",
        "colour as asked": f"{found['colour, drawn (bar 0.8)']} (real {found['colour, real (bar 0.8)']})",
        "splats fit the drawn views": f"{found['drawn views fitted, dB (bar 26; n = 24)']} dB (true ones {found['true views fitted, dB (n = 8)']})",
    })  # fmt: skip
    return found


def pictured(n: int = 12) -> dict[str, Any]:
    """Held-out toys from their front view: the others against the truth, by angle; and after the fit, unseen ones."""
    pipe, by, unseen = load("image-to-3d"), {at: [] for at in POSES[1:]}, []
    for k, number in enumerate(held_out(n)):
        truth = true_views(number, POSES)
        front = to_url(Image.fromarray(enlarged((truth[0] * 255).round().byte().numpy())))
        settings = pipe.Settings(image=front, seed=k)
        for _, images in pipe.views(settings, POSES, 1):  # noqa: B007 - the last stays
            pass
        small = images.reshape(8, 64, 2, 64, 2, 3).mean((2, 4)).round().astype(np.uint8)
        for at, one, true in zip(POSES[1:], small[1:], truth[1:], strict=True):
            by[at].append(psnr(torch.from_numpy(one).float() / 255, true))
        *_, (_, splats, *_) = multiview.fitted(small, POSES, settings, 0, "")
        unseen.append(against(splats, UNSEEN, true_views(number, UNSEEN))[0])
    psnrs = {f"{a}° round, {e}° up": round(float(np.mean(values)), 1) for (a, e), values in by.items()}
    add_measurements(
        "multiview", {"from one picture, unseen views": f"{np.mean(unseen):.1f} dB (n = {n} held-out toys)"}
    )
    return {
        "n": n,
        "drawn views, dB": psnrs,
        "unseen views of the splats, dB (bar 20)": round(float(np.mean(unseen)), 1),
    }


def sheets() -> dict[str, Any]:
    """What the README shows: a dozen prompts, seeds 0 to 11, from words to splats, each seen from four sides; not
    picked."""
    seen_from = [camera((azimuth, 20), 128) for azimuth in (20, 110, 200, 290)]
    generated = [last(load("text-to-3d"), prompt=prompt, seed=k).result.splats for k, prompt in enumerate(SAID)]
    with torch.no_grad():
        views = [to_uint8(render(splats, eye)) for splats in generated for eye in seen_from]
    sheet = data.contact_sheet(np.stack(views), columns=8)
    sheet.resize((sheet.width * 3 // 4, sheet.height * 3 // 4)).save(EXAMPLES / "shape.jpg", quality=88)
    return {"n": len(generated), "splats": [len(splats) for splats in generated]}


def measure() -> dict[str, Any]:
    """All of it."""
    return {part.__name__: part() for part in (speed, sheets, fitted, asked, pictured)}
