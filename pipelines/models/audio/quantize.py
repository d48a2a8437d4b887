"""Residual vector quantisation: each codebook says what the ones before it left over, so fewer codebooks are a coarser
message.

Codes are looked up in a few dimensions and on the unit sphere (factorised, l2-normalised: Yu et al. 2022; Kumar et al.
2023), gradients pass straight through (van den Oord et al. 2017), and codes that nobody uses are thrown back among what
is said (Dhariwal et al. 2020, "random restarts").
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

FORGET = 0.99  # how slowly a code's use is forgotten
DEAD = 0.03  # used so much less often than if all were used alike, a code is thrown back


class Codebook(nn.Module):
    """One stage: a latent to the nearest of `codes`, by cosine similarity in `dim` dimensions."""

    def __init__(self, width: int, codes: int = 1024, dim: int = 8) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(width, dim), nn.Linear(dim, width)
        self.codes = nn.Parameter(torch.randn(codes, dim))
        self.register_buffer("use", torch.ones(codes))  # mean is 1

    def forward(
        self, x: Float[Tensor, "b n w"]
    ) -> tuple[Float[Tensor, "b n w"], Int[Tensor, "b n"], Float[Tensor, " b"]]:
        """What the code says, its index, and the loss of codes and commitment a sample."""
        z_e = self.down(x)
        index = (F.normalize(z_e.detach(), dim=-1) @ F.normalize(self.codes.detach(), dim=-1).T).argmax(-1)
        code = F.embedding(index, self.codes)
        loss = (code - z_e.detach()).square().mean((1, 2)) + 0.25 * (code.detach() - z_e).square().mean((1, 2))
        if self.training:
            self.watch(z_e.detach().flatten(0, 1), index.flatten())
        return self.up(z_e + (code - z_e).detach()), index, loss

    @torch.no_grad()
    def watch(self, z_e: Tensor, index: Tensor) -> None:
        """Count what is used; throw dead codes back onto what is being said."""
        count = torch.bincount(index, minlength=len(self.codes)).float()
        self.use.lerp_(count * len(self.codes) / len(index), 1 - FORGET)
        dead = (self.use < DEAD).nonzero()[:, 0][: len(z_e)]
        self.codes[dead] = z_e[torch.randint(len(z_e), (len(dead),), device=z_e.device)].to(self.codes)
        self.use[dead] = 1.0

    def decode(self, index: Int[Tensor, "b n"]) -> Float[Tensor, "b n w"]:
        """What codes say."""
        return self.up(F.embedding(index, self.codes))


class ResidualQuantizer(nn.Module):
    """`books` stages, one after the other, each on what is left."""

    def __init__(self, width: int, books: int = 6, codes: int = 1024, dim: int = 8) -> None:
        super().__init__()
        self.books = nn.ModuleList([Codebook(width, codes, dim) for _ in range(books)])

    def forward(
        self, x: Float[Tensor, "b n w"], stages: Int[Tensor, " b"] | None = None
    ) -> tuple[Float[Tensor, "b n w"], Int[Tensor, "b n k"], Float[Tensor, ""]]:
        """The message of the first `stages` books of each sample (all, if not given), every book's index, and the
        loss."""
        if stages is None:
            stages = torch.full((len(x),), len(self.books), device=x.device)
        total, rest, indices, loss = torch.zeros_like(x), x, [], x.new_zeros(())
        for k, book in enumerate(self.books):
            z_q, index, missed = book(rest)
            mask = (stages > k).to(x)
            total, rest = total + z_q * mask[:, None, None], rest - z_q.detach()
            loss = loss + (missed * mask).sum() / len(x)
            indices.append(index)
        return total, torch.stack(indices, dim=-1), loss

    def decode(self, indices: Int[Tensor, "b n k"]) -> Float[Tensor, "b n w"]:
        """The message of as many books as there are indices."""
        return torch.stack(
            [book.decode(index) for book, index in zip(self.books, indices.unbind(-1), strict=False)]
        ).sum(0)
