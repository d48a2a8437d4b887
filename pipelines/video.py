"""Video: a picture with a time axis. The first frame is a picture, given or drawn; the others come out of the noise together.

The image model stays as it is. Its own attention also sees the mean frame (as Wu et al. 2023 let it see the first), which alone makes
frames alike; behind each of its blocks, every place of the picture looks along time (temporal attention, zero at the start; Ho et al.
2022, Guo et al. 2024), which lets them move; and each frame is told the nearest one that is given, through a further input, as a mask
is in inpainting. Taken off, what is left is the image model, frame by frame.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any, get_args

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from pipelines import frame as contract
from pipelines import latent_diffusion, samplers, settings, weights
from pipelines.editing import Editing, held
from pipelines.lora import LoRA, worn
from pipelines.nn.causal import turned
from pipelines.nn.dit import Transformer, embed, patchify, unpatchify
from pipelines.pictures import MODEL_SIDE as SIDE
from pipelines.pictures import pixels, square

WINDOW = 16  # frames that are drawn together
OVERLAP = 3  # frames of a window that the next one is given
GREY = 30  # frames that are not drawn yet
STRIDE = 0x9E3779B1  # from one frame's seed to the next: so that the clips of neighbouring seeds share no noise
SHARED = 2**31  # from the clip's seed to that of what its frames share


class Across(nn.Module):
    """Attention along time at each place, modulated and gated by zero at the start."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.modulation = nn.Linear(width, 3 * width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.scale = nn.Parameter(torch.full((width // heads,), (width // heads) ** 0.5))
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Float[Tensor, "g f n d"], c: Float[Tensor, "g d"], turns: Float[Tensor, "f r"]) -> Float[Tensor, "g f n d"]:
        """Tokens n of f frames, a condition c a clip, and how far each frame turns each pair of a query's and key's numbers."""
        shift, scale, gate = self.modulation(c)[:, None, None].chunk(3, dim=-1)
        h = torch.addcmul(shift, F.layer_norm(x, x.shape[-1:]), 1 + scale).transpose(1, 2)
        q, k, v = self.qkv(h).unflatten(-1, (3, self.heads, -1)).permute(3, 0, 1, 4, 2, 5).flatten(1, 2).unbind()
        q, k = turned(F.normalize(q, dim=-1), turns), turned(F.normalize(k, dim=-1) * self.scale.square(), turns)
        h = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2).unflatten(0, h.shape[:2])
        return torch.addcmul(x, gate, self.out(h).transpose(1, 2))


def turns(frames: int, pairs: int, loop: bool, device: str | torch.device = "cpu") -> Float[Tensor, "f r"]:
    """How far each frame turns each pair. Loops use only the half of the pairs that goes around a circle, other clips only the half
    that goes along a line; so a loop's last frame is as near to the first as to the one before."""
    time, half = torch.arange(frames, device=device)[:, None].float(), pairs // 2
    line = 0.5 ** torch.linspace(0, 6, pairs - half, device=device)
    circle = 2 * math.pi / frames * (1 + torch.arange(half, device=device) % 8).float()
    return torch.cat([time * line * (not loop), time * circle * loop], dim=1)


class Motion(nn.Module):
    """What is learnt of time: attention along it behind every block, how much is to move, given frames as hints and as a share of the
    estimate, and a LoRA beside the layers."""

    def __init__(self, base: Transformer, rank: int = 16, real: float = 0.0) -> None:
        """`real` is what the clips that it learnt from change by from frame to frame, 0 to 255, to compare with."""
        super().__init__()
        c, self.real = base.config, real
        self.patch, self.width, self.pairs = c.patch, c.width, c.width // c.heads // 2
        self.blocks = nn.ModuleList([Across(c.width, c.heads) for _ in range(c.depth)])
        self.time = nn.Sequential(nn.Linear(2 * c.width, c.width), nn.SiLU(), nn.Linear(c.width, c.width), nn.SiLU())
        self.enter = nn.Linear((c.channels + 1) * c.patch**2, c.width)
        self.lora = LoRA(base, rank)
        self.still = nn.Linear(c.width, c.channels * c.patch**2)
        for layer in (self.enter, self.still):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def reference(self, z: Float[Tensor, "b c h w"], given: Float[Tensor, "b 1 1 1"], frames: int, loop: bool) -> tuple[Tensor, Tensor]:
        """Of each frame the latent of the given one that is nearest in time (b, c, h, w), and whether there is one (b, 1, 1, 1)."""
        z, given = z.unflatten(0, (-1, frames)), given.unflatten(0, (-1, frames))
        at = torch.arange(frames, device=z.device)
        away = (at[:, None] - at).abs()
        away = torch.minimum(away, frames - away) if loop else away
        nearest = (away + 2 * frames * (1 - given.flatten(1))[:, None]).argmin(2)
        there = given.amax(1, keepdim=True).expand_as(given)
        return (z[torch.arange(len(z), device=z.device)[:, None], nearest] * there).flatten(0, 1), there.flatten(0, 1)

    def pin(self, seen: Float[Tensor, "b c h w"], given: Float[Tensor, "b 1 1 1"]) -> Float[Tensor, "b n d"]:
        """The hint for the base's tokens: the reference, and whether a frame is itself given (1)."""
        return self.enter(patchify(torch.cat([seen, given.expand(-1, -1, *seen.shape[2:])], 1), self.patch))

    def settle(self, z: Tensor, v: Tensor, h: Tensor, t: Tensor, seen: Tensor, there: Tensor) -> Float[Tensor, "b c h w"]:
        """The velocity of an estimate that is, by a share that the last hidden state decides, the reference: at first by the share that
        would be best if the reference were as wrong as the model is at t = 1, for the model's error grows with t."""
        time = t.clamp_min(0.02)[:, None, None, None]
        share = unpatchify(self.still(h.to(self.still.weight.dtype)).float(), self.patch, z.shape[1])
        share = (share + 2 * time.log()).sigmoid() * there
        return v + (share * ((z.float() - seen) / time - v.float())).to(v.dtype)

    @contextlib.contextmanager
    def on(
        self, base: Transformer, t: Float[Tensor, " g"], amount: Float[Tensor, " g"], frames: int, loop: bool, reference: tuple[Tensor, Tensor]
    ) -> Iterator[None]:
        """The image model with a time axis while the block lasts: its rows are `frames` a clip, one clip after the other.

        `t` and `amount` of motion, both in [0, 1], a clip; where there are more clips than that, they repeat (guidance's second half).
        `reference` is what `reference` gave.
        """
        c = self.time(torch.cat([embed(t, self.width), embed(amount, self.width)], 1).to(self.enter.weight.dtype))
        angles, last = turns(frames, self.pairs, loop, t.device), []

        def behind(across: Across) -> Callable[[nn.Module, tuple, Tensor], Tensor]:
            def hook(_: nn.Module, __: tuple, x: Tensor) -> Tensor:
                clips = x.unflatten(0, (-1, frames))
                last[:] = [across(clips.to(c.dtype), c.repeat(len(clips) // len(c), 1), angles).flatten(0, 1).to(x.dtype)]
                return last[0]

            return hook

        def settled(_: nn.Module, given: tuple, v: Tensor) -> Tensor:
            again = len(v) // (frames * len(t))
            return self.settle(given[0], v, last[0], t.repeat_interleave(frames).repeat(again), *(part.repeat(again, 1, 1, 1) for part in reference))

        handles = [block.register_forward_hook(behind(across)) for block, across in zip(base.blocks, self.blocks, strict=True)]
        handles.append(base.register_forward_hook(settled))
        for block in base.blocks:
            block.frames = frames
        try:
            with worn(base, [(self.lora, 1.0)]):
                yield
        finally:
            for handle in handles:
                handle.remove()
            for block in base.blocks:
                block.frames = 1


class Pipeline(Editing):
    """Words, or a picture, to a clip."""

    name = "video"
    Settings = settings.Video

    def motion(self) -> Motion:
        """What was learnt of time. Raises weights.WeightsError."""

        def build() -> Motion:
            tensors, about = weights.read("video")
            return weights.fill(Motion(self.base.transformer, **about["config"]), tensors, "video").to(self.base.device)

        return weights.cached(("video motion", self.base.device), build)

    @torch.inference_mode()
    def run(self, s: settings.Video) -> Iterator[contract.Frame]:
        ways = get_args(settings.Video.model_fields["method"].annotation) if s.compare else [s.method]
        runs = [s.model_copy(update={"method": way, "compare": False}) for way in ways]
        empty = np.full((s.frames, SIDE, SIDE, 3), GREY, np.uint8)
        clips, states, made, calls, step = [empty] * len(runs), [empty] * len(runs), [], 0, 0
        steps = [s.steps * len(spans(one)) for one in runs]
        for k, one in enumerate(runs):
            for clips[k], states[k], there, note, detail in self.draw(one):
                step += 1
                last = step == sum(steps[: k + 1])
                made += [contract.Clip(clips[k], s.fps, self.name, one.model_dump())] if last else []
                there = s.frames if k else there  # how many frames are there to be played
                curves = [contract.changes(clip[:there], s.loop and there == s.frames) for clip in clips[: k + 1]]
                detail |= {"calls": calls + detail["calls"], "clip": {"frames": there, "of": s.frames, "fps": s.fps, "across": len(runs)}}
                detail |= {"changes": curves, "ways": list(ways[: k + 1]), "real": self.motion().real}
                result = (made if s.compare else made[0]) if last and k == len(runs) - 1 else None
                sheet, noisy = (contract.tile(np.concatenate(every, axis=2)) for every in (clips, states))
                yield contract.Frame(step, sum(steps), sheet, noisy, f"{one.method} · {note}" if s.compare else note, result, detail)
            calls = detail["calls"]

    def draw(self, s: settings.Video) -> Iterator[tuple[np.ndarray, np.ndarray, int, str, dict[str, Any]]]:
        """The clip as it is believed to be after each step, uint8 (f, 128, 128, 3), its state, how many of its frames are there, a note
        and details; in spans, one after the other."""
        given = {at: self.latent(square(pixels(picture))) for at, picture in ((0, s.image), (s.frames - 1, s.last)) if picture}
        clip = state = np.full((s.frames, SIDE, SIDE, 3), GREY, np.uint8)
        drawn: dict[int, Tensor] = {}
        calls, times, blank = 0, samplers.grid(s.steps), torch.zeros(1, *self.shape(), device=self.base.device)
        for begin, end in spans(s):
            motion = self.motion() if s.method == "joint" and end > 1 else None
            places = [k % s.frames for k in range(begin, end)]  # a long loop's last window ends in the first frame
            known = [drawn.get(k, given.get(k)) for k in places]
            pinned = torch.cat([blank if k is None else k for k in known])
            fresh = torch.tensor([float(k is None) for k in known], device=blank.device)[:, None, None, None]
            noise = self.noise(s, range(begin, end))
            around = s.loop and len(places) == s.frames
            reference = motion.reference(pinned, 1 - fresh, len(places), around) if motion else ()
            r = self.base.prepare(s, times, len(places), motion and steer(motion.pin(reference[0], 1 - fresh)))
            denoise = held(self.moving(r, motion, len(places), around, reference) if motion else r.denoise, pinned, fresh)
            states, before = samplers.SAMPLERS[s.sampler](denoise, noise() * r.path.s(1.0), times, r.path, noise, s.eta), 0.0
            for t, (x, x0, reached) in zip(times[:-1], states, strict=True):
                glances = self.base.autoencoder.glance(torch.cat([x0, x / max(r.path.a(reached) + r.path.s(reached), 1e-6)])).cpu().numpy()
                shown = glances[: len(places)] if reached else self.base.autoencoder.develop(x).cpu().numpy()
                clip, state = clip.copy(), state.copy()
                for k, frame, noisy in zip(places, shown, glances[len(places) :], strict=True):
                    if k not in drawn:
                        clip[k], state[k] = frame, noisy
                moved, before = (x0 - before).abs().mean().item(), x0
                note = f"t {t:.2f} · |Δx0| {moved:.3f}" + (f" · frames {begin + 1} to {min(end, s.frames)}" if s.frames > WINDOW else "")
                detail = self.base.told(r, t, reached, moved)
                yield clip, state, min(end, s.frames), note, {**detail, "calls": calls + r.calls[0]}
            calls += r.calls[0]
            drawn = {k: x[i : i + 1] for i, k in enumerate(places)} | drawn

    def moving(self, r: latent_diffusion.Run, motion: Motion, frames: int, loop: bool, reference: tuple[Tensor, Tensor]) -> samplers.Denoise:
        """A run's estimates, its frames looking at each other."""

        def call(x: Tensor, t: float) -> Tensor:
            time = torch.full((1,), r.path.straight_time(t), device=x.device)
            with motion.on(self.base.transformer, time, torch.full_like(time, r.settings.amount), frames, loop, reference):
                return r.denoise(x, t)

        return call

    def noise(self, s: settings.Video, frames: range) -> samplers.Noise:
        """Of each frame its own; unless each is to be independent, half of it, in variance, is the clip's (mixed noise; Ge et al. 2023, 4.2)."""
        own = [samplers.seeded_noise((s.seed + k * STRIDE) % 2**32, self.shape(), 1, self.base.device) for k in frames]
        common = samplers.seeded_noise((s.seed + SHARED) % 2**32, self.shape(), 1, self.base.device)

        def draw() -> Tensor:
            noise = torch.cat([one() for one in own])
            return noise if s.method == "independent" else (noise + common()) / math.sqrt(2)

        return draw

    def shape(self) -> tuple[int, int, int]:
        """Of one frame's latent."""
        c = self.base.transformer.config
        return c.channels, c.size, c.size


def steer(seen: Float[Tensor, "f n d"]) -> latent_diffusion.Steer:
    """The same hints at every step of a run whose rows are clips of these frames."""
    return lambda condition, grid, count: lambda x, t: [seen.to(condition.captions.dtype).repeat(len(x) // len(seen), 1, 1)]


def spans(s: settings.Video) -> list[tuple[int, int]]:
    """What is drawn one after the other: where no first frame is given, first that frame, by the image model alone (a picture, then its
    motion: Girdhar et al. 2024); then the windows. Frames that are drawn each for itself have no first one."""
    return [(0, 1)] * (s.method == "joint" and not s.image) + windows(s)


def windows(s: settings.Video) -> list[tuple[int, int]]:
    """Spans of frames that are drawn together, about as long as each other: each begins with the last OVERLAP of the one before,
    and a long loop's last ends with the first frame."""
    end = s.frames + (s.loop and s.frames > WINDOW)
    count = max(1, -(-(end - OVERLAP) // (WINDOW - OVERLAP)))
    length = -(-(end + (count - 1) * OVERLAP) // count)
    return [(k * (length - OVERLAP), min(k * (length - OVERLAP) + length, end)) for k in range(count)]
