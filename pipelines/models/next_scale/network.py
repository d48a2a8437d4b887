"""Next-scale prediction (VAR; Tian et al. 2024): a transformer that is causal across scales and parallel within one.

Its blocks are those of latent diffusion, so it can begin with the base's weights, which know words and shapes. In
place of a noisy picture they read the sum of the scales before, on the next one's grid; in place of a velocity they
give, for each coordinate of each cell, the odds of its levels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from pipelines.models.latent_diffusion.layout import LayoutEmbedding
from pipelines.models.latent_diffusion.network import LatentDiffusion
from pipelines.models.next_scale.quantize import LEVELS, PATCH, SIDES, MultiScaleQuantizer, resize
from pipelines.nn.dit import Block, Config, DiT, TextKV, patchify

KVCache = list[tuple[Tensor, Tensor]]  # keys and values of the scales so far, (b, heads, n, d) each, a block


class ScaleBlock(Block):
    """Attention to words and to all scales up to one's own, then an MLP that begins on each scale's own grid."""

    def forward(
        self,
        x: Tensor,
        modulation: list[Tensor],
        words: tuple[Tensor, Tensor],
        sides: tuple[int, ...],
        bias: Tensor | None = None,
        past: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Tokens of some scales, of `sides`, and the keys and values so far. All scales at once need a `bias` that
        hides finer ones; one alone needs the `past`."""
        shift1, scale1, gate1, shift2, scale2, gate2 = modulation
        q, k, v = self.split(self.qkv(torch.addcmul(shift1, F.layer_norm(x, x.shape[-1:]), scale1)), 3)
        q, k = F.normalize(q, dim=-1), self.keys(k)
        if past is not None:
            k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        every_k, every_v = torch.cat([k, words[0]], dim=2), torch.cat([v, words[1]], dim=2)
        scores = q @ every_k.mT * q.shape[-1] ** -0.5
        if bias is not None:
            scores = scores + bias
        h = (scores.softmax(-1).to(every_v.dtype) @ every_v).transpose(1, 2).flatten(2)
        x = torch.addcmul(x, gate1, self.out(h))
        h = torch.addcmul(shift2, F.layer_norm(x, x.shape[-1:]), scale2)
        grids = h.split([side**2 for side in sides], 1)
        local = [
            self.convolution(grid.mT.unflatten(2, (side, side))).flatten(2).mT
            for grid, side in zip(grids, sides, strict=True)
        ]
        return torch.addcmul(x, gate2, self.down(F.gelu(self.up(h + torch.cat(local, 1))))), (k, v)


@dataclass(frozen=True)
class Prefix:
    """A caption as the transformer reads it, once a run: the words, and the modulations of each scale, by block."""

    words: TextKV
    modulations: list[list[Tensor]]  # shift, 1 + scale and gate, (b, scales, width) each
    hints: list[Tensor]  # the layout on each scale's grid, or none


class NextScale(nn.Module):
    """The transformer and the quantiser whose codes it predicts."""

    def __init__(self, config: Config = Config(channels=12, convolution=True), levels: int = LEVELS) -> None:
        super().__init__()
        self.config, self.levels = config, levels
        self.quantizer = MultiScaleQuantizer(config.channels, levels, config.size)
        self.transformer = DiT(config)
        self.layout = LayoutEmbedding(list(config.layout), config.width) if config.layout else None
        self.transformer.blocks = nn.ModuleList([ScaleBlock(config) for _ in range(config.depth)])
        self.transformer.position = nn.Parameter(torch.zeros(sum(side**2 for side in SIDES), config.width))
        self.transformer.leave = nn.Linear(config.width, config.inputs * levels)
        nn.init.zeros_(self.transformer.leave.weight)
        nn.init.zeros_(self.transformer.leave.bias)
        self.times = nn.Parameter(torch.linspace(1.0, 0.3, len(SIDES)))  # how noisy the base would call each scale
        scale = torch.repeat_interleave(torch.arange(len(SIDES)), torch.tensor([side**2 for side in SIDES]))
        self.register_buffer("member", F.one_hot(scale, len(SIDES)).float(), persistent=False)  # (tokens, scales)
        hidden = (scale[:, None] < scale[None]).float() * -1e9
        self.register_buffer("hidden", F.pad(hidden, (0, config.queries)), persistent=False)  # words never are

    def begin_as(self, base: LatentDiffusion) -> None:
        """Take what fits from a latent diffusion; places of coarser grids are means of its own."""
        if self.layout is not None and base.layout is not None:
            self.layout.load_state_dict(base.layout.state_dict())
        theirs, own, c = base.transformer.state_dict(), self.transformer.state_dict(), self.config
        grid = theirs["position"].T.reshape(1, c.width, c.size // PATCH, -1)
        places = torch.cat([resize(grid, side)[0].flatten(1).T for side in SIDES])
        fitting = {k: v for k, v in theirs.items() if k in own and own[k].shape == v.shape}
        self.transformer.load_state_dict(own | fitting | {"position": places})

    def read(self, caption: Float[Tensor, "b q d"], layout: Int[Tensor, "b t 9"] | None = None) -> Prefix:
        """A caption's tokens, and a layout of where things stand, ready for every scale."""
        hints = [] if layout is None or self.layout is None else [self.layout(layout, side) for side in SIDES]
        words, n = self.transformer.text_kv(caption.to(self.transformer.null.dtype)), len(SIDES)
        every = self.transformer.modulations(
            self.times.repeat_interleave(len(caption)), words.pooled.repeat(n, 1)
        )  # one scale after the other
        modulations = [[part.unflatten(0, (n, -1))[:, :, 0].transpose(0, 1) for part in layer] for layer in every]
        return Prefix(words, modulations, hints)

    def places(self, k: int) -> slice:
        """Which tokens are scale k's."""
        first = sum(side**2 for side in SIDES[:k])
        return slice(first, first + SIDES[k] ** 2)

    def embed(self, total: Float[Tensor, "b c h w"], k: int, prefix: Prefix) -> Float[Tensor, "b n d"]:
        """The sum of the scales before k, on k's grid."""
        enter = self.transformer.enter
        tokens = enter(patchify(resize(total, PATCH * SIDES[k]), PATCH).to(enter.weight.dtype))
        place = self.transformer.position[self.places(k)]
        return tokens + (place + prefix.hints[k] if prefix.hints else place).to(tokens.dtype)

    def leave(self, x: Tensor, modulation: list[Tensor], sides: tuple[int, ...]) -> list[Float[Tensor, "b s s c l"]]:
        """Logits a scale: of each coordinate of each cell."""
        shift, scale = modulation
        h = self.transformer.leave(torch.addcmul(shift, F.layer_norm(x, x.shape[-1:]), scale)).float()
        return [
            part.unflatten(2, (PATCH, PATCH, self.config.channels, self.levels))
            .unflatten(1, (side, side))
            .transpose(2, 3)
            .flatten(3, 4)
            .flatten(1, 2)
            for part, side in zip(h.split([side**2 for side in sides], 1), sides, strict=True)
        ]

    def forward(
        self,
        totals: list[Float[Tensor, "b c h w"]],
        caption: Float[Tensor, "b q d"],
        layout: Int[Tensor, "b t 9"] | None = None,
    ) -> list[Float[Tensor, "b s s c l"]]:
        """Logits of all scales from the sums before each, at once: to learn."""
        prefix, every = self.read(caption, layout), self.member.to(caption.dtype)
        x = torch.cat([self.embed(total, k, prefix) for k, total in enumerate(totals)], 1)
        layers = [[every @ part for part in layer] for layer in prefix.modulations]
        for block, modulation, keysvalues in zip(
            self.transformer.blocks, layers, prefix.words.keysvalues, strict=False
        ):
            x, _ = block(x, modulation, keysvalues, SIDES, self.hidden.to(x.dtype))
        return self.leave(x, layers[-1], SIDES)

    def predict(
        self, total: Float[Tensor, "b c h w"], k: int, prefix: Prefix, cache: KVCache
    ) -> tuple[Float[Tensor, "b s s c l"], KVCache]:
        """Logits of scale k from the sum before it, and the cache with it."""
        x, found, sides = self.embed(total, k, prefix), [], (SIDES[k],)
        layers = [[part[:, k : k + 1] for part in layer] for layer in prefix.modulations]
        for i, (block, keysvalues) in enumerate(zip(self.transformer.blocks, prefix.words.keysvalues, strict=True)):
            x, kept = block(x, layers[i], keysvalues, sides, None, cache[i] if cache else None)
            found.append(kept)
        return self.leave(x, layers[-1], sides)[0], found

    def loss(
        self,
        z: Float[Tensor, "b c h w"],
        caption: Float[Tensor, "b q d"],
        noise: float,
        layout: Int[Tensor, "b t 9"] | None = None,
    ) -> Float[Tensor, "b k"]:
        """Cross-entropy a sample and scale, in bits a code."""
        totals, codes = map(list, zip(*self.quantizer.encode(z, noise), strict=True))
        return torch.stack(
            [
                F.cross_entropy(logits.flatten(0, 3), code.flatten(), reduction="none").view(len(z), -1).mean(1)
                / math.log(2)
                for logits, code in zip(self(totals, caption, layout), codes, strict=True)
            ],
            1,
        )


def sample_codes(
    logits: Float[Tensor, "b s s c l"],
    temperature: float,
    top_k: int,
    top_p: float,
    generator: torch.Generator,
) -> tuple[Int[Tensor, "b s s c"], float]:
    """A level a coordinate, among the `top_k` likeliest and the likeliest that together have odds `top_p`; and the
    mean entropy, in bits, of what was thrown."""
    values, order = logits.float().cpu().sort(-1, descending=True)
    odds = (values / temperature).softmax(-1)
    before = odds.cumsum(-1) - odds
    odds = odds * (before < top_p) * (torch.arange(odds.shape[-1]) < top_k)
    odds = odds / odds.sum(-1, keepdim=True)
    entropy = -(odds * odds.clamp_min(1e-12).log2()).sum(-1).mean().item()
    thrown = torch.rand((*odds.shape[:-1], 1), generator=generator)
    picked = (odds.cumsum(-1) < thrown).sum(-1, keepdim=True).clamp(max=odds.shape[-1] - 1)
    return order.gather(-1, picked)[..., 0].to(logits.device), entropy
