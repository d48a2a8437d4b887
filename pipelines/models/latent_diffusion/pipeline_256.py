"""The same at 256 x 256 pixels, of scenes and avatars together: what the other families will stand on next."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from pipelines.core.cards import card
from pipelines.core.settings import SamplingSettings
from pipelines.models.latent_diffusion import autoencoder, layout
from pipelines.models.latent_diffusion.pipeline import LatentDiffusionPipeline, TextConditioning
from pipelines.models.latent_diffusion.plan import PlanWriter, Vocabulary, build_writer, move_nearest
from pipelines.models.latent_diffusion.spec import LatentDiffusion256Settings
from pipelines.models.latent_diffusion.vocabulary import Vocabulary as Words
from pipelines.models.lora import adapter as lora
from pipelines.nn import weights

TRIES = 4  # plans at most, of which the one that misses the fewest of the named things is taken


def load_writer(device: str) -> tuple[PlanWriter, Vocabulary]:
    """What writes plans, and its words."""
    names = {k: tuple(v) for k, v in card("plan")["config"]["vocabulary"].items()}
    return weights.open_bundle("plan", build_writer).to(device), Vocabulary(**names)


class LatentDiffusion256Pipeline(LatentDiffusionPipeline):
    """Words to a 256 x 256 picture. A thing that its world does not have becomes the nearest that it has."""

    name = "latent-diffusion-256"
    Settings = LatentDiffusion256Settings
    load_autoencoder = staticmethod(functools.partial(autoencoder.load, name="autoencoder-256"))
    stride = autoencoder.STRIDE

    def write_plan(
        self, condition: TextConditioning, s: SamplingSettings, within: tuple[int, int, int, int] | None = None
    ) -> None:
        if self.plan_embedding is None or not getattr(s, "plan", within):
            return
        given = getattr(s, "layout", "")
        plans = torch.stack([self.draw_plan(condition, (s.seed + k) % 2**32, given) for k in range(s.count)])
        if within:
            plans = torch.stack([move_nearest(plan, within, self.plan_embedding.nothing) for plan in plans])
            condition.things = []  # the mask says it already
        condition.hint = self.plan_embedding(plans.to(self.device)).to(self.dtype)

    @torch.inference_mode()
    def draw_plan(self, condition: TextConditioning, seed: int, given: str = "") -> Int[Tensor, "t 9"]:
        """A plan for a caption, if none is given, with the things that it names; the condition remembers the first
        one's things."""
        writer, vocabulary = weights.cached(("plan", self.device), lambda: load_writer(self.device))
        if given:
            condition.things = layout.to_page(layout.parse(given))
            return vocabulary.encode(layout.parse(given))
        nothing = writer.null.expand(1, condition.captions.shape[1], -1)
        caption = condition.captions[:1].float() if condition.names else nothing
        dice, named = torch.Generator().manual_seed(seed), layout.named_kinds(condition.names)
        plans = (writer.write(caption, dice) for _ in range(TRIES))
        found = []
        for plan in plans:
            missing = named - {thing["kind"] for thing in vocabulary.decode(plan)}
            found.append((len(missing), len(found), plan))
            if not missing:
                break
        *_, plan = min(found, key=lambda one: one[:2])
        condition.things = condition.things or layout.to_page(vocabulary.decode(plan))
        return plan

    @torch.inference_mode()
    def condition(
        self, prompt: str, negative: str, loras: Sequence[tuple[lora.LoRA, float]] = ()
    ) -> TextConditioning:
        """The prompt in words that the model knows."""
        words, exchanged = Words.load().substitute(prompt)
        condition = super().condition(words, negative, loras)
        condition.exchanged = list(map(str, exchanged))
        return condition
