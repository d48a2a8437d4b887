"""Latent diffusion (Rombach et al. 2022) as a rectified flow (Liu et al. 2022): words to a picture, step by step.

The transformer learns the velocity noise - x0 of the straight path in the autoencoder's latents. Read as a denoiser
x0 = x_t - t v, the same weights serve every path and sampler of samplers.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipelines import autoencoder, samplers, text, weights
from pipelines import frame as contract
from pipelines.guidance import Guidance, guide
from pipelines.nn.dit import Config, Transformer, Words, attention_to_words
from pipelines.settings import LatentDiffusion as Settings


class LatentDiffusion(nn.Module):
    """The transformer and the resampler that reads captions for it: what is trained together and saved as one bundle."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.transformer = Transformer(config)
        self.resampler = text.Resampler(config.words, config.queries)

    def loss(self, z: Float[Tensor, "b c h w"], caption: Float[Tensor, "b q w"], t: Float[Tensor, " b"], drop: Tensor) -> Float[Tensor, " b"]:
        """Mean squared error of the velocity a sample (Lipman et al. 2023, eq. 23), for captions as the resampler read them;
        dropped ones become the null caption."""
        noise = torch.randn_like(z)
        time = t[:, None, None, None]
        words = self.transformer.read(torch.where(drop[:, None, None], self.transformer.null, caption))
        v = self.transformer((1 - time) * z + time * noise, words, self.transformer.modulations(t, words.pooled))
        return (v.float() - (noise - z)).square().mean((1, 2, 3))


@dataclass
class Condition:
    """A run's captions, ready to denoise with, and how the resampler's queries read the prompt's words."""

    words: Words  # prompts, then as many negative prompts or null captions; a run has one of each
    reads: Float[Tensor, "q n"] | None  # None where there are no words
    spans: list[tuple[str, list[int]]]
    cut: str


class Pipeline(contract.Pipeline):
    """Words to a 128 x 128 picture."""

    name = "latent-diffusion"
    Settings = Settings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.dtype = weights.pick_dtype(dtype, self.device)
        tensors, about = weights.read("latent-diffusion")
        model = weights.fill(LatentDiffusion(Config(**about["config"])), tensors, "latent-diffusion")
        self.transformer = model.transformer.to(self.device, self.dtype)
        self.resampler = model.resampler.to(self.device)
        self.autoencoder = autoencoder.load(self.device)

    @torch.inference_mode()
    def condition(self, prompt: str, negative: str) -> Condition:
        """Read the captions once: everything of them that does not change from step to step."""
        null = self.transformer.null.float()
        captions, reads, spans, cut = [], None, [], ""
        for i, said in enumerate((prompt, negative)):
            if not said.strip():
                captions.append(null)
                continue
            features = text.encoder().read(said)
            tokens, mask = (part.to(self.device) for part in text.pad([features]))
            out, looks = self.resampler.trace(tokens, mask)
            captions.append(out[0])
            if i == 0:
                reads, spans = looks[0].cpu(), features.words
            cut = cut or features.cut

        return Condition(self.transformer.read(torch.stack(captions).to(self.dtype)), reads, spans, cut)

    def denoiser(
        self, condition: Condition, count: int, times: list[float], guidance: Guidance, path: samplers.Path, looks: list[tuple[Tensor, Tensor]]
    ) -> samplers.Denoise:
        """denoise(x, t) -> x0 on `path` for `count` samples a prompt; modulations of the whole grid are computed here, once.

        `looks` holds, after each call, the first picture's queries and keys a block: where it looked.
        """
        grid = [path.straight_time(t) for t in times if t > 0]
        rows = len(condition.words.pooled)
        every = self.transformer.modulations(torch.tensor(grid, device=self.device).repeat_interleave(rows), condition.words.pooled.repeat(len(grid), 1))
        both = [[part.unflatten(0, (-1, rows)).repeat_interleave(count, 1) for part in layer] for layer in every]
        at = {t: [[part[i] for part in layer] for layer in both] for i, t in enumerate(grid)}
        pairs = condition.words.repeat(count)
        singles = pairs.first(rows // 2 * count)

        def estimate(x: Tensor, t: float, pair: bool) -> tuple[Tensor, Tensor | None]:
            looks.clear()
            z, words, known = x.to(self.dtype), singles, at[t]
            if pair:
                z, words = torch.cat([z, z]), pairs
            else:
                known = [[part[: len(x)] for part in layer] for layer in known]
            v = self.transformer(z, words, known, looks).float()
            x0 = (torch.cat([x, x]) if pair else x) - t * v
            return (x0[: len(x)], x0[len(x) :]) if pair else (x0, None)

        return guide(samplers.on_path(estimate, path), guidance)

    @torch.inference_mode()
    def run(self, settings: Settings) -> Iterator[contract.Frame]:
        s = settings
        path = samplers.PATHS[s.path]
        times = samplers.grid(s.steps)
        spoken = s.prompt.strip() or s.negative_prompt.strip()
        guidance = Guidance(s.guidance if spoken else 1.0, 1 - s.guidance_start, 1 - s.guidance_end, s.guidance_rescale)
        condition = self.condition(s.prompt, s.negative_prompt)
        looks: list[tuple[Tensor, Tensor]] = []
        calls = [0]
        denoise = counted(self.denoiser(condition, s.count, times, guidance, path, looks), calls)
        shape = (self.transformer.config.channels, self.transformer.config.size, self.transformer.config.size)
        noise = samplers.seeded_noise(s.seed, shape, s.count, self.device)
        before: Tensor | None = None
        start = noise() * path.s(times[0])
        for i, (x, x0, t) in enumerate(samplers.SAMPLERS[s.sampler](denoise, start, times, path, noise, s.eta), 1):
            last = i == s.steps
            moved = (x0 - before).abs().mean().item() if before is not None else x0.abs().mean().item()
            before = x0
            pixels = (self.autoencoder.develop(x) if last else self.autoencoder.glance(x0)).cpu().numpy()
            state = self.autoencoder.glance(x / max(path.a(t) + path.s(t), 1e-6)).cpu().numpy()
            detail = {"sampler": s.sampler, "t": times[i - 1], "next": t, "a": path.a(t), "sigma": path.s(t), "moved": moved, "calls": calls[0]}
            detail["coefficients"] = samplers.coefficients(s.sampler, times[i - 1], t, path, s.eta)
            detail["weight"] = guidance.weight if guidance.active(times[i - 1]) else 1.0
            detail["attention"] = heat(looks, condition)
            detail["words"] = [word for word, _ in condition.spans]
            detail["cut"] = condition.cut
            detail["device"] = f"{self.device}, {str(self.dtype).removeprefix('torch.')}"
            made = [contract.Picture(p, self.name, one_of(s, k)) for k, p in enumerate(pixels)] if last else None
            yield contract.Frame(
                i,
                s.steps,
                contract.tile(pixels),
                contract.tile(state),
                f"t {times[i - 1]:.2f} · |Δx0| {moved:.3f}",
                made[0] if made and s.count == 1 else made,
                detail,
            )


def one_of(settings: Settings, k: int) -> dict[str, Any]:
    """The settings that make picture k of a batch alone."""
    return settings.model_copy(update={"seed": (settings.seed + k) % 2**32, "count": 1}).model_dump()


def counted(denoise: samplers.Denoise, calls: list[int]) -> samplers.Denoise:
    """The same denoiser, counting its calls."""

    def call(x: Tensor, t: float) -> Tensor:
        calls[0] += 1
        return denoise(x, t)

    return call


def heat(looks: list[tuple[Tensor, Tensor]], condition: Condition) -> list[list[int]]:
    """Where each word is looked at: a map of side x side values in 0..255 a word, row by row.

    The picture looks at queries, and queries read words: the product of the two, mean over blocks, scaled by its maximum.
    """
    if condition.reads is None or not looks or not condition.spans:  # "!!!" has tokens but no words
        return []
    seen = attention_to_words(looks, len(condition.reads)).cpu() @ condition.reads  # (tokens, text tokens)
    maps = torch.stack([seen[:, span].sum(1) for _, span in condition.spans])
    maps = maps - maps.amin(1, keepdim=True)
    return (255 * maps / maps.amax(1, keepdim=True).clamp_min(1e-9)).round().int().tolist()
