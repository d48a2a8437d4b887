"""Words, or one picture, to a thing that can be turned: its views come out of the noise together, and splats are fitted
to them.

The views are pictures like any other, and the model began as the image model: eight latents stand on top of each other,
so that every place of every view looks at every other (cross-view attention; Shi et al. 2024, MVDream). Each view is
told where its camera stands, and, through a further input as a mask is in inpainting, what is seen from there if that
is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipelines import text
from pipelines.core import contract
from pipelines.diffusion import samplers
from pipelines.diffusion.progress import follow
from pipelines.media.control_maps import cut_out_object
from pipelines.media.images import MODEL_SIDE as SIDE
from pipelines.media.images import from_url
from pipelines.models.editing.pipeline import keep_known
from pipelines.models.gaussian_splatting import files as scenes
from pipelines.models.gaussian_splatting.pipeline import fit_views, view_grid
from pipelines.models.gaussian_splatting.spec import STEPS_PER_PREVIEW
from pipelines.models.latent_diffusion import autoencoder_128 as autoencoder
from pipelines.models.latent_diffusion import pipeline as latent_diffusion
from pipelines.models.multiview.spec import ImageTo3DSettings, TextTo3DSettings
from pipelines.nn import weights
from pipelines.nn.dit import Config, DiT, patchify

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
        self, z: Float[Tensor, "b v c h w"], given: Float[Tensor, "b v"], places: Float[Tensor, "b v 10"]
    ) -> Float[Tensor, "b n d"]:
        """What the tokens are told: where each view's camera stands (`angles`), whether it is given (1), and if so, its
        latent."""
        there = given[:, :, None, None, None].expand(-1, -1, 1, *z.shape[3:])
        views = self.enter(patchify(torch.cat([z * there, there], 2), self.config.patch))
        return (views + self.camera(places)[:, :, None]).flatten(1, 2)


def poses_from(azimuth: float | int = 0, elevation: float | int = 15) -> list[Pose]:
    """The eight cameras when the first stands there: the others stand around the thing from it."""
    return [(azimuth, elevation), *(((azimuth + a) % 360, e) for a, e in POSES[1:])]


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
        cameras, previews = (
            poses_from(s.azimuth, s.elevation) if isinstance(s, ImageTo3DSettings) else poses_from(),
            -(-s.fit_steps // STEPS_PER_PREVIEW),
        )
        for frame, images in self.views(s, cameras, previews):  # noqa: B007 - the last one's are fitted
            yield frame
        views = (
            images.reshape(8, SIDE // 2, 2, SIDE // 2, 2, 3).mean((2, 4)).round().astype(np.uint8)
        )  # what it was taught has 64 pixels
        for look, splats, renderings, wrong, note, detail in fit_views(views, cameras, s, 0, "the views"):
            result = scenes.GaussianResult(splats, self.name, s.model_dump()) if look == previews else None
            yield contract.Frame(
                s.steps + look,
                s.steps + previews,
                view_grid(renderings),
                view_grid(wrong),
                note,
                result,
                {**detail, "calls": frame.trace["calls"], "device": frame.trace["device"]},
                scenes.view(splats),
            )

    @torch.inference_mode()
    def views(
        self, s: TextTo3DSettings, cameras: list[Pose], previews: int
    ) -> Iterator[tuple[contract.Frame, np.ndarray]]:
        """A frame a step, and the eight views as they are then believed to be, uint8 (8, 128, 128, 3)."""
        c, front = self.model.config, None
        if isinstance(s, ImageTo3DSettings):
            front = self.autoencoder.encode(
                torch.from_numpy(cut_out_object(from_url(s.image))).permute(2, 0, 1)[None].float().to(self.device)
                / 127.5
                - 1
            )
        z, given = (
            torch.zeros(1, len(cameras), c.channels, c.size, c.size, device=self.device),
            torch.zeros(1, len(cameras), device=self.device),
        )
        if front is not None:
            z[:, 0], given[:, 0] = front, 1
        hint = self.model.hint(z, given, pose_features(cameras)[None].to(self.device))
        times = samplers.timesteps(s.steps)
        r = self.prepare(s, times, 1, lambda condition, grid, count: lambda x, t: [hint.repeat(len(x), 1, 1)])
        mask = (1 - given)[..., None, None, None].expand_as(z)
        # its order from the time when the views lay on top of each other, so that a seed keeps its thing
        stack = samplers.seeded_noise(s.seed, (c.channels, len(cameras) * c.size, c.size), 1, self.device)

        def noise() -> Tensor:
            return stack().unflatten(2, (len(cameras), c.size)).transpose(1, 2)

        states = samplers.SAMPLERS[s.sampler](
            keep_known(r.denoise, z, mask), noise() * r.path.s(1.0), times, r.path, noise, s.eta
        )
        for step in follow(states, times[:-1], r.path):
            shown, state = (self.autoencoder.decode_preview(z[0]).cpu().numpy() for z in (step.x0, step.state))
            if step.number == s.steps:
                shown = self.decode_uint8(step.x0[0]).cpu().numpy()
            detail = {**self.step_trace(r, step), "words": r.condition.names}
            yield (
                contract.Frame(
                    step.number,
                    s.steps + previews,
                    view_grid(shown),
                    view_grid(state),
                    f"views · {step.note}",
                    None,
                    detail,
                ),
                shown,
            )


class ImageTo3DPipeline(TextTo3DPipeline):
    """A picture of a thing, and words if there are any, to the thing."""

    name = "image-to-3d"
    Settings = ImageTo3DSettings
