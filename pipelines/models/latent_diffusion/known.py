"""Known parts of what is drawn: their tokens are clean and have time 0, while the others have the step's (diffusion
forcing; Chen et al. 2024).

Kept on the noisy path instead, as in replacement, what is known can hardly be seen in the first steps, when it is
decided where everything goes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from pipelines.nn.dit import AttentionTrace, DiT, TextKV

Modulations = list[list[Tensor]]  # of every block and of the last layer


def grow_to_tokens(fresh: Float[Tensor, "*b 1 h w"], patch: int) -> Float[Tensor, "*b 1 h w"]:
    """1 in all cells of every token of which any cell is to be drawn."""
    flat = F.max_pool2d(fresh.flatten(0, -4), patch)
    return F.interpolate(flat, scale_factor=patch).view_as(fresh)


def mask_tokens(cells: Float[Tensor, "b *f 1 h w"], patch: int) -> Float[Tensor, "b n 1"]:
    """The same, a number a token, of all frames one after the other."""
    return cells[..., ::patch, ::patch].flatten(1)[..., None]


def mix_modulations(at: Modulations, at_zero: Modulations, drawn: Float[Tensor, "b n 1"]) -> Modulations:
    """The modulations of a time where tokens are drawn, and of time 0 where they are known."""
    return [
        [torch.lerp(zero, part, drawn.to(part.dtype)) for part, zero in zip(*layer, strict=True)]
        for layer in zip(at, at_zero, strict=True)
    ]


class KnownTokens:
    """A call of the network for a picture, or a clip, of which a part is known: for a pipeline's `predict_velocity`."""

    def __init__(
        self, transformer: DiT, clean: Float[Tensor, "b *f c h w"], fresh: Float[Tensor, "b *f 1 h w"]
    ) -> None:
        """`clean` latents, and where (1) they are not known; a call may be of several times as many."""
        self.transformer, self.clean, patch = transformer, clean, transformer.config.patch
        self.cells = grow_to_tokens(fresh, patch)
        self.drawn = mask_tokens(self.cells, patch)
        self.at_zero: dict[int, Modulations] = {}  # by the rows of a call

    def __call__(
        self, z: Tensor, words: TextKV, modulations: Modulations, attention: AttentionTrace, hints: Sequence[Tensor]
    ) -> Tensor:
        rows = len(z)
        if rows not in self.at_zero:
            self.at_zero[rows] = self.transformer.modulations(torch.zeros(rows, device=z.device), words.pooled)
        cells, clean, drawn = (
            part.repeat(rows // len(part), *[1] * (part.ndim - 1)).to(z.dtype)
            for part in (self.cells, self.clean, self.drawn)
        )
        mixed = mix_modulations(modulations, self.at_zero[rows], drawn)
        return self.transformer(torch.where(cells > 0, z, clean), words, mixed, attention, hints=hints)
