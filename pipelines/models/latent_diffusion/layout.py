"""The layout of a picture: which things it shows, and in which boxes; and how the transformer's tokens read it.

A small network that knows a thing alone, in the middle of its picture, does not thereby know it in a landscape:
there its parts are at other places, and the first steps must find out where. With a layout each token is told which
thing it shows and which part of it (boxes as a condition, as in GLIGEN, Li et al. 2023, but added to the tokens
that they cover), so that what was learnt of one size and place holds for all. The layout itself is written from the
caption by a small causal transformer, a label at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Num
from torch import Tensor, nn

from pipelines.models.latent_diffusion.layout_text import LEAST, SIDE, THINGS
from pipelines.nn.causal import CausalTransformer, KVCache

UNIT = 8  # pixels of the boxes' grid
BINS = SIDE // UNIT + 1
LABELS = ("kind", "colour", "facing", "gender", "tone")
BOX = ("left", "top", "right", "bottom")
WORDS = ("vocabulary", "names", "natural", "people")  # in the configuration of a bundle; no matter of the network

# of some things (t, 9), the last of them begun, and k: what its number k may be; None where anything
Permit = Callable[[Tensor, int], "list[int] | None"]


@dataclass(frozen=True)
class Vocabulary:
    """The values of each label; "" is none. A layout of ints says kinds by number, and `kinds` itself is no thing."""

    kind: tuple[str, ...]
    colour: tuple[str, ...]
    facing: tuple[str, ...]
    gender: tuple[str, ...]
    tone: tuple[str, ...]

    @property
    def kinds(self) -> int:
        return len(self.kind)

    @property
    def sizes(self) -> list[int]:
        """How many values each of a thing's nine numbers has; one more for kinds, which ends a layout."""
        return [self.kinds + 1, *(len(getattr(self, label)) for label in LABELS[1:]), *[BINS] * len(BOX)]

    def encode(self, things: list[dict[str, Any]]) -> Int[Tensor, "t 9"]:
        """Things with labels and a box in pixels, from far to near, as a layout: the nearest of too many."""
        layout = torch.zeros(THINGS, len(LABELS) + len(BOX), dtype=torch.long)
        layout[:, 0] = self.kinds
        for row, thing in zip(layout, things[-THINGS:], strict=False):
            row[: len(LABELS)] = torch.tensor([getattr(self, label).index(thing[label]) for label in LABELS])
            row[len(LABELS) :] = torch.tensor([min(max(round(x / UNIT), 0), BINS - 1) for x in thing["box"]])
        return layout

    def decode(self, layout: Int[Tensor, "t 9"]) -> list[dict[str, Any]]:
        """The inverse; boxes are as large as the least that may be asked for."""
        found = []
        for row in layout.tolist():
            if row[0] < self.kinds:
                thing = {label: getattr(self, label)[k] for label, k in zip(LABELS, row, strict=False)}
                left, top, right, bottom = (UNIT * x for x in row[len(LABELS) :])
                left, top = min(left, SIDE - LEAST), min(top, SIDE - LEAST)
                found.append(thing | {"box": [left, top, max(right, left + LEAST), max(bottom, top + LEAST)]})
        return found


class LayoutEmbedding(nn.Module):
    """What each token's place holds by the layout: labels of the nearest thing there, and where in its box the place
    is."""

    def __init__(self, sizes: list[int], width: int) -> None:
        super().__init__()
        widths = (96, 24, 8, 8, 16)
        self.labels = nn.ModuleList(
            [nn.Embedding(size, wide) for size, wide in zip(sizes[: len(LABELS)], widths, strict=True)]
        )
        self.up, self.down = nn.Linear(sum(widths) + 22, 2 * width), nn.Linear(2 * width, width)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    @property
    def nothing(self) -> int:
        """The kind that is none."""
        return self.labels[0].num_embeddings - 1

    def forward(self, layout: Num[Tensor, "b t 9"], side: int = 8) -> Float[Tensor, "b n w"]:
        """For side x side tokens; zero where there is nothing. Boxes may lie between units, and reach out."""
        middle = (torch.arange(side, device=layout.device) + 0.5) * (BINS - 1) / side
        places = torch.stack([middle.repeat(side), middle.repeat_interleave(side)], 1)  # x and y of each, in units
        reach = (BINS - 1) / side / 2  # around a box, in which a token still shows some of it
        left, top, right, bottom = layout[..., len(LABELS) :].float()[:, None].unbind(-1)  # (b, 1, t) each
        x, y = places[None, :, None].unbind(-1)  # (1, n, 1)
        inside = (x > left - reach) & (x < right + reach) & (y > top - reach) & (y < bottom + reach)
        inside = inside & (layout[:, None, :, 0] < self.nothing)
        order = torch.arange(1, layout.shape[1] + 1, device=layout.device)
        nearest = (inside * order).amax(-1)  # (b, n), 0 for none
        chosen = (nearest - 1).clamp_min(0)
        width, height = (right - left).clamp_min(1), (bottom - top).clamp_min(1)
        u, v = (part.gather(2, chosen[..., None])[..., 0] for part in ((x - left) / width, (y - top) / height))
        size = [
            part.log2().expand(-1, len(places), -1).gather(2, chosen[..., None])[..., 0] - 3
            for part in (width, height)
        ]
        waves = [f(torch.pi * k * part) for part in (u, v) for k in (1, 2, 4, 8) for f in (torch.sin, torch.cos)]
        where = torch.stack([u, v, (u - 0.5).abs(), (v - 0.5).abs(), *size, *waves], -1)
        labels = layout[torch.arange(len(layout), device=layout.device)[:, None], chosen]  # (b, n, 9)
        names = [table(labels[..., k].long()) for k, table in enumerate(self.labels)]
        h = self.down(F.silu(self.up(torch.cat([*names, where.to(names[0].dtype)], -1))))
        return h * (nearest > 0)[..., None]


class LayoutWriter(nn.Module):
    """Odds of a layout's next number from a caption's tokens and the numbers before it: thing after thing, from far to
    near, until there is none."""

    def __init__(self, sizes: list[int], words: int = 256, width: int = 192, depth: int = 4, heads: int = 4) -> None:
        super().__init__()
        self.sizes = sizes
        self.starts = torch.tensor([0, *sizes]).cumsum(0).tolist()
        self.enter = nn.Linear(words, width)
        self.null = nn.Parameter(torch.randn(1, words) * 0.02)
        self.begin = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.numbers = nn.Embedding(self.starts[-1], width)
        self.transformer = CausalTransformer(width, depth, heads)
        self.leave = nn.Linear(width, self.starts[-1])

    def loss(self, caption: Float[Tensor, "b q w"], layout: Int[Tensor, "b t 9"]) -> Float[Tensor, " b"]:
        """Nats a layout: of all its numbers up to the one that ends it."""
        offset = torch.tensor(self.starts[:-1], device=layout.device)
        numbers = (layout + offset).flatten(1)
        prefix = torch.cat([self.enter(caption), self.begin.expand(len(caption), -1, -1)], 1)
        h, _ = self.transformer(torch.cat([prefix, self.numbers(numbers[:, :-1])], 1))
        logits = self.leave(h[:, prefix.shape[1] - 1 :]).float()
        slot = torch.arange(numbers.shape[1], device=layout.device) % len(self.sizes)
        members = torch.arange(self.starts[-1], device=layout.device)
        low, high = offset[slot], (offset + torch.tensor(self.sizes, device=layout.device))[slot]
        logits = logits.masked_fill((members < low[:, None]) | (members >= high[:, None]), -1e9)
        errors = F.cross_entropy(logits.flatten(0, 1), numbers.flatten(), reduction="none").view_as(numbers)
        ended = layout[..., 0] == self.sizes[0] - 1
        before = F.pad(ended.cumsum(1)[:, :-1] > 0, (1, 0))  # things after the end are not asked for
        counts = torch.ones_like(layout, dtype=torch.bool)
        counts[..., 1:] = ~ended[..., None]
        return (errors * (counts & ~before[..., None]).flatten(1)).sum(1)

    @torch.inference_mode()
    def write(
        self,
        caption: Float[Tensor, "1 q w"],
        generator: torch.Generator,
        count: int = 1,
        temperature: float = 0.7,
        top_p: float = 0.9,
        enough: Callable[[Tensor], bool] = lambda ended: False,
        permit: Permit | None = None,
    ) -> Int[Tensor, "n t 9"]:
        """Some layouts, by dice; where those that have ended are `enough`, the others end there, too. Labels are those
        that `permit` gives."""
        cache: KVCache
        layouts = torch.zeros(count, THINGS, len(self.sizes), dtype=torch.long)
        layouts[..., 0] = nothing = self.sizes[0] - 1
        prefix = torch.cat([self.enter(caption), self.begin], 1).expand(count, -1, -1)
        h, cache = self.transformer(prefix)
        going = torch.ones(count, dtype=torch.bool)
        for thing in range(THINGS):
            for slot, start in enumerate(self.starts[:-1]):
                logits = self.leave(h[:, -1, :]).float().cpu()[:, start : self.starts[slot + 1]]
                if permit and slot < len(LABELS):
                    for k in going.nonzero()[:, 0].tolist():
                        if (allowed := permit(layouts[k, : thing + 1], slot)) is not None:
                            keep_only(logits[k], allowed)
                values, order = (logits / temperature).softmax(1).sort(descending=True)
                values = values * (values.cumsum(1) - values < top_p)
                picked = order.gather(1, torch.multinomial(values, 1, generator=generator))
                if slot == 0:
                    going &= picked[:, 0] != nothing
                    if not going.any() or enough(layouts[~going]):
                        return layouts
                layouts[going, thing, slot] = picked[going, 0]
                h, cache = self.transformer(self.numbers(picked.to(caption.device) + start), cache)
        return layouts


def keep_only(logits: Num[Tensor, " n"], allowed: list[int]) -> None:
    """No odds for any other value, in place."""
    kept = logits[allowed]
    logits.fill_(-torch.inf)
    logits[allowed] = kept


def move_nearest(
    layout: Int[Tensor, "t 9"], within: tuple[int, int, int, int], nothing: int, fill: bool = False
) -> Int[Tensor, "t 9"]:
    """A layout of its nearest thing alone, as large as fits on the lower edge of a box of pixels, or to fill it."""
    moved = torch.zeros_like(layout)
    moved[:, 0] = nothing
    things = layout[layout[:, 0] < nothing]
    if len(things):
        moved[0] = things[-1]
        left, top, right, bottom = (x / UNIT for x in within)
        wide, high = (max(int(moved[0, i + 2] - moved[0, i]), 1) for i in (len(LABELS), len(LABELS) + 1))
        scale = min((right - left) / wide, (bottom - top) / high)
        middle = (left + right) / 2
        fitting = (middle - scale * wide / 2, bottom - scale * high, middle + scale * wide / 2, bottom)
        box = (left, top, right, bottom) if fill else fitting
        moved[0, len(LABELS) :] = torch.tensor([min(max(round(x), 0), BINS - 1) for x in box])
    return moved


def take_boxes(layout: Int[Tensor, "b t 9"], other: Int[Tensor, "b t 9"], nothing: int) -> Int[Tensor, "b t 9"]:
    """The things of one layout in the boxes of another, as far as it has any."""
    both = (layout[..., :1] < nothing) & (other[..., :1] < nothing)
    boxes = torch.where(both, other[..., len(LABELS) :], layout[..., len(LABELS) :])
    return torch.cat([layout[..., : len(LABELS)], boxes], -1)


def build_writer(config: dict[str, Any]) -> LayoutWriter:
    """The writer of a bundle's configuration, which has words besides."""
    return LayoutWriter(**{name: value for name, value in config.items() if name not in WORDS})
