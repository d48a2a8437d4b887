"""Gaussian splatting as a pipeline: splats while they are fitted to views, or to a picture on the plane (Kerbl et al.
2023)."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import UInt8

from pipelines.core import contract
from pipelines.media.images import center_crop, from_url
from pipelines.models.gaussian_splatting import files as scenes
from pipelines.models.gaussian_splatting import toys
from pipelines.models.gaussian_splatting.fit import Densification, enlarged, error_map, fit, fit_image, psnr
from pipelines.models.gaussian_splatting.rasterize import Camera, Gaussians3D, has_gsplat, render, to_uint8
from pipelines.models.gaussian_splatting.spec import STEPS_PER_PREVIEW, SplattingSettings


@runtime_checkable
class FitSettings(Protocol):
    """What every fit is asked for."""

    seed: int
    fit_steps: int
    max_gaussians: int
    densify: bool


def fit_views(
    views: UInt8[np.ndarray, "v h w 3"],
    cameras: Sequence[tuple[float | int, float | int]],
    s: FitSettings,
    degree: int,
    name: str,
) -> Iterator[tuple[int, Gaussians3D, np.ndarray, np.ndarray, str, dict[str, Any]]]:
    """Splats while they are fitted to views of 64 pixels: after each look its number, the splats, what the views'
    cameras see of them and what of that is wrong (both twice as large), a note, and details."""
    wanted, viewpoints = (
        torch.from_numpy(views).float() / 255,
        [Camera.around(float(a), float(e), size=views.shape[1]) for a, e in cameras],
    )
    begin = min(s.max_gaussians, max(1, s.max_gaussians * 2 // 5)) if s.densify else s.max_gaussians
    growth = (
        Densification(every=20, first=20, most=s.max_gaussians) if s.densify else Densification(every=s.fit_steps + 1)
    )
    shown = [k * len(cameras) // 8 for k in range(8)]
    for step, splats, loss in fit(
        wanted.to("cuda" if has_gsplat() else "cpu"), viewpoints, s.fit_steps, begin, degree, growth, s.seed
    ):
        if step % STEPS_PER_PREVIEW and step != s.fit_steps:
            continue
        splats = copy.deepcopy(splats).cpu()
        with torch.no_grad():
            renderings = [render(splats, viewpoints[k]) for k in shown]
        right = sum(psnr(one, wanted[k]) for one, k in zip(renderings, shown, strict=True)) / len(renderings)
        wrong = np.stack([error_map(one, wanted[k]) for one, k in zip(renderings, shown, strict=True)])
        detail = {
            "loss": loss,
            "psnr": round(right, 2),
            "of": name,
        }
        note = f"fitting: {step} of {s.fit_steps} · {len(splats)} splats · {right:.1f} dB"
        yield (
            -(-step // STEPS_PER_PREVIEW),
            splats,
            enlarged(to_uint8(torch.stack(renderings))),
            enlarged(wrong),
            note,
            detail,
        )


def view_grid(views: UInt8[np.ndarray, "8 h w 3"]) -> UInt8[np.ndarray, "h2 w4 3"]:
    """Eight views in two rows of four."""
    return views.reshape(2, 4, *views.shape[1:]).swapaxes(1, 2).reshape(2 * views.shape[1], 4 * views.shape[2], 3)


class SplattingPipeline(contract.Pipeline):
    """Splats fitted to true views of a toy, or to a picture on the plane: what both ways of making things end with."""

    name = "splatting"
    Settings = SplattingSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        pass  # nothing is learnt beforehand

    def run(self, s: SplattingSettings) -> Iterator[contract.Frame]:
        if s.method == "scene":
            parts, about = toys.compose(s.toy_id)
            cameras = [toys.CAMERAS[k] for k in range(0, 36) if k % 3 != 1]
            views, _ = toys.shoot(parts, cameras)
            for look, splats, renderings, wrong, note, more in fit_views(
                views, cameras, s, s.sh_degree, toys.caption(about, random.Random(0))[0]
            ):
                result = scenes.GaussianResult(splats, self.name, s.model_dump()) if look == s.steps else None
                yield contract.Frame(
                    look,
                    s.steps,
                    view_grid(renderings),
                    view_grid(wrong),
                    note,
                    result,
                    {"calls": 0, **more},
                    scenes.view(splats),
                )
            return
        wanted = torch.from_numpy(np.array(center_crop(from_url(s.image)))).float() / 255
        for step, spots, rendering, loss in fit_image(wanted, s.fit_steps, s.max_gaussians, s.densify, s.seed):
            if step % STEPS_PER_PREVIEW and step != s.fit_steps:
                continue
            picture, look = to_uint8(rendering), -(-step // STEPS_PER_PREVIEW)
            result = contract.ImageResult(picture, self.name, s.model_dump()) if look == s.steps else None
            note = f"fitting: {step} of {s.fit_steps} · {len(spots)} splats · {psnr(rendering, wanted):.1f} dB"
            yield contract.Frame(
                look, s.steps, picture, error_map(rendering, wanted), note, result, {"calls": 0, "loss": loss}
            )
