"""Scale after scale: what of a latent is known, what comes next, and the dice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from pipelines.models.next_scale.network import KVCache, NextScale, sample_codes
from pipelines.models.next_scale.quantize import SIDES


def seed_generators(seed: int) -> list[torch.Generator]:
    """Dice for each scale, so that a finer one can be thrown anew without the others."""
    return [torch.Generator().manual_seed(seed * len(SIDES) + k) for k in range(len(SIDES))]


@torch.inference_mode()
def sample(
    model: NextScale,
    captions: Float[Tensor, "n q d"],
    seed: int = 0,
    guidance: float = 3.0,
    temperature: float = 0.9,
    top_k: int = 9,
    top_p: float = 0.95,
    known: Sequence[Float[Tensor, "n c h w"]] = (),
    layout: Int[Tensor, "n t 9"] | None = None,
    clean: Float[Tensor, "n c h w"] | None = None,
    mask: Float[Tensor, "n 1 h w"] | None = None,
) -> Iterator[tuple[Float[Tensor, "n c h w"], float]]:
    """The sum of the scales after each, and the entropy of its codes in bits; after those of which the sums are
    `known`. With a `clean` latent, codes are drawn where the `mask` is 1 alone; elsewhere they are what the sum so
    far leaves of it, so that both grow together. Guidance grows with the scale up to `guidance`, and the
    temperature falls to a fifth, so that places differ and details do not."""
    c, n, dice = model.config, len(captions), seed_generators(seed)
    guided = guidance > 1
    null = model.transformer.null
    captions, layout = captions.to(null), layout if layout is None else layout.to(null.device)
    both = torch.cat([captions, null.expand(n, -1, -1)]) if guided else captions
    if layout is not None and guided:  # without words there is none
        nothing = torch.zeros_like(layout)
        nothing[..., 0] = model.config.layout[0] - 1
        layout = torch.cat([layout, nothing])
    prefix = model.read(both, layout)
    cache: KVCache = []
    total = torch.zeros(n, c.channels, c.size, c.size, device=captions.device)
    for k in range(len(SIDES)):
        logits, cache = model.predict(total.repeat(2, 1, 1, 1) if guided else total, k, prefix, cache)
        if k < len(known):
            total = known[k]
            continue
        part = (k + 1) / len(SIDES)
        if guided:
            logits = torch.lerp(logits[n:], logits[:n], 1 + (guidance - 1) * part)
        codes, entropy = sample_codes(logits, temperature * (1.2 - part), top_k, top_p, dice[k])
        if clean is not None and mask is not None:
            drawn = F.adaptive_max_pool2d(mask, codes.shape[1]).permute(0, 2, 3, 1) > 0
            codes = torch.where(drawn, codes, model.quantizer.nearest(clean - total, k))
        total = total + model.quantizer.decode(codes, k)
        yield total, entropy
