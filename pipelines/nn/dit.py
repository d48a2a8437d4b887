"""A diffusion transformer over tokens, with words read in the same attention; and over latents, by their patches.

adaLN-zero blocks (Peebles & Xie 2023), query-key norm (Dehghani et al. 2023). The words' keys and values come straight
from the caption's tokens, so they are computed once a run, and so are the modulations of the whole time grid: a step
costs the picture's tokens only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    """Latent channels and size, patch, width, depth, heads, the width and number of a caption's tokens, and whether
    each MLP begins with a depthwise convolution over the picture."""

    channels: int = 8
    size: int = 16
    patch: int = 2
    width: int = 256
    depth: int = 6
    heads: int = 4
    words: int = 256
    queries: int = 16
    convolution: bool = False
    layout: Sequence[int] = ()  # how many values each number of a thing has, where tokens read a layout

    @property
    def tokens(self) -> int:
        """Tokens of a latent: its patches, row by row."""
        return (self.size // self.patch) ** 2

    @property
    def inputs(self) -> int:
        """Numbers of a token."""
        return self.channels * self.patch**2


@dataclass(frozen=True)
class TokenConfig:
    """The same for tokens that are no patches of a square: how many there are, and how many numbers each has."""

    tokens: int
    inputs: int
    width: int = 256
    depth: int = 6
    heads: int = 4
    words: int = 256
    queries: int = 16
    convolution: bool = False


AttentionTrace = list[tuple[Tensor, Tensor]]  # queries and keys, (heads, n, d) each, a block


@dataclass
class TextKV:
    """A caption as every block reads it: keys and values (b, heads, q, d) a block, and the pooled caption (b,
    width)."""

    keysvalues: list[tuple[Tensor, Tensor]]
    pooled: Tensor

    def first(self, n: int) -> TextKV:
        """The first n captions."""
        return TextKV([(k[:n], v[:n]) for k, v in self.keysvalues], self.pooled[:n])

    def repeat(self, count: int) -> TextKV:
        """Each caption `count` times."""
        return TextKV(
            [tuple(part.repeat_interleave(count, 0) for part in kv) for kv in self.keysvalues],
            self.pooled.repeat_interleave(count, 0),
        )


class Block(nn.Module):
    """Attention to picture and words, then an MLP, each modulated, gated by zero at the start."""

    def __init__(self, c: Config | TokenConfig) -> None:
        super().__init__()
        self.heads, self.side = c.heads, math.isqrt(c.tokens)
        self.modulation = nn.Linear(c.width, 6 * c.width)
        self.qkv = nn.Linear(c.width, 3 * c.width)
        self.words = nn.Linear(c.words, 2 * c.width)
        self.query_norm = nn.RMSNorm(c.width // c.heads, eps=1e-6)
        self.key_norm = nn.RMSNorm(c.width // c.heads, eps=1e-6)
        self.out = nn.Linear(c.width, c.width)
        self.up = nn.Linear(c.width, 4 * c.width)
        self.down = nn.Linear(4 * c.width, c.width)
        self.convolution = nn.Conv2d(c.width, c.width, 3, padding=1, groups=c.width) if c.convolution else None
        for layer in (self.modulation, self.convolution) if self.convolution else (self.modulation,):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def split(self, x: Tensor, parts: int) -> tuple[Tensor, ...]:
        return x.unflatten(-1, (parts, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind()

    def keys(self, k: Tensor) -> Tensor:
        """Normed keys, with the queries' learnt scale on them as well: it is one product in q . k, and so one
        operation. A root mean square is a norm / sqrt(d); normalize is three times as fast as rms_norm on a CPU."""
        return F.normalize(k, dim=-1) * (k.shape[-1] * self.key_norm.weight * self.query_norm.weight)

    def text_kv(self, tokens: Float[Tensor, "b q w"]) -> tuple[Tensor, Tensor]:
        """The words' keys and values."""
        k, v = self.split(self.words(tokens), 2)
        return self.keys(k), v

    def forward(
        self,
        x: Tensor,
        modulation: list[Tensor],
        words: tuple[Tensor, Tensor],
        attention: AttentionTrace | None,
        share: Tensor | None,
    ) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = modulation
        h = torch.addcmul(shift1, F.layer_norm(x, x.shape[-1:]), scale1)
        q, k, v = self.split(self.qkv(h), 3)
        q = F.normalize(q, dim=-1)
        k, v = torch.cat([self.keys(k), words[0]], dim=2), torch.cat([v, words[1]], dim=2)
        if share is not None:
            q, k = q[share], k[share]
        if attention is not None:
            attention.append((q[0], k[0]))
        h = attend(q, k, v).transpose(1, 2).flatten(2)
        x = torch.addcmul(x, gate1, self.out(h))
        h = torch.addcmul(shift2, F.layer_norm(x, x.shape[-1:]), scale2)
        if self.convolution is not None:
            grid = h.reshape(-1, self.side, self.side, h.shape[2]).permute(
                0, 3, 1, 2
            )  # of several latents, each alone
            h = h + self.convolution(grid).flatten(2).mT.reshape(h.shape)
        return torch.addcmul(x, gate2, self.down(F.gelu(self.up(h))))


class TokenTransformer(nn.Module):
    """Predicts the velocity noise - x0 on the straight path, from tokens, a time in [0, 1] and a caption's tokens."""

    def __init__(self, config: Config | TokenConfig) -> None:
        super().__init__()
        self.config, c = config, config
        self.enter = nn.Linear(c.inputs, c.width)
        self.position = nn.Parameter(torch.randn(c.tokens, c.width) * 0.02)
        self.time = nn.Sequential(nn.Linear(c.width, c.width), nn.SiLU(), nn.Linear(c.width, c.width))
        self.pool = nn.Linear(c.queries * c.words, c.width)
        self.null = nn.Parameter(torch.randn(c.queries, c.words) * 0.02)
        self.blocks = nn.ModuleList([Block(c) for _ in range(c.depth)])
        self.modulation = nn.Linear(c.width, 2 * c.width)
        self.leave = nn.Linear(c.width, c.inputs)
        for layer in (self.modulation, self.leave):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def text_kv(self, tokens: Float[Tensor, "b q w"]) -> TextKV:
        """What every block needs of a caption, once a run."""
        return TextKV([block.text_kv(tokens) for block in self.blocks], self.pool(tokens.flatten(1)))

    def modulations(
        self, t: Float[Tensor, " n"], pooled: Float[Tensor, "n w"], blocks: nn.ModuleList | None = None
    ) -> list[list[Tensor]]:
        """Shift, 1 + scale and gate, (n, 1, width) each, for n times: of every block and of the last layer, or of
        `blocks` alone."""
        c = F.silu(self.time(timestep_embedding(t, self.config.width).to(pooled.dtype)) + pooled)[:, None]
        found = []
        for layer in (
            [block.modulation for block in blocks]
            if blocks is not None
            else [*(block.modulation for block in self.blocks), self.modulation]
        ):
            parts = list(layer(c).chunk(layer.out_features // self.config.width, dim=-1))
            for i in range(1, len(parts), 3):
                parts[i] = 1 + parts[i]
            found.append(parts)
        return found

    def schedule(
        self, grid: list[float], pooled: Float[Tensor, "n w"], count: int, blocks: nn.ModuleList | None = None
    ) -> dict[float, list[list[Tensor]]]:
        """The modulations of a whole grid of times, for `count` samples a caption: computed once a run, by time."""
        rows = len(pooled)
        every = self.modulations(
            torch.tensor(grid, device=pooled.device).repeat_interleave(rows), pooled.repeat(len(grid), 1), blocks
        )
        all_rows = [[part.unflatten(0, (-1, rows)).repeat_interleave(count, 1) for part in layer] for layer in every]
        return {t: [[part[i] for part in layer] for layer in all_rows] for i, t in enumerate(grid)}

    def forward(
        self,
        x: Float[Tensor, "b n d"],
        words: TextKV,
        modulations: list[list[Tensor]],
        attention: AttentionTrace | None = None,
        share: Tensor | None = None,
        hints: Sequence[Tensor] = (),
    ) -> Float[Tensor, "b n d"]:
        """Velocity. `attention`, if given, receives the first sample's queries and keys, (heads, n, d) each, a block.

        With `share`, sample i looks where sample share[i] looks (prompt-to-prompt; Hertz et al. 2023). `hints`, (b, n,
        width) each, are added to the tokens: the first before the blocks, each other one after the next block. More
        tokens than there are places are those of several latents that look at each other, each with all places.
        """
        x = self.enter(x)
        x = x + self.position.repeat(x.shape[1] // len(self.position), 1)
        if hints:
            x = x + hints[0]
        for i, (block, modulation, keysvalues) in enumerate(
            zip(self.blocks, modulations, words.keysvalues, strict=False), 1
        ):
            x = block(x, modulation, keysvalues, attention, share)
            if i < len(hints):
                x = x + hints[i]
        shift, scale = modulations[-1]
        return self.leave(torch.addcmul(shift, F.layer_norm(x, x.shape[-1:]), scale))


class DiT(TokenTransformer):
    """The same over latents (b, c, h, w); or over several that look at each other, such as the frames of a clip or the
    views of a thing, (b, v, c, h, w)."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__(config)

    def forward(
        self,
        z: Float[Tensor, "b *v c h w"],
        words: TextKV,
        modulations: list[list[Tensor]],
        attention: AttentionTrace | None = None,
        share: Tensor | None = None,
        hints: Sequence[Tensor] = (),
    ) -> Float[Tensor, "b *v c h w"]:
        """Velocity of each latent."""
        tokens = patchify(z, self.config.patch)
        v = super().forward(tokens.flatten(1, -2), words, modulations, attention, share, hints)
        return unpatchify(v.reshape(tokens.shape), self.config.patch)


def attend(q: Float[Tensor, "b h n d"], k: Float[Tensor, "b h m d"], v: Float[Tensor, "b h m d"]) -> Tensor:
    """Scaled dot-product attention. Learning on a CPU it is written out: the fused one's backward pass takes three
    times as long for so few tokens."""
    if q.is_cuda or not torch.is_grad_enabled():
        return F.scaled_dot_product_attention(q, k, v)
    return (q @ k.mT * q.shape[-1] ** -0.5).softmax(-1).to(v.dtype) @ v


def attention_to_words(attention: AttentionTrace, queries: int) -> Float[Tensor, "n q"]:
    """How much each picture token looks at each of the caption's tokens, the last keys: mean over blocks and heads."""
    q, k = (torch.cat(parts).float() for parts in zip(*attention, strict=True))
    return (q * q.shape[-1] ** -0.5 @ k.mT).softmax(-1)[..., -queries:].mean(0)


def timestep_embedding(t: Float[Tensor, " n"], width: int) -> Float[Tensor, "n w"]:
    """Sinusoidal features of a time in [0, 1] (Vaswani et al. 2017, scaled to 1000 as in DDPM)."""
    frequencies = torch.exp(-math.log(10_000) * torch.arange(width // 2, device=t.device) / (width // 2))
    angles = 1000 * t[:, None].float() * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def patchify(z: Float[Tensor, "*b c h w"], patch: int) -> Float[Tensor, "*b n d"]:
    """Non-overlapping patches as tokens, row by row."""
    return F.pixel_unshuffle(z, patch).flatten(-2).mT


def unpatchify(x: Float[Tensor, "*b n d"], patch: int) -> Float[Tensor, "*b c h w"]:
    """The inverse, for square latents."""
    side = math.isqrt(x.shape[-2])
    return F.pixel_shuffle(x.mT.unflatten(-1, (side, side)), patch)
