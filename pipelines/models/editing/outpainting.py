"""Outpainting with the weights of latent diffusion and a mask-conditioned model: a canvas continued, window by
window."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from pipelines.core import contract
from pipelines.diffusion import samplers
from pipelines.media.images import from_url
from pipelines.models.editing.pipeline import EditingPipeline, keep_known, latent_mask
from pipelines.models.editing.spec import OutpaintingSettings
from pipelines.models.latent_diffusion.pipeline import draw_alone

CELLS = 16  # places a side of a window, which is what a base draws
STRIDE = 8  # places from one window to the next: half a window
EDGE = 2  # cells by which the canvas goes on for the decoder, which else draws the shade of a picture's own edge
STEP = 10  # of 255: what is less, from one cell to the next, is no edge
REACH = 12  # pixels in which a picture's own colours fade out around it


class OutpaintingPipeline(EditingPipeline):
    """A canvas continued from the picture outwards, ring by ring: overlapping windows of the model's own size, their
    estimates averaged (MultiDiffusion; Bar-Tal et al. 2023), each by the mask-conditioned model, which sees what is
    known of its window.
    """

    name = "outpainting"
    Settings = OutpaintingSettings

    @torch.inference_mode()
    def run_here(self, s: OutpaintingSettings) -> Iterator[contract.Frame]:
        if s.count > 1 and self.device == "cpu":
            yield from draw_alone(self.run, s)
            return
        picture = from_url(s.image)
        width, height = s.picture_size()
        if (height, width) != picture.shape[:2]:
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        sides = ((s.top, s.bottom), (s.left, s.right))
        size = [length + sum(added) for length, added in zip(picture.shape[:2], sides, strict=True)]
        ragged = [
            -length % self.base.stride for length in size
        ]  # the canvas of the latents is whole cells; what is over is cut off again
        borders = [(before, after + over) for (before, after), over in zip(sides, ragged, strict=True)]
        canvas = np.pad(picture, [*borders, (0, 0)], mode="edge")
        mask = np.pad(np.zeros(picture.shape[:2], bool), borders, constant_values=True)
        z = self.latent(canvas).repeat(s.count, 1, 1, 1)
        unknown = latent_mask(mask, self.base.stride)
        plan, times = window_order(unknown[0, 0].numpy() > 0), samplers.timesteps(s.steps)
        r, noise, adapter = self.base.prepare(s, times), self.noise(s, z), self.adapter()
        keep = ~mask[..., None]

        def states() -> Iterator[samplers.Step]:
            x, still = z, unknown.to(z.device).repeat(s.count, 1, 1, 1)
            for spots in plan:
                parts = (extract_canvas(part, spots) for part in (x, still))
                ring = self.prepare(s, times, adapter, *parts, samples=s.count * len(spots))
                ring_mask, before = still * coverage(spots, still), r.calls[0]
                denoise = keep_known(
                    multidiffusion(adapter.wear(ring.denoise, self.base.transformer), spots), x, ring_mask
                )
                for step in samplers.SAMPLERS[s.sampler](
                    denoise, noise() * r.path.s(1.0), times, r.path, noise, s.eta
                ):
                    r.calls[0] = before + ring.calls[0]
                    yield *(F.pad(part, (EDGE,) * 4, mode="replicate") for part in step[:2]), step[2]
                x, still = step[0], still - ring_mask

        def lay(decoded: np.ndarray) -> np.ndarray:
            return np.stack(
                [
                    np.where(keep, canvas, match_border(canvas, mask, deblock(one, self.base.stride), borders))[
                        : size[0], : size[1]
                    ]
                    for one in decoded
                ]
            )

        for f in self.base.frames_from_steps(
            self.name, r, states(), times[:-1] * len(plan), lay, EDGE * self.base.stride
        ):
            f.trace["attention"] = []  # a map of one window says nothing of the canvas
            yield f


def window_order(unknown: Bool[np.ndarray, "h w"], side: int = CELLS) -> list[list[tuple[int, int]]]:
    """The windows that draw a canvas from what is known of it outwards: each ring holds those that then know about the
    most."""
    left, still, found = windows(*unknown.shape, side), unknown.copy(), []
    while still.any():
        counts = {(top, x): int(still[top : top + side, x : x + side].sum()) for top, x in left}
        left = [spot for spot in left if counts[spot]]
        least = min(counts[spot] for spot in left)
        found.append([spot for spot in left if counts[spot] <= 1.25 * least])
        for top, x in found[-1]:
            still[top : top + side, x : x + side] = False
    return found


def coverage(spots: list[tuple[int, int]], like: Tensor, side: int = CELLS) -> Tensor:
    """1 in the windows, 0 elsewhere."""
    inside = torch.zeros_like(like)
    for top, left in spots:
        inside[:, :, top : top + side, left : left + side] = 1
    return inside


def multidiffusion(denoise: samplers.Denoise, spots: list[tuple[int, int]], side: int = CELLS) -> samplers.Denoise:
    """The mean of the estimates of overlapping windows, weighted towards their middles (MultiDiffusion, eq. 5); 0 where
    none is."""
    ramp = 1 - (torch.arange(side) - (side - 1) / 2).abs() / (side / 2 + 0.5)
    weight = ramp[:, None] * ramp

    def whole(x: Tensor, t: float) -> Tensor:
        estimates = denoise(extract_canvas(x, spots, side), t).unflatten(0, (len(x), len(spots)))
        total, sums, w = torch.zeros_like(x), torch.zeros_like(x[:1, :1]), weight.to(x)
        for i, (top, left) in enumerate(spots):
            total[:, :, top : top + side, left : left + side] += w * estimates[:, i]
            sums[:, :, top : top + side, left : left + side] += w
        return total / sums.clamp_min(1e-6)

    return whole


def extract_canvas(
    x: Float[Tensor, "b c h w"], spots: list[tuple[int, int]], side: int = CELLS
) -> Float[Tensor, "bs c side side"]:
    """The windows of each sample, one after the other."""
    return torch.stack([x[:, :, top : top + side, left : left + side] for top, left in spots], 1).flatten(0, 1)


def windows(height: int, width: int, side: int = CELLS, stride: int = STRIDE) -> list[tuple[int, int]]:
    """Top left corners of windows that cover a canvas of latents, the last ones flush with its edges."""

    def along(length: int) -> list[int]:
        return sorted({*range(0, length - side, stride), length - side})

    return [(top, left) for top in along(height) for left in along(width)]


def deblock(decoded: UInt8[np.ndarray, "h w 3"], cell: int) -> UInt8[np.ndarray, "h w 3"]:
    """Small steps from one cell to the next spread over half a cell on each side, as a video's deblocking filter does;
    edges stay."""
    sheet, fade = (
        decoded.astype(np.float32),
        (1 - np.arange(cell // 2) / (cell // 2))[:, None, None] / 2,
    )
    for turned in (sheet, sheet.swapaxes(0, 1)):
        for k in range(cell, len(turned), cell):
            step = turned[k] - turned[k - 1]
            step = np.where(np.abs(step).max(-1, keepdims=True) < STEP, step, 0)
            turned[k : k + cell // 2] -= fade * step
            turned[k - cell // 2 : k] += fade[::-1] * step
    return sheet.clip(0, 255).round().astype(np.uint8)


def match_border(
    canvas: np.ndarray, mask: np.ndarray, decoded: np.ndarray, borders: list[tuple[int, int]]
) -> UInt8[np.ndarray, "h w 3"]:
    """What was made, its colours shifted near the picture's edge by as much as the model got the edge itself wrong; the
    shift fades within about REACH pixels."""
    (top, bottom), (left, right) = borders
    inside = (slice(top, len(mask) - bottom), slice(left, mask.shape[1] - right))
    error = cv2.blur(canvas[inside].astype(np.float32) - decoded[inside], (5, 5))
    fade = np.exp(-cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5) / REACH)[..., None]
    return (decoded + fade * np.pad(error, [*borders, (0, 0)], mode="edge")).clip(0, 255).round().astype(np.uint8)
