"""The resampler: learnt queries that read a caption (Jaegle et al. 2021, Alayrac et al. 2022).

It is trained on captions alone, before any picture model sees it.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from pipelines.nn.attention import Attention
from pipelines.text.encoder import WIDTH


class Resampler(nn.Module):
    """16 learnt queries read a caption of any length: one encoder layer over the words, two decoder layers."""

    def __init__(self, width: int = 256, queries: int = 16, heads: int = 4) -> None:
        super().__init__()
        self.enter = nn.Linear(WIDTH, width)
        self.queries = nn.Parameter(torch.randn(queries, width) * 0.02)
        self.encoder = ResamplerLayer(width, heads, crossed=False)
        self.decoder = nn.ModuleList([ResamplerLayer(width, heads, crossed=True) for _ in range(2)])
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Float[Tensor, "b n 384"], mask: Bool[Tensor, "b n"]) -> Float[Tensor, "b q w"]:
        """The caption's 16 tokens."""
        return self.trace(tokens, mask)[0]

    def trace(
        self, tokens: Float[Tensor, "b n 384"], mask: Bool[Tensor, "b n"]
    ) -> tuple[Tensor, Float[Tensor, "b q n"]]:
        """The same, and how much each query reads of each word (mean over heads and decoder layers)."""
        words, _ = self.encoder(self.enter(tokens), None, mask)
        h = self.queries.expand(len(tokens), -1, -1)
        maps = []
        for layer in self.decoder:
            h, weights = layer(h, words, mask)
            maps.append(weights)
        return self.norm(h), torch.stack(maps).mean(0)


class ResamplerLayer(nn.Module):
    """A transformer layer (pre-norm). Crossed, it first reads `words`; else it attends to itself under their mask."""

    def __init__(self, width: int, heads: int, crossed: bool) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.inner = ResamplerLayer(width, heads, crossed=False) if crossed else None
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, words: Tensor | None, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        h = self.norm1(x)
        out, weights = self.attention(h, h if words is None else words, mask)
        x = x + out
        x = x + self.mlp(self.norm2(x))
        if self.inner is not None:
            x, _ = self.inner(x, None, None)
        return x, weights
