"""Latent diffusion (Rombach et al. 2022) as a rectified flow (Liu et al. 2022): words to a picture, step by step.

The transformer learns the velocity noise - x0 of the straight path in the autoencoder's latents. Read as a denoiser
x0 = x_t - t v, the same weights serve every path and sampler of samplers.py.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from pipelines import text
from pipelines.core import contract
from pipelines.core.cards import parse_loras
from pipelines.core.settings import SamplingSettings, Settings
from pipelines.diffusion import samplers
from pipelines.diffusion.guidance import Guidance, with_cfg
from pipelines.diffusion.progress import Progress, follow, require_finite
from pipelines.models.latent_diffusion import autoencoder_128 as autoencoder
from pipelines.models.latent_diffusion.network import LatentDiffusion
from pipelines.models.latent_diffusion.spec import LatentDiffusionSettings
from pipelines.models.lora import adapter as lora
from pipelines.nn import weights
from pipelines.nn.dit import AttentionTrace, Config, TextKV, attention_to_words
from pipelines.nn.pixels import to_uint8


@dataclass
class TextConditioning:
    """A run's captions, ready to denoise with, and how much each of the resampler's queries reads each of the prompt's
    words."""

    captions: Float[Tensor, "b q w"]  # prompts, then as many negative prompts or null captions; a run has one of each
    words: TextKV  # the same as the blocks read them
    reads: Float[Tensor, "q n"] | None  # None where there are no words
    names: list[str]
    cut: str
    unknown: str = ""  # what the encoder has no tokens for
    exchanged: list[str] = field(default_factory=list)  # what the model does not know, and what it draws: sentences
    layouts: Int[Tensor, "n t 9"] | None = None  # each sample's layout, where there is one
    things: list[dict[str, Any]] = field(default_factory=list)  # of the first sample's, as the page shows them
    hint: Float[Tensor, "n t w"] | None = None  # each sample's layout as its tokens read it


ResidualFn = Callable[
    [Tensor, float], Sequence[Tensor]
]  # what a ControlNet or a mask adds to the tokens of a latent at a straight time
ControlFn = Callable[
    [TextConditioning, list[float], int], ResidualFn
]  # ... made once a run from its captions, its straight times and its samples a caption


@dataclass
class SamplingContext:
    """What stays the same from step to step, and what the inspector reads: where the first picture looked, calls so
    far."""

    settings: SamplingSettings
    path: samplers.Schedule
    guidance: Guidance
    condition: TextConditioning
    denoise: samplers.Denoise
    attention: AttentionTrace
    calls: list[int]


class LatentDiffusionPipeline(contract.Pipeline):
    """Words to a 128 x 128 picture."""

    name = "latent-diffusion"
    Settings = LatentDiffusionSettings
    load_autoencoder = staticmethod(autoencoder.load)
    stride = 8  # pixels a side of a latent's place

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.dtype = weights.pick_dtype(dtype, self.device)
        model = weights.open_bundle(self.name, lambda config: LatentDiffusion(Config(**config)))
        self.transformer = model.transformer.to(self.device, self.dtype)
        self.resampler = model.resampler.to(self.device)
        self.layout_embedding = model.layout and model.layout.to(self.device)
        self.autoencoder = self.load_autoencoder(self.device)

    @property
    def side(self) -> int:
        """Pixels a side of a picture."""
        return self.stride * self.transformer.config.size

    @torch.inference_mode()
    def condition(
        self, prompt: str, negative: str, loras: Sequence[tuple[lora.LoRA, float]] = ()
    ) -> TextConditioning:
        """Read the captions once: everything of them that does not change from step to step."""
        null = self.transformer.null.float()
        captions, reads, names, cut, unknown = [], None, [], "", ""
        for i, caption in enumerate((prompt, negative)):
            if not caption.strip():
                captions.append(null)
                continue
            features = text.encoder().encode(caption)
            unknown = unknown or features.unknown
            if features.unknown and not features.words:  # nothing that could be read: as good as no words
                captions.append(null)
                continue
            tokens, mask = (part.to(self.device) for part in text.pad([features]))
            out, attention = self.resampler.trace(tokens, mask)
            captions.append(
                functools.reduce(
                    lambda read, adapter: adapter[0].add_trigger(caption, read, adapter[1]), loras, out[0]
                )
            )
            if i == 0 and features.words:  # "!!!" has tokens but no words
                reads = torch.stack([attention[0][:, span].sum(1) for _, span in features.words], 1).cpu()
                names = [word for word, _ in features.words]
            cut = cut or features.cut

        both = torch.stack(captions).to(self.dtype)
        return TextConditioning(both, self.transformer.text_kv(both), reads, names, cut, unknown)

    def make_denoiser(
        self,
        condition: TextConditioning,
        count: int,
        times: list[float],
        guidance: Guidance,
        path: samplers.Schedule,
        attention: AttentionTrace,
        steer: ControlFn | None = None,
    ) -> samplers.Denoise:
        """denoise(x, t) -> x0 on `path` for `count` samples a prompt; modulations of the whole grid are computed here,
        once.

        `attention` holds, after each call, the first picture's queries and keys a block: where it looked.
        """
        grid = [path.straight_time(t) for t in times if t > 0]
        rows = len(condition.words.pooled)
        at = self.transformer.schedule(grid, condition.words.pooled, count)
        pairs = condition.words.repeat(count)
        hint = steer(condition, grid, count) if steer else None
        singles = pairs.first(rows // 2 * count)

        def estimate(x: Tensor, t: float, pair: bool) -> tuple[Tensor, Tensor | None]:
            attention.clear()
            z, words, modulations = x.to(self.dtype), singles, at[t]
            if pair:
                z, words = torch.cat([z, z]), pairs
            else:
                modulations = [[part[: len(x)] for part in layer] for layer in modulations]
            hints = add_layout(hint(z, t) if hint else (), condition.hint, pair)
            v = self.predict_velocity(z, words, modulations, attention, hints).float()
            x0 = (torch.cat([x, x]) if pair else x) - t * v
            return (x0[: len(x)], x0[len(x) :]) if pair else (x0, None)

        return with_cfg(samplers.on_schedule(estimate, path), guidance)

    def predict_velocity(
        self,
        z: Tensor,
        words: TextKV,
        modulations: list[list[Tensor]],
        attention: AttentionTrace,
        hints: Sequence[Tensor],
    ) -> Tensor:
        """One call of the network; families whose latents are no pictures have their own."""
        return self.transformer(z, words, modulations, attention, hints=hints)

    @torch.inference_mode()
    def prepare(
        self,
        s: SamplingSettings,
        times: list[float],
        samples: int | None = None,
        steer: ControlFn | None = None,
        with_layout: bool = False,
    ) -> SamplingContext:
        """Everything of a run that is known before its first step; `samples` are those of the batch, if not s.count.
        `with_layout` decides, where the model can, what stands where."""
        path, spoken = samplers.SCHEDULES[s.schedule], s.prompt.strip() or s.negative_prompt.strip()
        guidance = Guidance(
            s.guidance if spoken else 1.0, 1 - s.guidance_start, 1 - s.guidance_end, s.guidance_rescale
        )
        with self.with_loras(s):
            condition, attention, calls = self.condition(s.prompt, s.negative_prompt, self.loras(s)), [], [0]
        if with_layout:
            self.write_layout(condition, s)
        plain = self.make_denoiser(condition, samples or s.count, times, guidance, path, attention, steer)

        def denoise(x: Tensor, t: float) -> Tensor:
            calls[0] += 1
            with self.with_loras(s):
                return plain(x, t)

        return SamplingContext(s, path, guidance, condition, denoise, attention, calls)

    def write_layout(self, condition: TextConditioning, s: Settings, **_: Any) -> None:
        """Decide what stands where; this model has no layouts."""

    def count_things(self, condition: TextConditioning) -> int:
        """How many things are named that a layout could place; this model has no layouts."""
        return 0

    def loras(self, s: SamplingSettings) -> list[tuple[lora.LoRA, float]]:
        """The settings' LoRAs and their strengths. Raises lora.LoRAError."""
        return [(lora.load_named(name, self.transformer), strength) for name, strength in parse_loras(s.loras)]

    def with_loras(self, s: SamplingSettings) -> contextlib.AbstractContextManager[None]:
        """The transformer with the settings' LoRAs on, for as long as the context lasts."""
        return lora.applied(self.transformer, self.loras(s))

    @torch.inference_mode()
    def run(self, settings: SamplingSettings) -> Iterator[contract.Frame]:
        yield from self.sample(self.name, settings)

    @torch.inference_mode()
    def sample(
        self,
        name: str,
        s: SamplingSettings,
        steer: ControlFn | None = None,
        within: tuple[int, int, int, int] | None = None,
    ) -> Iterator[contract.Frame]:
        """A run from pure noise, steered or not, in the name of whoever asks for it. One that is steered has no layout;
        but where the words name one thing, it may be known to fill a box of pixels, `within`."""
        if s.count > 1 and self.device == "cpu":
            yield from draw_alone(lambda one: self.sample(name, one, steer, within), s)
            return
        times, c = samplers.timesteps(s.steps), self.transformer.config
        r = self.prepare(s, times, steer=steer, with_layout=steer is None)
        if within and self.count_things(r.condition) == 1:
            self.write_layout(r.condition, s, within=within, fill=True)
        if branch := getattr(s, "branch_step", 0):
            first = self.prepare(
                s.model_copy(update={"prompt": s.first_prompt}), times, steer=steer, with_layout=True
            )
            self.write_layout(r.condition, s, like=first.condition)
            r.denoise = self.denoise_branched(first, r, branch)
        noise = samplers.seeded_noise(s.seed, (c.channels, c.size, c.size), s.count, self.device)
        states = samplers.SAMPLERS[s.sampler](r.denoise, noise() * r.path.s(1.0), times, r.path, noise, s.eta)
        yield from self.frames_from_steps(name, r, states, times[:-1])

    @staticmethod
    def denoise_branched(first: SamplingContext, then: SamplingContext, step: int) -> samplers.Denoise:
        """`denoise` that follows one prompt up to a step and another from there on, so that pictures with the same
        beginning can be compared. What the inspector reads is always that of the prompt that is followed."""
        calls = step * (2 if then.settings.sampler == "heun" else 1)
        after, condition, guidance = then.denoise, then.condition, then.guidance

        def denoise(x: Tensor, t: float) -> Tensor:
            before = then.calls[0] < calls
            then.condition, then.guidance = (first.condition, first.guidance) if before else (condition, guidance)
            if not before:
                return after(x, t)
            x0 = first.denoise(x, t)
            then.calls[0], then.attention[:] = first.calls[0], first.attention
            return x0

        return denoise

    @torch.inference_mode()
    def frames_from_steps(
        self,
        name: str,
        r: SamplingContext,
        states: Iterator[samplers.Step],
        times: list[float],
        lay: Callable[[np.ndarray], np.ndarray] | None = None,
        margin: int = 0,
    ) -> Iterator[contract.Frame]:
        """A frame a step; `times` says where each step starts. The last frame holds the finished pictures, and `lay`
        puts pixels (n, h, w, 3), of previews too, where they belong. The states' outermost `margin` pixels are there
        for the decoder alone.
        """
        s, steps = r.settings, len(times)
        for step in follow(states, times, r.path):

            def pixels(z: Tensor, decode: Callable[[Tensor], Tensor] = self.autoencoder.decode_preview) -> np.ndarray:
                shown = decode(z).cpu().numpy()
                if lay or margin:
                    shown = enlarge(shown, self.stride * z.shape[2])
                return shown[:, margin : shown.shape[1] - margin, margin : shown.shape[2] - margin]

            results = None
            if step.number == steps:
                finished = pixels(step.x, self.decode_uint8)
                finished = lay(finished) if lay else finished
                parts = [settings_for_sample(s, k).model_dump() for k in range(s.count)]
                results = [contract.ImageResult(p, name, one) for p, one in zip(finished, parts, strict=True)]
                preview = functools.partial(contract.tile, finished)
            else:
                preview = functools.partial(
                    lambda z, pixels: contract.tile(lay(pixels(z)) if lay else pixels(z)), step.x0, pixels
                )
            yield contract.Frame(
                step.number,
                steps,
                preview,
                functools.partial(lambda step, pixels: contract.tile(pixels(step.state)), step, pixels),
                step.note,
                results[0] if results and s.count == 1 else results,
                {
                    **self.step_trace(r, step),
                    "attention": functools.partial(word_heatmaps, list(r.attention), r.condition),
                    "words": r.condition.names,
                },
            )

    def decode_uint8(self, z: Float[Tensor, "b c h w"]) -> UInt8[Tensor, "b hp wp 3"]:
        """Finished pictures. Raises contract.GenerationError where they are not finite."""
        parts = z.split(1 if self.device == "cpu" else len(z))
        return to_uint8(
            require_finite(torch.cat([self.autoencoder.decode(part) for part in parts])).permute(0, 2, 3, 1)
        )

    def step_trace(self, r: SamplingContext, step: Progress) -> dict[str, Any]:
        """What the inspector says of a step."""
        s, t, reached = r.settings, step.t, step.reached
        return {
            "sampler": s.sampler, "t": t, "next": reached, "a": r.path.a(reached), "sigma": r.path.s(reached),
            "moved": step.moved, "calls": r.calls[0],
            "coefficients": samplers.coefficients(s.sampler, t, reached, r.path, s.eta),
            "weight": r.guidance.weight if r.guidance.active(t) else 1.0,
            "layout": r.condition.things, "cut": r.condition.cut,
            "unknown": r.condition.unknown, "exchanged": r.condition.exchanged,
            "device": f"{self.device}, {str(self.dtype).removeprefix('torch.')}",
        }  # fmt: skip


def add_layout(hints: Sequence[Tensor], layout: Tensor | None, pair: bool) -> Sequence[Tensor]:
    """Hints with the samples' layout on the first; what guidance goes away from has none."""
    if layout is None:
        return hints
    layout = torch.cat([layout, torch.zeros_like(layout)]) if pair else layout
    return [hints[0] + layout, *hints[1:]] if len(hints) else [layout]


def enlarge(pictures: UInt8[np.ndarray, "n h w 3"], height: int) -> UInt8[np.ndarray, "n hb wb 3"]:
    """Previews at the size of pictures."""
    if pictures.shape[1] == height:
        return pictures
    size = (pictures.shape[2] * height // pictures.shape[1], height)
    return np.stack([cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC) for picture in pictures])


def settings_for_sample(settings: Settings, k: int) -> Settings:
    """The settings that make picture k of a batch alone."""
    return settings.model_copy(update={"seed": (settings.seed + k) % 2**32, "count": 1})


def draw_alone(run: Callable[[Any], Iterator[contract.Frame]], s: Settings) -> Iterator[contract.Frame]:
    """A run of several pictures as runs of one each, step by step beside each other; the inspector follows the first.

    Sums of products differ by the batch's size, and a picture of several is to be the same, bit for bit, as the one
    that its own settings make. On a CPU it costs little.
    """
    for frames in zip(*(run(settings_for_sample(s, k)) for k in range(s.count)), strict=True):

        def tiled(side: str, frames: tuple[contract.Frame, ...] = frames) -> np.ndarray:
            return contract.tile(np.stack([getattr(frame, side) for frame in frames]))

        first, results = frames[0], [frame.result for frame in frames]
        yield contract.Frame(
            first.step,
            first.steps,
            functools.partial(tiled, "preview"),
            functools.partial(tiled, "state"),
            first.note,
            results if first.result else None,
            first.trace.data,  # not what it computes: that is for who asks
            first.view,
        )


def word_heatmaps(attention: AttentionTrace, condition: TextConditioning) -> list[list[int]]:
    """Where each word is looked at: a map of side x side values in 0..255 a word, row by row.

    The picture looks at queries, and queries read words: the product of the two, mean over the
    later half of the blocks, scaled by its maximum.
    """
    if condition.reads is None or not attention:
        return []
    maps = (
        attention_to_words(attention[len(attention) // 2 :], len(condition.reads)).cpu() @ condition.reads
    ).T.numpy()
    maps = maps - maps.min(1, keepdims=True)
    return (255 * maps / np.maximum(maps.max(1, keepdims=True), 1e-9)).round().astype(int).tolist()
