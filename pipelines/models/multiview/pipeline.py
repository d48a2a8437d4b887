"""Words, or one picture, to a thing that can be turned: its views come out of the noise together, and splats are fitted to them.

The views are pictures like any other, and the model began as the image model: eight latents stand on top of each other, so that every
place of every view looks at every other (cross-view attention; Shi et al. 2024, MVDream). Each view is told where its camera stands,
and, through a further input as a mask is in inpainting, what is seen from there if that is given.
"""

from __future__ import annotations

import base64
import copy
import random
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from pipelines import text
from pipelines.core import contract
from pipelines.diffusion import samplers
from pipelines.media.control_maps import cut_out_object
from pipelines.media.images import MODEL_SIDE as SIDE
from pipelines.media.images import center_crop, from_url
from pipelines.models.editing.pipeline import keep_known
from pipelines.models.gaussian_splatting import files as scenes
from pipelines.models.gaussian_splatting import toys
from pipelines.models.gaussian_splatting.pipeline import (
    Camera,
    Densification,
    Gaussians3D,
    enlarged,
    error_map,
    fit,
    fit_image,
    has_gsplat,
    psnr,
    render,
    to_uint8,
)
from pipelines.models.gaussian_splatting.spec import STEPS_PER_PREVIEW, SplattingSettings
from pipelines.models.latent_diffusion import autoencoder_128 as autoencoder
from pipelines.models.latent_diffusion import pipeline as latent_diffusion
from pipelines.models.multiview.spec import ImageTo3DSettings, TextTo3DSettings
from pipelines.nn import weights
from pipelines.nn.dit import Config, DiT, fold_items, patchify, unfold_items

Pose = tuple[float | int, float | int]  # where a camera stands: azimuth and elevation, in degrees
POSES: list[Pose] = [
    (0, 15),
    (60, 15),
    (120, 15),
    (180, 15),
    (240, 15),
    (300, 15),
    (30, 40),
    (210, 40),
]  # eight views that see all of a thing


def pose_features(cameras: Sequence[Pose]) -> Float[Tensor, "v 10"]:
    """What a camera's place looks like to the model: four harmonics of its azimuth, and its elevation."""
    azimuth, elevation = torch.tensor(cameras, dtype=torch.float32).deg2rad().unbind(1)
    waves = azimuth[:, None] * torch.arange(1, 5)
    return torch.cat([waves.cos(), waves.sin(), elevation[:, None].sin() * 2, elevation[:, None].cos() * 2], 1)


class MultiView(nn.Module):
    """Predicts the velocity of several views' latents, from a caption, their cameras, and the views that are given."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.config, c = config, config
        self.transformer = DiT(c)
        self.camera = nn.Sequential(nn.Linear(10, c.width), nn.SiLU(), nn.Linear(c.width, c.width))
        self.enter = nn.Linear((c.channels + 1) * c.patch**2, c.width)
        nn.init.zeros_(self.enter.weight)
        nn.init.zeros_(self.enter.bias)

    def hint(
        self, seen: Float[Tensor, "b c h w"], given: Float[Tensor, "b v"], places: Float[Tensor, "b v 10"]
    ) -> Float[Tensor, "b n d"]:
        """What the tokens are told: where each view's camera stands (`angles`), whether it is given (1), and if so, its latent."""
        there = given.repeat_interleave(self.config.size, 1)[:, None, :, None].expand(-1, 1, -1, self.config.size)
        told = self.enter(patchify(torch.cat([seen * there, there], 1), self.config.patch))
        return told + self.camera(places).repeat_interleave((self.config.size // self.config.patch) ** 2, 1)


def poses_from(azimuth: float | int = 0, elevation: float | int = 15) -> list[Pose]:
    """The eight cameras when the first stands there: the others stand around the thing from it."""
    return [(azimuth, elevation), *(((azimuth + a) % 360, e) for a, e in POSES[1:])]


def fitted(
    views: UInt8[np.ndarray, "v h w 3"],
    cameras: Sequence[Pose],
    s: TextTo3DSettings | SplattingSettings,
    degree: int,
    name: str,
) -> Iterator[tuple[int, Gaussians3D, np.ndarray, np.ndarray, str, dict[str, Any]]]:
    """Splats while they are fitted to views of 64 pixels: after each look its number, the splats, what the views' cameras see of them and what of
    that is wrong (both twice as large), a note, and details."""
    wanted, seen = (
        torch.from_numpy(views).float() / 255,
        [Camera.around(float(a), float(e), size=views.shape[1]) for a, e in cameras],
    )
    begin = min(s.max_gaussians, max(1, s.max_gaussians * 2 // 5)) if s.densify else s.max_gaussians
    growth = (
        Densification(every=20, first=20, most=s.max_gaussians) if s.densify else Densification(every=s.fit_steps + 1)
    )
    shown = [k * len(cameras) // 8 for k in range(8)]
    for step, splats, loss in fit(
        wanted.to("cuda" if has_gsplat() else "cpu"), seen, s.fit_steps, begin, degree, growth, s.seed
    ):
        if step % STEPS_PER_PREVIEW and step != s.fit_steps:
            continue
        splats = copy.deepcopy(splats).cpu()
        with torch.no_grad():
            made = [render(splats, seen[k]) for k in shown]
        right = sum(psnr(one, wanted[k]) for one, k in zip(made, shown, strict=True)) / len(made)
        wrong = np.stack([error_map(one, wanted[k]) for one, k in zip(made, shown, strict=True)])
        detail = {
            "splats": {"url": splat_url(splats), "count": len(splats)},
            "moved": loss,
            "psnr": round(right, 2),
            "of": name,
        }
        note = f"fitting: {step} of {s.fit_steps} · {len(splats)} splats · {right:.1f} dB"
        yield (
            -(-step // STEPS_PER_PREVIEW),
            splats,
            enlarged(to_uint8(torch.stack(made))),
            enlarged(wrong),
            note,
            detail,
        )


def splat_url(splats: Gaussians3D) -> str:
    """Splats as the browser's viewer takes them: a .splat file as a data URL."""
    return "data:application/octet-stream;base64," + base64.b64encode(scenes.to_splat(splats)).decode()


def view_grid(views: UInt8[np.ndarray, "8 h w 3"]) -> UInt8[np.ndarray, "h2 w4 3"]:
    """Eight views in two rows of four."""
    return views.reshape(2, 4, *views.shape[1:]).swapaxes(1, 2).reshape(2 * views.shape[1], 4 * views.shape[2], 3)


class TextTo3DPipeline(latent_diffusion.LatentDiffusionPipeline):
    """Words to eight views that agree, and these to splats."""

    name = "text-to-3d"
    Settings: ClassVar[type[contract.Settings]] = TextTo3DSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.dtype = torch.float32  # the hints are; it is small
        self.model = weights.open_bundle("multiview", lambda config: MultiView(Config(**config))).to(self.device)
        self.transformer, self.autoencoder = self.model.transformer, autoencoder.load(self.device)
        c = self.transformer.config
        words = weights.open_bundle("toy-words", lambda _: text.Resampler(c.words, c.queries))
        self.resampler = words.to(self.device)

    def run(self, s: TextTo3DSettings) -> Iterator[contract.Frame]:
        cameras, looks = (
            poses_from(s.azimuth, s.elevation) if isinstance(s, ImageTo3DSettings) else poses_from(),
            -(-s.fit_steps // STEPS_PER_PREVIEW),
        )
        for frame, made in self.views(s, cameras, looks):  # noqa: B007 - the last one's are fitted
            yield frame
        views = (
            made.reshape(8, SIDE // 2, 2, SIDE // 2, 2, 3).mean((2, 4)).round().astype(np.uint8)
        )  # what it was taught has 64 pixels
        for look, splats, seen, wrong, note, detail in fitted(views, cameras, s, 0, "the views"):
            result = scenes.GaussianResult(splats, self.name, s.model_dump()) if look == looks else None
            yield contract.Frame(
                s.steps + look,
                s.steps + looks,
                view_grid(seen),
                view_grid(wrong),
                note,
                result,
                {**detail, "calls": frame.trace["calls"], "device": frame.trace["device"]},
            )

    @torch.inference_mode()
    def views(
        self, s: TextTo3DSettings, cameras: list[Pose], looks: int
    ) -> Iterator[tuple[contract.Frame, np.ndarray]]:
        """A frame a step, and the eight views as they are then believed to be, uint8 (8, 128, 128, 3)."""
        c, known = self.model.config, None
        if isinstance(s, ImageTo3DSettings):
            known = self.autoencoder.encode(
                torch.from_numpy(cut_out_object(from_url(s.image))).permute(2, 0, 1)[None].float().to(self.device)
                / 127.5
                - 1
            )
        z, given = (
            torch.zeros(1, len(cameras), c.channels, c.size, c.size, device=self.device),
            torch.zeros(1, len(cameras), device=self.device),
        )
        if known is not None:
            z[:, 0], given[:, 0] = known, 1
        seen = self.model.hint(fold_items(z), given, pose_features(cameras)[None].to(self.device))
        times = samplers.timesteps(s.steps)
        r = self.prepare(s, times, 1, lambda condition, grid, count: lambda x, t: [seen.repeat(len(x), 1, 1)])
        fresh = fold_items((1 - given)[..., None, None, None].expand_as(z))
        noise, before = samplers.seeded_noise(s.seed, tuple(fresh.shape[1:]), 1, self.device), 0.0
        states = samplers.SAMPLERS[s.sampler](
            keep_known(r.denoise, fold_items(z), fresh), noise() * r.path.s(1.0), times, r.path, noise, s.eta
        )
        for i, (t, (x, x0, reached)) in enumerate(zip(times[:-1], states, strict=True), 1):
            glances = [unfold_items(part)[0] for part in (x0, x / max(r.path.a(reached) + r.path.s(reached), 1e-6))]
            shown, state = (self.autoencoder.decode_preview(part).cpu().numpy() for part in glances)
            if i == s.steps:
                shown = self.autoencoder.decode_uint8(glances[0]).cpu().numpy()
            moved, before = (x0 - before).abs().mean().item(), x0
            detail = {**self.step_trace(r, t, reached, moved), "words": r.condition.names}
            yield (
                contract.Frame(
                    i,
                    s.steps + looks,
                    view_grid(shown),
                    view_grid(state),
                    f"views · t {t:.2f} · |Δx0| {moved:.3f}",
                    None,
                    detail,
                ),
                shown,
            )


class ImageTo3DPipeline(TextTo3DPipeline):
    """A picture of a thing, and words if there are any, to the thing."""

    name = "image-to-3d"
    Settings = ImageTo3DSettings


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
            for look, splats, made, wrong, note, more in fitted(
                views, cameras, s, s.sh_degree, toys.caption(about, random.Random(0))[0]
            ):
                result = scenes.GaussianResult(splats, self.name, s.model_dump()) if look == s.steps else None
                yield contract.Frame(
                    look, s.steps, view_grid(made), view_grid(wrong), note, result, {"calls": 0, **more}
                )
            return
        wanted = torch.from_numpy(np.array(center_crop(from_url(s.image)))).float() / 255
        for step, spots, made, loss in fit_image(wanted, s.fit_steps, s.max_gaussians, s.densify, s.seed):
            if step % STEPS_PER_PREVIEW and step != s.fit_steps:
                continue
            picture, look = to_uint8(made), -(-step // STEPS_PER_PREVIEW)
            result = contract.ImageResult(picture, self.name, s.model_dump()) if look == s.steps else None
            note = f"fitting: {step} of {s.fit_steps} · {len(spots)} splats · {psnr(made, wanted):.1f} dB"
            yield contract.Frame(
                look, s.steps, picture, error_map(made, wanted), note, result, {"calls": 0, "loss": loss, "moved": loss}
            )
