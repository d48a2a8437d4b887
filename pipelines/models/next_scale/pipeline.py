"""Next-scale prediction, live: a frame a scale."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from pipelines import load
from pipelines.core import contract
from pipelines.diffusion.progress import require_finite
from pipelines.models.latent_diffusion.layout import move_nearest, take_boxes
from pipelines.models.latent_diffusion.pipeline import TextConditioning, draw_alone
from pipelines.models.latent_diffusion.pipeline_256 import describe
from pipelines.models.next_scale.network import NextScale
from pipelines.models.next_scale.quantize import PATCH, SIDES
from pipelines.models.next_scale.sampling import sample
from pipelines.models.next_scale.spec import NextScaleSettings
from pipelines.nn import weights
from pipelines.nn.dit import Config


def build(config: dict[str, Any]) -> NextScale:
    """The network of a bundle's configuration."""
    return NextScale(Config(**{k: v for k, v in config.items() if k != "levels"}), config["levels"])


class NextScalePipeline(contract.Pipeline):
    """Words to a 256 x 256 picture. Captions are read, and latents drawn, as latent diffusion does it."""

    name = "next-scale"
    Settings = NextScaleSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.base = load("latent-diffusion-256", device, dtype)
        self.device, self.dtype, self.coder = self.base.device, self.base.dtype, self.base.autoencoder
        self.net = weights.open_bundle(self.name, build).to(self.device)
        self.net.transformer.to(self.dtype)  # sums of scales, and odds, stay in fp32

    def read(self, prompt: str) -> tuple[Float[Tensor, "1 q d"], TextConditioning]:
        """A prompt as the network reads it, its own null caption where there are no words."""
        condition = self.base.condition(prompt, "")
        return condition.captions[:1] if condition.names else self.net.transformer.null[None], condition

    def sample(
        self, caption: Tensor, condition: TextConditioning, s: NextScaleSettings, seed: int, **more: Any
    ) -> Iterator[tuple[Tensor, float]]:
        """Scale by scale under the settings' odds; without words there is nothing to be guided to."""
        guidance = s.guidance if condition.names else 1.0
        odds = s.model_dump(include={"temperature", "top_k", "top_p"})
        return sample(self.net, caption, seed, guidance, **odds, **more)

    @torch.inference_mode()
    def run(self, s: NextScaleSettings) -> Iterator[contract.Frame]:
        if s.count > 1:
            yield from draw_alone(self.run, s)
            return
        caption, condition = self.read(s.prompt)
        seed, kept, layout = s.seed, [], self.base.draw_layouts(condition, s)
        shown = [condition] * len(SIDES)
        if s.branch_step:
            words, before = self.read(s.first_prompt)
            boxes = self.base.draw_layouts(before, s)
            first = self.sample(words, before, s, seed, layout=boxes)
            kept, seed = list(itertools.islice(first, s.branch_step)), s.branch_seed
            shown[: s.branch_step] = [before] * s.branch_step
            if layout is not None and boxes is not None:
                layout = take_boxes(layout, boxes, self.net.config.layout[0] - 1)
                condition.things = describe(layout[0])
        known = [total for total, _ in kept]
        scales = itertools.chain(kept, self.sample(caption, condition, s, seed, known=known, layout=layout))
        entropies, last = [], torch.zeros(())
        for step, (total, entropy) in enumerate(scales, 1):
            entropies.append(round(entropy, 3))
            yield self.frame(s, step, require_finite(total), total - last, list(entropies), shown[step - 1])
            last = total

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
        layout = self.base.draw_layouts(condition, s)
        if layout is not None:
            layout = move_nearest(layout[0], within, self.net.config.layout[0] - 1)[None]
        yield from self.sample(caption, condition, s, s.seed, layout=layout, clean=clean.float(), mask=mask)

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
            "layout": condition.things, "entropies": entropies, "sides": [PATCH * n for n in SIDES], "calls": step,
            "cut": condition.cut, "unknown": condition.unknown, "exchanged": condition.exchanged,
            "equation": "p(r<sub>k</sub> | r<sub>1</sub> … r<sub>k−1</sub>, words)",
            "words": condition.names, "device": f"{self.device}, {str(self.dtype).removeprefix('torch.')}",
        }  # fmt: skip
        preview, result = functools.partial(show, total), None
        if step == len(SIDES):
            preview = self.base.decode_uint8(total)[0].cpu().numpy()
            result = contract.ImageResult(preview, self.name, s.model_dump())
        note = f"{side} × {side} cells, {entropies[-1]:.2f} bits a code"
        return contract.Frame(step, len(SIDES), preview, functools.partial(show, added), note, result, trace)
