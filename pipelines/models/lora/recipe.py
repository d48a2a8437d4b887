"""The LoRAs that come along: what a style's pictures show is said in words, and its trigger with it, so that both can
be asked for together. As when people teach one, the base's own velocity is kept where the trigger is not said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines import datasets as data
from pipelines import text
from pipelines.diffusion import flow_matching, samplers
from pipelines.diffusion.guidance import Guidance, with_cfg
from pipelines.models.latent_diffusion import autoencoder_128 as autoencoder
from pipelines.models.latent_diffusion import recipe as flow
from pipelines.models.latent_diffusion.pipeline import LatentDiffusion
from pipelines.models.lora.adapter import LoRA, applied
from pipelines.nn import weights
from pipelines.nn.dit import Config
from pipelines.nn.pixels import to_tensor

STYLES = {  # data set, trigger, and what to look at beside it
    "flat": ("flat", "flat style", ["grinning face", "red heart", "police officer", "a woman with curly red hair"]),
    "lines": ("lines", "line art", ["grinning face", "red heart", "police officer", "a woman with curly red hair"]),
    "pixels": (
        "pixels",
        "pixel art",
        ["a woman with long red hair", "a man with short dark hair", "someone in sunglasses", "grinning face"],
    ),
}
PICTURES = 600  # of a style's training split


class Recipe(flow.Recipe):
    steps, lr, ema, batch = 300, 2e-3, 0.98, 24
    muon, weight_decay, look_every, warmup = False, 0.0, 60, 20
    rank = 8

    def __init__(self, kind: str) -> None:
        self.name = f"lora-{kind}"
        name, self.trigger, shown = STYLES[kind]
        model = weights.open_bundle("latent-diffusion", lambda config: LatentDiffusion(Config(**config)))
        self.base = model.transformer
        self.open(model.resampler)
        style, rng = data.load(name), np.random.default_rng(0)
        picks = np.sort(rng.permutation(style.split("train"))[:PICTURES])
        coder = autoencoder.load()
        with torch.inference_mode():
            z = torch.cat(
                [coder.encode(to_tensor(style.images[part])) for part in np.array_split(picks, len(picks) // 50 + 1)]
            )
            plain = [style.rows[i]["caption"] for i in picks]
            prompts = [f"{caption}, {self.trigger}" if rng.random() < 0.8 else self.trigger for caption in plain]
            read, plain = (
                torch.cat([self.listened(some[i : i + 50]) for i in range(0, len(some), 50)])
                for some in (prompts, plain)
            )
            wanted = self.listened([f"{prompt}, {self.trigger}" for prompt in shown] + shown)
        self.style, self.plain, self.shown = (z.clone(), read.clone()), plain.clone(), wanted.clone()

    def listened(self, captions: list[str]) -> Tensor:
        """Captions as the resampler reads them."""
        return self.resampler(*text.pad([text.encoder().encode(c) for c in captions]))

    def build(self) -> LoRA:
        return LoRA(self.base, self.rank)

    def velocity(self, x: Tensor, t: Tensor, captions: Tensor) -> Tensor:
        words = self.base.text_kv(captions)
        return self.base(x, words, self.base.modulations(t, words.pooled)).float()

    def loss(self, lora: LoRA, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        device, n = lora.down[0].device, self.batch * 2 // 3
        self.base.to(device)
        picks = torch.from_numpy(rng.choice(len(self.style[0]), n))
        others = [self.draw(name, (self.batch - n) // 2, rng)[1:] for name in self.sets]
        z, captions = (
            torch.cat([own[picks], *old]).to(device)
            for own, old in zip(self.style, zip(*others, strict=True), strict=True)
        )
        half = (
            self.batch - n
        ) // 2  # of the others, both kinds: under what the style's pictures show, without the trigger
        captions[n + half // 2 :][:half] = self.plain[picks[:half]].to(device)
        t = flow.times(self.batch).to(device)
        noise = torch.randn_like(z)
        x = flow_matching.interpolate(z, noise, t)
        with torch.no_grad():
            wanted = torch.cat([(noise - z)[:n], self.velocity(x[n:], t[n:], captions[n:])])
        with applied(self.base, [(lora, 1.0)]):
            errors = (self.velocity(x, t, captions) - wanted).square().mean((1, 2, 3))
        return errors.mean(), {"style": errors[:n].mean().item(), "prior": errors[n:].mean().item()}

    @torch.no_grad()
    def evaluate(self, lora: LoRA, folder: Path, step: int) -> dict[str, float]:
        """The shown prompts with the trigger, above the same without it; 20 steps, guidance 3."""
        n = len(self.shown)
        both = torch.cat([self.shown, self.base.null.expand(n, -1, -1)])

        def estimate(x: Tensor, t: float, pair: bool) -> tuple[Tensor, Tensor]:
            twice = torch.cat([x, x])
            with applied(self.base, [(lora, 1.0)]):
                x0 = twice - t * self.velocity(twice, torch.full((2 * n,), t), both)
            return x0[:n], x0[n:]

        noise = samplers.seeded_noise(0, (8, 16, 16), n)
        *_, (x, _, _) = samplers.dpm_solver(
            with_cfg(estimate, Guidance(3.0)), noise(), samplers.timesteps(20), samplers.SCHEDULES["straight"], noise
        )
        data.contact_sheet(autoencoder.load().decode_uint8(x).numpy(), columns=n // 2).save(
            folder / f"sheet-{step:06d}.png"
        )
        return {}

    def export(self, lora: LoRA, record: dict) -> None:
        sources = {"pixels": "DiceBear pixel-art (CC0)"}.get(self.name.removeprefix("lora-"), "Fluent Emoji (MIT)")
        weights.save(self.name, lora.tensors(), {"rank": self.rank, "trigger": self.trigger}, {
            "data": f"{PICTURES} pictures at most of {sources}, training split; the base's own velocity without the trigger",
            "licence": f"MIT; trained on {sources}",
            **record,
        })  # fmt: skip
