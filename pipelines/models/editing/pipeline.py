"""Editing with the weights of latent diffusion: a picture's like, a part anew.

Each is the same denoiser with something around it: a start in the middle of the path, or an estimate that is held to
what is known.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, get_args

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from pipelines import load
from pipelines.core import contract
from pipelines.core.registry import get_spec
from pipelines.core.settings import SamplingSettings
from pipelines.diffusion import samplers
from pipelines.media.images import center_crop, from_url, resized
from pipelines.models.editing.spec import InpaintingSettings, VariationSettings
from pipelines.models.latent_diffusion import pipeline as latent_diffusion
from pipelines.models.latent_diffusion.known import KnownTokens
from pipelines.models.latent_diffusion.worlds import WorldPipeline
from pipelines.models.lora.adapter import LoRA, applied
from pipelines.models.next_scale.quantize import PATCH, SIDES
from pipelines.nn import weights
from pipelines.nn.dit import DiT, patchify
from pipelines.nn.pixels import to_tensor

MARGIN = 0.05  # of a mask's width and height on each side, where a thing does not reach
FADE = 0.06  # of the square: the depth within a mask at which a blend has fallen to 1 / e


class EditingPipeline(WorldPipeline):
    """What the editing pipelines share: pictures to latents, and runs beside each other."""

    def latent(self, picture: UInt8[np.ndarray, "h w 3"]) -> Float[Tensor, "1 c hs ws"]:
        """A picture whose sides are whole places, as the autoencoder sees it."""
        x = to_tensor(np.array(picture)[None])
        return self.base.autoencoder.encode(x.to(self.base.device))

    def noise(self, s: SamplingSettings, like: Tensor) -> samplers.Noise:
        return samplers.seeded_noise(s.seed, tuple(like.shape[1:]), s.count, self.base.device)

    def adapter(self) -> MaskAdapter:
        """What makes the base the mask-conditioned model: the last of this pipeline's weights. Raises
        weights.WeightsError."""

        name = get_spec(self.name).weights_for({"world": self.world})[-1]

        def build() -> MaskAdapter:
            return weights.open_bundle(name, lambda config: MaskAdapter(self.base.transformer, **config)).to(
                self.base.device
            )

        return weights.cached((f"{name} adapter", self.base.device), build)

    def prepare(
        self,
        s: Any,
        times: list[float],
        adapter: MaskAdapter | None,
        z: Tensor,
        mask: Tensor,
        samples: int | None = None,
    ) -> latent_diffusion.SamplingContext:
        """A run in which the mask-conditioned model sees what is known; without it, the base alone."""
        base = copy.copy(self.base)
        if adapter is None:
            return base.prepare(s, times, samples)
        if adapter.clean:
            base.predict_velocity = KnownTokens(base.transformer, z, mask)
        return base.prepare(s, times, samples, adapter.steer(z, mask))

    def side_by_side(self, runs: list[Any], names: list[str], start: np.ndarray) -> Iterator[contract.Frame]:
        """Several runs, one after the other, shown side by side; each result carries its own settings."""
        strip, results, done, steps, calls = [start] * len(runs), [], 0, sum(self.steps(s) for s in runs), 0
        for k, s in enumerate(runs):
            for f in self.run(s):
                strip[k], done = latent_diffusion.enlarge(f.preview[None], len(start))[0], done + 1
                results += [f.result] if f.result else []
                last, detail = done == steps, {**f.trace, "calls": calls + f.trace["calls"]}
                yield contract.Frame(
                    done,
                    steps,
                    np.concatenate(strip, axis=1),
                    None,
                    " · ".join(names) if last else names[k],
                    results if last else None,
                    detail,
                )
            calls = detail["calls"]

    def steps(self, s: Any) -> int:
        """How many steps a run of these settings has."""
        return s.steps


class VariationPipeline(EditingPipeline):
    """SDEdit (Meng et al. 2022): noise the picture up to a time, and develop it again from there."""

    name = "variation"
    Settings = VariationSettings

    def steps(self, s: VariationSettings) -> int:
        return max(1, round(s.steps * s.strength))

    @torch.inference_mode()
    def run_here(self, s: VariationSettings) -> Iterator[contract.Frame]:
        if s.ladder:
            rungs = [s.model_copy(update={"strength": k / 10, "ladder": False, "count": 1}) for k in range(1, 10)]
            yield from self.side_by_side(
                rungs, [f"{r.strength:.1f}" for r in rungs], center_crop(from_url(s.image), self.base.side)
            )
            return
        if s.count > 1 and self.device == "cpu":
            yield from latent_diffusion.draw_alone(self.run, s)
            return
        z = self.latent(center_crop(from_url(s.image), self.base.side))
        times = samplers.timesteps(self.steps(s), s.strength)
        r, noise = self.base.prepare(s, times), self.noise(s, z)
        x = r.path.a(s.strength) * z + r.path.s(s.strength) * noise()
        states = samplers.SAMPLERS[s.sampler](r.denoise, x, times, r.path, noise, s.eta)
        yield from self.base.frames_from_steps(self.name, r, states, times[:-1])


class InpaintingPipeline(EditingPipeline):
    """A masked part anew. All methods hold the estimate to the known latents; RePaint (Lugmayr et al. 2022) also goes
    back, and the conditioned model sees the mask and what is around it."""

    name = "inpainting"
    Settings = InpaintingSettings

    def schedule(self, s: InpaintingSettings) -> list[int]:
        """Step indices from noise down to 0, with RePaint's ways back."""
        return repaint_schedule(
            s.steps, min(s.jump_length, max(s.steps - 1, 1)), s.jump_n_sample if s.method == "repaint" else 1
        )

    def steps(self, s: InpaintingSettings) -> int:
        if s.method == "next-scale":
            return len(SIDES)
        return sum(j < i for i, j in pairwise(self.schedule(s)))

    @torch.inference_mode()
    def run_here(self, s: InpaintingSettings) -> Iterator[contract.Frame]:
        if s.compare:
            every = get_args(InpaintingSettings.model_fields["method"].annotation)
            every = [method for method in every if method != "next-scale" or s.world == "scenes"]
            methods = [s.model_copy(update={"method": method, "compare": False, "count": 1}) for method in every]
            yield from self.side_by_side(methods, [m.method for m in methods], from_url(s.image))
            return
        if s.count > 1 and self.device == "cpu":
            yield from latent_diffusion.draw_alone(self.run, s)
            return
        whole, mask = from_url(s.image), from_url(s.mask) > 0
        place = CropBox.around(mask)
        z = self.latent(place.cut(whole, self.base.side))
        anew = place.cut(mask[..., None].repeat(3, 2).astype(np.uint8) * 255, self.base.side)[..., 0] > 0
        z_mask = latent_mask(anew, self.base.stride).to(z.device)
        left, top, width, height = cv2.boundingRect(anew.astype(np.uint8))
        wide, high = round(MARGIN * width), round(MARGIN * height)  # a hand paints around a thing
        within = (left + wide, top + high, left + width - wide, top + height - high)

        def lay(decoded: np.ndarray) -> np.ndarray:
            return np.stack([place.lay(whole, mask, one, s.blend, s.feather) for one in decoded])

        if s.method == "next-scale":
            yield from self.fill_scales(s, z, z_mask, within, lay)
            return
        indices = self.schedule(s)
        times = samplers.timesteps(s.steps)
        adapter = self.adapter() if s.method == "conditioned" else None
        r, noise = self.prepare(s, times, adapter, z, z_mask), self.noise(s, z)
        if self.base.count_things(r.condition):  # else what is behind the thing is asked for
            self.base.write_layout(r.condition, s, within=within)
        denoise = keep_known(adapter.wear(r.denoise, self.base.transformer) if adapter else r.denoise, z, z_mask)

        def states() -> Iterator[samplers.Step]:
            x = noise() * r.path.s(1.0)
            if s.method != "repaint":
                yield from samplers.SAMPLERS[s.sampler](denoise, x, times, r.path, noise, s.eta)
                return
            for i, j in pairwise(indices):
                t, u = times[s.steps - i], times[s.steps - j]
                if j < i:
                    (step,) = samplers.SAMPLERS[s.sampler](denoise, x, [t, u], r.path, noise, s.eta)
                    x = step[0]
                    yield step
                else:
                    x = renoise(x, t, u, r.path, noise)

        starts = [times[s.steps - i] for i, j in pairwise(indices) if j < i]
        for f in self.base.frames_from_steps(self.name, r, states(), starts, lay):
            f.trace["schedule"] = [times[s.steps - i] for i in indices]
            yield f

    def fill_scales(
        self,
        s: InpaintingSettings,
        z: Tensor,
        mask: Tensor,
        within: tuple[int, int, int, int],
        lay: Callable[[np.ndarray], np.ndarray],
    ) -> Iterator[contract.Frame]:
        """By next-scale prediction, a frame a scale: for the comparison with the diffusion editors."""
        pipe, entropies = load("next-scale", *self.where), []
        asked = pipe.Settings(prompt=s.prompt, seed=s.seed, guidance=s.guidance)
        for step, (total, entropy) in enumerate(pipe.fill(asked, z, mask, within), 1):
            entropies.append(round(entropy, 3))
            shown = self.base.decode_uint8(total).cpu().numpy()
            picture = lay(shown)[0]
            result = contract.ImageResult(picture, self.name, s.model_dump()) if step == len(SIDES) else None
            trace = {"calls": step, "entropies": list(entropies), "sides": [PATCH * n for n in SIDES]}
            trace |= {"device": f"{self.device}, float32"}
            yield contract.Frame(step, len(SIDES), picture, shown[0], f"scale {step}", result, trace)


class MaskAdapter(nn.Module):
    """What the mask-conditioned model adds to the base: the mask and the masked latent as a further input, zero at the
    start (as Rombach et al. 2022 fine-tuned theirs), and a LoRA beside the layers."""

    def __init__(self, base: DiT, rank: int = 16, clean: bool = False) -> None:
        """`clean` is whether it was taught with known tokens that are clean and have time 0."""
        super().__init__()
        self.clean = clean
        self.patch = base.config.patch
        self.enter = nn.Linear((base.config.channels + 1) * self.patch**2, base.config.width)
        self.lora = LoRA(base, rank)
        nn.init.zeros_(self.enter.weight)
        nn.init.zeros_(self.enter.bias)

    def forward(self, z: Float[Tensor, "b c h w"], mask: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b n d"]:
        """The hint for the base's tokens, from known latents and where (1) to draw anew."""
        return self.enter(patchify(torch.cat([z * (1 - mask), mask], 1), self.patch))

    def steer(self, z: Float[Tensor, "p c h w"], mask: Float[Tensor, "p 1 h w"]) -> latent_diffusion.ControlFn:
        """The same hints at every step of a run, whose rows repeat the given parts in their order."""
        hint = self(z, mask)
        return lambda condition, grid, count: (
            lambda x, t: [hint.to(condition.captions.dtype).repeat(len(x) // len(hint), 1, 1)]
        )

    def wear(self, denoise: samplers.Denoise, base: DiT) -> samplers.Denoise:
        """`denoise` while the base wears the LoRA; the captions were read without it, as in training."""

        def call(x: Tensor, t: float) -> Tensor:
            with applied(base, [(self.lora, 1.0)]):
                return denoise(x, t)

        return call


def keep_known(
    denoise: samplers.Denoise,
    z: Float[Tensor, "*shape"],
    mask: Float[Tensor, "*#shape"],
) -> samplers.Denoise:
    """The estimate where the mask is 1, and what is known elsewhere: so the known part follows its exact path,
    which is replacement at each step (Song et al. 2021, I.2) for every sampler at once."""
    return lambda x, t: torch.lerp(z, denoise(x, t), mask)


def repaint_schedule(steps: int, jump: int, resamples: int) -> list[int]:
    """RePaint's schedule of step indices from `steps` (noise) down to 0: each stretch of `jump` steps is walked down
    `resamples` times, with a way back up between (Lugmayr et al. 2022, fig. 10)."""
    again = dict.fromkeys(range(0, steps - jump, jump), resamples - 1)
    at, found = steps, [steps]
    while at > 0:
        at -= 1
        found.append(at)
        if again.get(at, 0) > 0:
            again[at] -= 1
            at += jump
            found.append(at)
    return found


def renoise(x: Tensor, t: float, u: float, path: samplers.Schedule, noise: samplers.Noise) -> Tensor:
    """A state of time t as one of the later time u > t, by the path's own forward step."""
    ratio = path.a(u) / path.a(t)
    return ratio * x + math.sqrt(max(path.s(u) ** 2 - (ratio * path.s(t)) ** 2, 0.0)) * noise()


def latent_mask(mask: np.ndarray, stride: int) -> Float[Tensor, "1 1 h w"]:
    """Which latents, of `stride` pixels a side, a mask (h, w) of booleans touches: 1 where to draw anew."""
    return F.max_pool2d(torch.from_numpy(mask).float()[None, None], stride)


class CropBox:
    """A square of a picture, which may reach over its edges, and the way there and back."""

    def __init__(self, top: int, left: int, side: int) -> None:
        self.top, self.left, self.side = top, left, side

    @classmethod
    def around(cls, mask: np.ndarray) -> CropBox:
        """The largest square inside the picture that holds the mask in its middle, or the picture's long side if none
        does."""
        height, width = mask.shape
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        spans = [(rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1)]
        side = min(height, width)
        if max(b - a for a, b in spans) > side:
            side = max(height, width)
        corner = []
        for length, (a, b) in zip((height, width), spans, strict=True):
            low, high = sorted((0, length - side))
            corner.append(int(np.clip((a + b - side) // 2, low, high)))
        return cls(*corner, side)

    def cut(self, picture: UInt8[np.ndarray, "h w 3"], to: int) -> UInt8[np.ndarray, "s s 3"]:
        """The square at a model's size; beyond the edges, the edge goes on."""
        height, width = picture.shape[:2]
        rows = np.clip(np.arange(self.top, self.top + self.side), 0, height - 1)
        columns = np.clip(np.arange(self.left, self.left + self.side), 0, width - 1)
        return resized(picture[rows][:, columns], to)

    def lay(
        self, whole: np.ndarray, mask: np.ndarray, decoded: np.ndarray, blend: bool, feather: int
    ) -> UInt8[np.ndarray, "h w 3"]:
        """`whole` with `decoded` where the mask is, faded in over `feather` pixels; blended, its colours follow those
        around (Poisson; Pérez et al. 2003), less and less towards the middle: a thing there keeps its own."""
        height, width = mask.shape
        depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)[..., None]
        sheet = np.array(whole)
        top, left = max(self.top, 0), max(self.left, 0)
        bottom, right = min(self.top + self.side, height), min(self.left + self.side, width)
        sheet[top:bottom, left:right] = resized(decoded, self.side)[
            top - self.top : bottom - self.top, left - self.left : right - self.left
        ]
        if blend:
            inner = mask.astype(np.uint8) * 255
            inner[[0, -1]] = inner[:, [0, -1]] = 0  # the blend needs a border that is known
            x, y, w, h = cv2.boundingRect(inner)
            if min(w, h) > 2:  # OpenCV fails on less, where there is no inside to blend either
                middle = (x + w // 2, y + h // 2)
                blended = cv2.seamlessClone(sheet, np.array(whole), inner, middle, cv2.NORMAL_CLONE)
                share = np.exp(-depth / (FADE * self.side))
                sheet = (sheet + share * (blended.astype(np.float32) - sheet)).round().astype(np.uint8)
        if feather and not mask.all():
            share = np.clip(depth / (feather + 1), 0, 1)
            sheet = (whole + share * (sheet.astype(np.float32) - whole)).round().astype(np.uint8)
        return np.where(mask[..., None], sheet, whole)
