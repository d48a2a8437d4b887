"""The same at 256 x 256 pixels, of scenes and people together, with a layout first: what Edit stands on, too."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from pipelines.core.settings import Settings
from pipelines.models.latent_diffusion import autoencoder, layout_arrange, layout_text, layout_wishes
from pipelines.models.latent_diffusion.layout import (
    LABELS,
    LayoutWriter,
    Permit,
    Vocabulary,
    build_writer,
    move_nearest,
    take_boxes,
)
from pipelines.models.latent_diffusion.pipeline import LatentDiffusionPipeline, TextConditioning
from pipelines.models.latent_diffusion.spec import LatentDiffusion256Settings
from pipelines.models.latent_diffusion.vocabulary import Vocabulary as Words
from pipelines.models.lora import adapter as lora
from pipelines.nn import weights

TRIES, PATIENCE = 12, 4  # layouts at once, and of how many that are not quite right the nearest is taken


def load_writer(device: str) -> LayoutWriter:
    """What writes layouts."""
    return weights.cached(("layout", device), lambda: weights.open_bundle("layout", build_writer).to(device))


def load_vocabulary() -> Vocabulary:
    """The words of layouts."""
    return Vocabulary(**{label: tuple(values) for label, values in layout_text.vocabulary().items()})


def permit_wishes(constraint: layout_wishes.Constraint, vocabulary: Vocabulary) -> Permit:
    """A constraint in a layout's numbers."""

    def permit(layout: Tensor, slot: int) -> list[int] | None:
        things = vocabulary.decode(layout[:-1])
        if slot == 0:
            kinds = constraint.next_kinds(things)
            return [vocabulary.kind.index(kind) if kind else vocabulary.kinds for kind in kinds]
        values = constraint.next_values(LABELS[slot], vocabulary.kind[int(layout[-1, 0])], things)
        return None if values is None else [getattr(vocabulary, LABELS[slot]).index(value) for value in values]

    return permit


def describe(layout: Int[Tensor, "t 9"]) -> list[dict[str, Any]]:
    """A layout as the page shows it."""
    return layout_text.to_page(load_vocabulary().decode(layout))


class LatentDiffusion256Pipeline(LatentDiffusionPipeline):
    """Words to a 256 x 256 picture. A thing that its world does not have becomes the nearest that it has."""

    name = "latent-diffusion-256"
    Settings = LatentDiffusion256Settings
    load_autoencoder = staticmethod(functools.partial(autoencoder.load, name="autoencoder-256"))
    stride = autoencoder.STRIDE

    def write_layout(
        self,
        condition: TextConditioning,
        s: Settings,
        within: tuple[int, int, int, int] | None = None,
        fill: bool = False,
        like: TextConditioning | None = None,
    ) -> None:
        """Decide what stands where in each sample; or which one thing stands within a box of pixels (left, top, right,
        bottom), or fills it; or what stands in the boxes of a like condition."""
        layouts = self.draw_layouts(condition, s) if self.layout_embedding else None
        if layouts is None:
            return
        if within:
            nothing = self.layout_embedding.nothing
            layouts = torch.stack([move_nearest(layout, within, nothing, fill) for layout in layouts])
            condition.things = []  # the mask says it already
        if like is not None and like.layouts is not None:
            layouts = take_boxes(layouts, like.layouts, self.layout_embedding.nothing)
            condition.things = describe(layouts[0])
        condition.layouts, condition.hint = layouts, self.layout_embedding(layouts.to(self.device)).to(self.dtype)

    def count_things(self, condition: TextConditioning) -> int:
        return sum(wish.least for wish in layout_wishes.read_wishes(condition.names))

    def draw_layouts(self, condition: TextConditioning, s: Settings) -> Int[Tensor, "n t 9"] | None:
        """A layout a sample, as the settings say it or by the seed; None without words, or where none is wanted."""
        given, count = getattr(s, "layout", ""), getattr(s, "count", 1)
        if given:
            things = layout_text.parse(given)
            layouts = load_vocabulary().encode(things).expand(count, -1, -1) if things else None
        else:
            seeds = [(s.seed + k) % 2**32 for k in range(count)] if condition.names else []
            layouts = torch.stack([self.draw_layout(condition, seed) for seed in seeds]) if seeds else None
        condition.things = [] if layouts is None else describe(layouts[0])
        return layouts

    @torch.inference_mode()
    def draw_layout(self, condition: TextConditioning, seed: int) -> Int[Tensor, "t 9"]:
        """A layout by dice: of a few, the first that is nearest to what the words name, and well framed. Where it
        lacks something, the words are said more plainly, and only what they name may come."""
        writer, vocabulary = load_writer(self.device), load_vocabulary()
        dice, wishes = torch.Generator().manual_seed(seed), layout_wishes.read_wishes(condition.names)

        def far(layout: Tensor) -> float:
            things = vocabulary.decode(layout)
            framing = 0.4 * layout_arrange.is_cut(things) + 0.1 * layout_arrange.count_small(things)
            return layout_wishes.misses(things, wishes) + framing + 0.2 * layout_arrange.count_hidden(things)

        def enough(ended: Tensor) -> bool:
            return wishes != [] and len(ended) > 0 and (min(map(far, ended)) == 0 or len(ended) >= PATIENCE)

        def write(condition: TextConditioning, permit: Permit | None = None) -> list[dict[str, Any]]:
            layouts = writer.write(condition.captions[:1].float(), dice, TRIES, enough=enough, permit=permit)
            return vocabulary.decode(min(layouts, key=far))

        things = write(condition)
        portrait = not things and all(wish.kind in layout_wishes.FACES for wish in wishes)
        if layout_wishes.misses(things, wishes) and not portrait:
            permit = permit_wishes(layout_wishes.Constraint(tuple(wishes)), vocabulary)
            things = write(super().condition(layout_wishes.to_caption(wishes), ""), permit)
        names = condition.names
        relations, thirds = layout_arrange.read_relations(names), layout_arrange.read_thirds(names)
        things = layout_arrange.arrange(layout_arrange.enlarge_small(things), relations, thirds)
        layout = vocabulary.encode(things)
        if "right" not in (name.lower() for name in condition.names):  # the base saw little that faces right unsaid
            facing, left = LABELS.index("facing"), vocabulary.facing.index("left")
            layout[layout[:, facing] == vocabulary.facing.index("right"), facing] = left
        return layout

    @torch.inference_mode()
    def condition(
        self, prompt: str, negative: str, loras: Sequence[tuple[lora.LoRA, float]] = ()
    ) -> TextConditioning:
        """The prompt in words that the model knows."""
        words, exchanged = Words.load().substitute(prompt)
        condition = super().condition(words, negative, loras)
        condition.exchanged = list(map(str, exchanged))
        return condition
