"""Video: a picture with a time axis. The first frame is a picture, given or drawn; the others come out of the noise
together.

The model began as the image model, which is left as it is and draws the first frame (a picture, then its motion:
Girdhar et al. 2024). A clip's latents stand on top of each other, so that every place of every frame looks at every
other (full attention over space and time; Yang et al. 2024, CogVideoX), and each frame is told when it is, how it
moves, and, through a further input as a mask is in inpainting, the nearest frame that is given. In the world of scenes
what moves where is read from the words: each thing's box goes through the clip, and each frame has its own layout.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pipelines.core import contract
from pipelines.core.registry import get_spec
from pipelines.diffusion import samplers
from pipelines.diffusion.progress import follow
from pipelines.media.images import center_crop, from_url
from pipelines.models.editing.pipeline import EditingPipeline, keep_known
from pipelines.models.latent_diffusion import pipeline as latent_diffusion
from pipelines.models.latent_diffusion.known import KnownTokens
from pipelines.models.latent_diffusion.layout import LABELS, UNIT
from pipelines.models.latent_diffusion.pipeline_256 import load_vocabulary
from pipelines.models.video.motion_text import MotionRequest, plan_motion, read_motion
from pipelines.models.video.movement import WINDOW, Clock, Motion
from pipelines.models.video.network import VideoDiT, build, encode_amount, move_layout
from pipelines.models.video.spec import VideoSettings
from pipelines.nn import weights

OVERLAP = 3  # frames of a window that the next one is given
GREY = 30  # frames that are not drawn yet
STRIDE = 0x9E3779B1  # from one frame's seed to the next: so that the clips of neighbouring seeds share no noise
SHARED = 2**31  # from the clip's seed to that of what its frames share


class VideoPipeline(EditingPipeline):
    """Words, or a picture, to a clip."""

    name = "video"
    Settings = VideoSettings

    def motion(self) -> VideoDiT:
        """What was learnt of clips. Raises weights.WeightsError."""
        name = get_spec(self.name).weights_for({"world": self.world})[-1]
        return weights.cached(
            (f"{name} motion", self.base.device), lambda: weights.open_bundle(name, build).to(self.base.device)
        )

    @torch.inference_mode()
    def run_here(self, s: VideoSettings) -> Iterator[contract.Frame]:
        ways = get_args(VideoSettings.model_fields["method"].annotation) if s.compare else [s.method]
        runs = [s.model_copy(update={"method": way, "compare": False}) for way in ways]
        side = self.base.side
        empty = np.full((s.frames, side, side, 3), GREY, np.uint8)
        clips, states, results, calls, step = [empty] * len(runs), [empty] * len(runs), [], 0, 0
        steps = [s.steps * len(segments(one)) for one in runs]
        for k, one in enumerate(runs):
            for clips[k], states[k], there, note, detail in self.draw(one):
                step += 1
                last = step == sum(steps[: k + 1])
                results += [contract.VideoResult(clips[k], s.fps, self.name, one.model_dump())] if last else []
                there = s.frames if k else there  # how many frames are there to be played
                curves = [
                    contract.frame_differences(clip[:there], s.loop and there == s.frames) for clip in clips[: k + 1]
                ]
                detail |= {"calls": calls + detail["calls"], "real": self.motion().real}
                detail |= {"changes": curves, "ways": list(ways[: k + 1])}
                view = {"kind": "video", "frames": there, "of": s.frames, "fps": s.fps, "across": len(runs)}
                result = (results if s.compare else results[0]) if last and k == len(runs) - 1 else None
                sheet, noisy = (contract.tile(np.concatenate(every, axis=2)) for every in (clips, states))
                note = f"{one.method} · {note}" if s.compare else note
                yield contract.Frame(step, sum(steps), sheet, noisy, note, result, detail, view)
            calls = detail["calls"]

    def draw(self, s: VideoSettings) -> Iterator[tuple[np.ndarray, np.ndarray, int, str, dict[str, Any]]]:
        """The clip as it is believed to be after each step, uint8 (f, h, w, 3), its state, how many of its frames
        are there, a note and details; in spans, one after the other."""
        given = {
            at: self.latent(center_crop(from_url(picture), self.base.side))
            for at, picture in ((0, s.image), (s.frames - 1, s.last_image))
            if picture
        }
        side = self.base.side
        clip = state = np.full((s.frames, side, side, 3), GREY, np.uint8)
        drawn: dict[int, Tensor] = {}
        calls, times, blank = 0, samplers.timesteps(s.steps), torch.zeros(1, *self.shape(), device=self.base.device)
        plan, words, paths = self.plan_clip(s), s, {}
        if plan:
            words, paths = s.model_copy(update={"prompt": plan.request.caption}), {"paths": plan.describe()}
        for begin, end in segments(s):
            places = [k % s.frames for k in range(begin, end)]  # a long loop's last window ends in the first frame
            known_latents = [drawn.get(k, given.get(k)) for k in places]
            pinned = torch.cat([blank if k is None else k for k in known_latents])
            mask = torch.tensor([float(k is None) for k in known_latents], device=blank.device)[:, None, None, None]
            noise = self.noise(s, range(begin, end))
            if s.method == "joint" and end > 1:
                r = self.joint_context(words, times, pinned, mask, places, plan)
            else:
                r = self.base.prepare(words, times, len(places))
                if plan and plan.layout is not None:
                    layouts = plan.layouts(places).to(self.base.device)
                    r.condition.hint = self.base.layout_embedding(layouts).to(self.base.dtype)
            denoise = keep_known(r.denoise, pinned, mask)
            states = samplers.SAMPLERS[s.sampler](denoise, noise() * r.path.s(1.0), times, r.path, noise, s.eta)
            coder = self.base.autoencoder
            for step in follow(states, times[:-1], r.path):
                glances = coder.decode_preview(torch.cat([step.x0, step.state])).cpu().numpy()
                glances = latent_diffusion.enlarge(glances, side)
                shown = glances[: len(places)] if step.reached else self.base.decode_uint8(step.x).cpu().numpy()
                clip, state = clip.copy(), state.copy()
                for k, frame, noisy in zip(places, shown, glances[len(places) :], strict=True):
                    if k not in drawn:
                        clip[k], state[k] = frame, noisy
                spans = f" · frames {begin + 1} to {min(end, s.frames)}" if s.frames > WINDOW else ""
                note = step.note + spans
                detail = {**self.base.step_trace(r, step), **paths, "calls": calls + r.calls[0]}
                yield clip, state, min(end, s.frames), note, detail
            calls += r.calls[0]
            drawn = {k: step.x[i : i + 1] for i, k in enumerate(places)} | drawn

    def plan_clip(self, s: VideoSettings) -> MotionPlan | None:
        """What the words ask for of motion, and what stands where in the first frame: of scenes. The layout
        of a first frame that is given is known only where the settings say it."""
        if self.world == "people":
            return None
        request, clock, speed = read_motion(s.prompt), Clock(s.frames, s.loop), 2 * s.motion
        nothing = self.base.layout_embedding.nothing
        condition = self.base.condition(request.caption, "")
        layouts = self.base.draw_layouts(condition, s)
        if layouts is None:
            return MotionPlan(request, plan_motion(request, [], speed, clock)[1], clock, nothing)
        layout = layouts[0]
        boxes, motion = plan_motion(
            request, load_vocabulary().decode(layout), speed, clock, fixed=bool(s.image or s.layout)
        )
        if s.image and not s.layout:
            return MotionPlan(request, motion, clock, nothing)
        layout = layout.float()
        layout[: len(boxes), len(LABELS) :] = torch.tensor(boxes).reshape(-1, 4) / UNIT
        return MotionPlan(request, motion, clock, nothing, layout)

    def joint_context(
        self,
        s: VideoSettings,
        times: list[float],
        pinned: Tensor,
        mask: Tensor,
        places: list[int],
        plan: MotionPlan | None,
    ) -> latent_diffusion.SamplingContext:
        """A run whose frames look at each other.

        It has no guidance: words steer the first frame, which the others follow.
        """
        motion, clip = self.motion(), copy.copy(self.base)
        clip.transformer, clip.dtype = motion.transformer, torch.float32  # as the hints are
        given, around = 1 - mask.flatten()[None], s.loop and len(pinned) == s.frames
        if plan:
            features = torch.from_numpy(plan.motion.encode(plan.clock))[places][None].to(pinned)
            layouts = plan.layout if plan.layout is None else plan.layouts(places)[None].to(pinned)
            hint = motion.hint(pinned[None], given, features, around, layouts)
        else:
            amount = encode_amount(torch.tensor([s.motion], device=pinned.device), len(pinned))
            hint = motion.hint(pinned[None], given, amount, around)
        if plan:
            fresh = mask.expand(-1, 1, *pinned.shape[2:])
            clip.predict_velocity = KnownTokens(motion.transformer, pinned[None], fresh[None])
        still = interpolate_given(pinned, mask, around)
        r = clip.prepare(s.model_copy(update={"guidance": 1.0}), times, 1, lambda *_: lambda *_: [hint])
        flat = r.denoise
        r.denoise = lambda x, t: motion.rescale_harmonics(flat(x[None], t)[0], still, r.path.straight_time(t), around)
        return r

    def noise(self, s: VideoSettings, frames: range) -> samplers.Noise:
        """Of each frame its own; where it is to be shared, half of it, in variance, is the clip's (mixed noise; Ge et
        al. 2023, 4.2)."""
        own = [
            samplers.seeded_noise((s.seed + k * STRIDE) % 2**32, self.shape(), 1, self.base.device) for k in frames
        ]
        common = samplers.seeded_noise((s.seed + SHARED) % 2**32, self.shape(), 1, self.base.device)

        def draw() -> Tensor:
            noise = torch.cat([one() for one in own])
            return (noise + common()) / math.sqrt(2) if s.method == "shared" else noise

        return draw

    def shape(self) -> tuple[int, int, int]:
        """Of one frame's latent."""
        c = self.base.transformer.config
        return c.channels, c.size, c.size


@dataclass(frozen=True)
class MotionPlan:
    """How a clip of scenes is to move, and the layout of its first frame, where it is known; `nothing` is the kind that
    is none."""

    request: MotionRequest
    motion: Motion
    clock: Clock
    nothing: int
    layout: Float[Tensor, "t 9"] | None = None

    def layouts(self, places: list[int]) -> Float[Tensor, "f t 9"]:
        """What stands where in some frames."""
        assert self.layout is not None
        return move_layout(self.layout, self.nothing, self.motion, places, self.clock)

    def describe(self) -> dict[str, Any]:
        """What moves where: boxes of the first frame and where they are at the end, or at a loop's farthest; and
        what was understood."""
        found: dict[str, Any] = {"request": self.request.describe(), "things": []}
        if self.layout is not None:
            things = load_vocabulary().decode(self.layout.round().long())
            end = self.clock.frames // 4 if self.clock.loop else self.clock.frames - 1
            count = len(things)
            first, last = (
                (part[:count, len(LABELS) :] * UNIT).round().int().tolist() for part in self.layouts([0, end])
            )
            found["things"] = [
                {"name": thing["kind"], "from": a, "to": b} for thing, a, b in zip(things, first, last, strict=True)
            ]
        return found


def interpolate_given(
    z: Float[Tensor, "f c h w"], mask: Float[Tensor, "f 1 1 1"], loop: bool
) -> Float[Tensor, "f c h w"]:
    """The clip as it would be without motion: its given frames, and each other one on the straight line, in time,
    between those next to it."""
    given = [k for k, new in enumerate(mask.flatten().tolist()) if not new]
    shares = [np.interp(range(len(z)), given, one, period=len(z) if loop else None) for one in np.eye(len(given))]
    return torch.tensordot(torch.from_numpy(np.stack(shares, 1)).to(z), z[given], 1)


def segments(s: VideoSettings) -> list[tuple[int, int]]:
    """What is drawn one after the other: where no first frame is given, first that frame, by the image model; then the
    windows. Frames that are drawn each for itself have no first one."""
    return [(0, 1)] * (s.method == "joint" and not s.image) + joint_windows(s)


def joint_windows(s: VideoSettings) -> list[tuple[int, int]]:
    """Spans of frames that are drawn together, about as long as each other: each begins with the last OVERLAP of the
    one before, and a long loop's last ends with the first frame."""
    end = s.frames + (s.loop and s.frames > WINDOW)
    count = max(1, -(-(end - OVERLAP) // (WINDOW - OVERLAP)))
    length = -(-(end + (count - 1) * OVERLAP) // count)
    return [(k * (length - OVERLAP), min(k * (length - OVERLAP) + length, end)) for k in range(count)]
