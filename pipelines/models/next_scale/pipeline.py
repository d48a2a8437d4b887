"""Next-scale prediction, live: a frame a scale."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pipelines import load
from pipelines.core import contract
from pipelines.diffusion.progress import require_finite
from pipelines.models.latent_diffusion.pipeline import TextConditioning, draw_alone
from pipelines.models.latent_diffusion.plan import move_nearest
from pipelines.models.next_scale.network import NextScale
from pipelines.models.next_scale.quantize import PATCH, SIDES
from pipelines.models.next_scale.sampling import sample
from pipelines.models.next_scale.spec import NextScaleSettings
from pipelines.nn import weights
from pipelines.nn.dit import Config


def build(config: dict[str, Any]) -> NextScale:
    """The network of a bundle's configuration."""
    levels = config.pop("levels")
    return NextScale(Config(**config), levels)


class NextScalePipeline(contract.Pipeline):
    """Words to a 256 x 256 picture. Captions are read, and latents drawn, as latent diffusion does it."""

    name = "next-scale"
    Settings = NextScaleSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.base = load("latent-diffusion-256", device, dtype)
        self.coder = self.base.autoencoder
        self.net = weights.open_bundle(self.name, lambda config: build(dict(config))).to(self.device)

    def read(self, prompt: str) -> tuple[Float[Tensor, "1 q d"], TextConditioning]:
        """A prompt as the network reads it, its own null caption where there are no words."""
        condition = self.base.condition(prompt, "")
        caption = condition.captions[:1].float() if condition.names else self.net.transformer.null[None]
        return caption, condition

    def plan(self, condition: TextConditioning, s: NextScaleSettings) -> Int[Tensor, "1 t 9"] | None:
        """What stands where, by the first seed, where the settings want it."""
        if not (s.plan and self.net.plan):
            return None
        return self.base.draw_plan(condition, s.seed, s.layout)[None].to(self.device)

    @torch.inference_mode()
    def run(self, s: NextScaleSettings) -> Iterator[contract.Frame]:
        if s.count > 1:
            yield from draw_alone(self.run, s)
            return
        caption, condition = self.read(s.prompt)
        odds = s.model_dump(include={"guidance", "temperature", "top_k", "top_p"})
        seed, kept, plan = s.seed, [], self.plan(condition, s)
        if s.branch_step:
            words, before = self.read(s.first_prompt)
            first = sample(self.net, words, seed, **odds, plan=self.plan(before, s))
            kept, seed = list(itertools.islice(first, s.branch_step)), s.branch_seed
        known = [total for total, _ in kept]
        scales = itertools.chain(kept, sample(self.net, caption, seed, **odds, known=known, plan=plan))
        entropies, before = [], torch.zeros(())
        for step, (total, entropy) in enumerate(scales, 1):
            entropies.append(round(entropy, 3))
            yield self.frame(s, step, require_finite(total), total - before, list(entropies), condition)
            before = total

    @torch.inference_mode()
    def fill(
        self,
        s: NextScaleSettings,
        clean: Float[Tensor, "1 c h w"],
        mask: Float[Tensor, "1 1 h w"],
        within: tuple[int, int, int, int],
    ) -> Iterator[tuple[Tensor, float]]:
        """A latent drawn anew where the mask is 1, scale by scale, and the entropy of each; the prompt's thing stands
        within a box of pixels."""
        caption, condition = self.read(s.prompt)
        plan = None if self.net.plan is None else self.base.draw_plan(condition, s.seed)
        if plan is not None:
            plan = move_nearest(plan, within, self.net.plan.nothing)[None].to(self.device)
        yield from sample(self.net, caption, s.seed, s.guidance, plan=plan, clean=clean.float(), mask=mask)

    def frame(
        self,
        s: NextScaleSettings,
        step: int,
        total: Tensor,
        added: Tensor,
        entropies: list[float],
        condition: TextConditioning,
    ) -> contract.Frame:
        """A scale: the picture so far, and what it has added."""
        side = PATCH * SIDES[step - 1]

        def show(z: Tensor) -> Any:
            return self.coder.decode_preview(z)[0].cpu().numpy()

        trace = {
            "plan": condition.things, "entropies": entropies, "sides": [PATCH * n for n in SIDES], "calls": step,
            "cut": condition.cut, "unknown": condition.unknown, "exchanged": condition.exchanged,
            "equation": "p(r<sub>k</sub> | r<sub>1</sub> … r<sub>k−1</sub>, words)",
            "device": f"{self.device}, float32",
        }  # fmt: skip
        preview, result = functools.partial(show, total), None
        if step == len(SIDES):
            preview = self.base.decode_uint8(total)[0].cpu().numpy()
            result = contract.ImageResult(preview, self.name, s.model_dump())
        note = f"{side} × {side} cells, {entropies[-1]:.2f} bits a code"
        return contract.Frame(step, len(SIDES), preview, functools.partial(show, added), note, result, trace)
