"""Video: a picture with a time axis. The first frame is a picture, given or drawn; the others come out of the noise
together.

The model began as the image model, which is left as it is and draws the first frame (a picture, then its motion:
Girdhar et al. 2024). A clip's latents stand on top of each other, so that every place of every frame looks at every
other (full attention over space and time; Yang et al. 2024, CogVideoX), and each frame is told when it is, how much is
to move, and, through a further input as a mask is in inpainting, the nearest frame that is given.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipelines.core import contract
from pipelines.diffusion import samplers
from pipelines.diffusion.progress import follow
from pipelines.media.images import MODEL_SIDE as SIDE
from pipelines.media.images import center_crop, from_url
from pipelines.models.editing.pipeline import EditingPipeline, keep_known
from pipelines.models.latent_diffusion import pipeline as latent_diffusion
from pipelines.models.video.spec import VideoSettings
from pipelines.nn import weights
from pipelines.nn.dit import Config, DiT, patchify

WINDOW = 16  # frames that are drawn together
OVERLAP = 3  # frames of a window that the next one is given
CALIBRATION_TIMES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.98)  # straight times at which an estimate's motion is calibrated
GREY = 30  # frames that are not drawn yet
STRIDE = 0x9E3779B1  # from one frame's seed to the next: so that the clips of neighbouring seeds share no noise
SHARED = 2**31  # from the clip's seed to that of what its frames share


def time_features(frames: int, loop: bool) -> Float[Tensor, "f 17"]:
    """What a frame's time looks like to the model: four harmonics once around a loop, or four of its place among
    WINDOW; and which."""
    time, zero = torch.arange(frames) / (frames if loop else WINDOW), torch.zeros(frames, 8)
    waves = 2 * math.pi * time[:, None] * (torch.arange(1, 5) if loop else 0.5 * 2 ** torch.arange(4))
    waves = torch.cat([waves.cos(), waves.sin()], 1)
    return torch.cat([*((waves, zero) if loop else (zero, waves)), torch.full((frames, 1), float(loop))], 1)


class VideoDiT(nn.Module):
    """Predicts the velocity of a clip's latents, from a caption, when each frame is, how much is to move, and the
    frames that are given."""

    def __init__(self, config: Config = Config(), real: float = 0.0, gains: list[list[float]] | None = None) -> None:
        """`real` is what the clips that it learnt from change by from frame to frame, 0 to 255, to compare with;
        `gains` what its estimate of each harmonic of their motion, 0 to WINDOW / 2, is to be multiplied by at each of
        KNOTS to fit them best (least squares).
        """
        super().__init__()
        self.config, self.real, c = config, real, config
        self.gains = gains or [[1.0] * (WINDOW // 2 + 1)] * len(CALIBRATION_TIMES)
        self.transformer = DiT(c)
        self.time = nn.Sequential(nn.Linear(21, c.width), nn.SiLU(), nn.Linear(c.width, c.width))
        self.enter = nn.Linear((c.channels + 1) * c.patch**2, c.width)
        nn.init.zeros_(self.enter.weight)
        nn.init.zeros_(self.enter.bias)

    def nearest(
        self, z: Float[Tensor, "b f c h w"], given: Float[Tensor, "b f"], loop: bool
    ) -> Float[Tensor, "b f c h w"]:
        """For each frame the given one that is nearest in time; zeros where none is given."""
        at = torch.arange(given.shape[1], device=z.device)
        away = (at[:, None] - at).abs()
        away = torch.minimum(away, len(at) - away) if loop else away
        found = (away + 2 * len(at) * (1 - given)[:, None]).argmin(2)
        return z[torch.arange(len(z), device=z.device)[:, None], found] * given.amax(1)[:, None, None, None, None]

    def rescale_harmonics(
        self, x0: Float[Tensor, "f c h w"], still: Float[Tensor, "f c h w"], t: float, loop: bool
    ) -> Float[Tensor, "f c h w"]:
        """An estimate at a straight time, its difference from the still clip scaled harmonic by harmonic: a small model
        makes slow motion too small and adds a quick flicker. Of a loop these are harmonics; of others, those of the
        clip there and back, which has no jump.
        """
        moved = x0 - still
        moved = moved if loop else torch.cat([moved, moved.flip(0)])
        waves = torch.fft.rfft(moved, dim=0)
        gains = [np.interp(t, CALIBRATION_TIMES, column) for column in zip(*self.gains, strict=True)]
        at = np.arange(len(waves)) * (1 if loop else WINDOW / len(moved))
        scaled = waves * torch.from_numpy(np.interp(at, range(len(gains)), gains)).to(x0)[:, None, None, None]
        return still + torch.fft.irfft(scaled, n=len(moved), dim=0)[: len(x0)]

    def hint(
        self, z: Float[Tensor, "b f c h w"], given: Float[Tensor, "b f"], amount: Float[Tensor, " b"], loop: bool
    ) -> Float[Tensor, "b n d"]:
        """What the tokens are told: each frame's time, the amount of motion, 0 to 1, whether the frame is given (1),
        and the latent of the given frame that is nearest in time."""
        count, frames, device = *given.shape, z.device
        there = given[:, :, None, None, None].expand(-1, -1, 1, *z.shape[3:])
        tokens = self.enter(patchify(torch.cat([self.nearest(z, given, loop), there], 2), self.config.patch)).flatten(
            1, 2
        )
        much = math.pi * amount[:, None] * torch.arange(1, 5, device=device)
        time = torch.cat(
            [
                time_features(frames, loop).to(device).expand(count, -1, -1),
                much.cos()[:, None].expand(-1, frames, -1),
            ],
            2,
        )
        return tokens + self.time(time).repeat_interleave(len(self.transformer.position), 1)


class VideoPipeline(EditingPipeline):
    """Words, or a picture, to a clip."""

    name = "video"
    Settings = VideoSettings

    def motion(self) -> VideoDiT:
        """What was learnt of clips. Raises weights.WeightsError."""

        def build() -> VideoDiT:
            tensors, about = weights.load_bundle("video")
            real, gains = about["config"].pop("real"), about["config"].pop("gains")
            return weights.load_into(VideoDiT(Config(**about["config"]), real, gains), tensors, "video").to(
                self.base.device
            )

        return weights.cached(("video motion", self.base.device), build)

    @torch.inference_mode()
    def run(self, s: VideoSettings) -> Iterator[contract.Frame]:
        ways = get_args(VideoSettings.model_fields["method"].annotation) if s.compare else [s.method]
        runs = [s.model_copy(update={"method": way, "compare": False}) for way in ways]
        empty = np.full((s.frames, SIDE, SIDE, 3), GREY, np.uint8)
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
        """The clip as it is believed to be after each step, uint8 (f, 128, 128, 3), its state, how many of its frames
        are there, a note and details; in spans, one after the other."""
        given = {
            at: self.latent(center_crop(from_url(picture)))
            for at, picture in ((0, s.image), (s.frames - 1, s.last_image))
            if picture
        }
        clip = state = np.full((s.frames, SIDE, SIDE, 3), GREY, np.uint8)
        drawn: dict[int, Tensor] = {}
        calls, times, blank = 0, samplers.timesteps(s.steps), torch.zeros(1, *self.shape(), device=self.base.device)
        for begin, end in segments(s):
            places = [k % s.frames for k in range(begin, end)]  # a long loop's last window ends in the first frame
            known_latents = [drawn.get(k, given.get(k)) for k in places]
            pinned = torch.cat([blank if k is None else k for k in known_latents])
            mask = torch.tensor([float(k is None) for k in known_latents], device=blank.device)[:, None, None, None]
            noise = self.noise(s, range(begin, end))
            r = (
                self.joint_context(s, times, pinned, mask)
                if s.method == "joint" and end > 1
                else self.base.prepare(s, times, len(places))
            )
            denoise = keep_known(r.denoise, pinned, mask)
            states = samplers.SAMPLERS[s.sampler](denoise, noise() * r.path.s(1.0), times, r.path, noise, s.eta)
            coder = self.base.autoencoder
            for step in follow(states, times[:-1], r.path):
                glances = coder.decode_preview(torch.cat([step.x0, step.state])).cpu().numpy()
                shown = glances[: len(places)] if step.reached else self.base.decode_uint8(step.x).cpu().numpy()
                clip, state = clip.copy(), state.copy()
                for k, frame, noisy in zip(places, shown, glances[len(places) :], strict=True):
                    if k not in drawn:
                        clip[k], state[k] = frame, noisy
                spans = f" · frames {begin + 1} to {min(end, s.frames)}" if s.frames > WINDOW else ""
                note = step.note + spans
                detail = self.base.step_trace(r, step)
                yield clip, state, min(end, s.frames), note, {**detail, "calls": calls + r.calls[0]}
            calls += r.calls[0]
            drawn = {k: step.x[i : i + 1] for i, k in enumerate(places)} | drawn

    def joint_context(
        self, s: VideoSettings, times: list[float], pinned: Tensor, mask: Tensor
    ) -> latent_diffusion.SamplingContext:
        """A run whose frames look at each other.

        It has no guidance: words steer the first frame, which the others follow.
        """
        motion, clip = self.motion(), copy.copy(self.base)
        clip.transformer, clip.dtype = motion.transformer, torch.float32  # as the hints are
        batch, around = (pinned[None], 1 - mask.flatten()[None]), s.loop and len(pinned) == s.frames
        hint, still = (
            motion.hint(*batch, torch.tensor([s.motion], device=pinned.device), around),
            interpolate_given(pinned, mask, around),
        )
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
