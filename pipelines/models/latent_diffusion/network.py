"""The network of latent diffusion: the transformer, and the resampler that reads captions for it."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from pipelines import text
from pipelines.diffusion import flow_matching
from pipelines.models.latent_diffusion.layout import LayoutEmbedding
from pipelines.nn.dit import Config, DiT


class LatentDiffusion(nn.Module):
    """The transformer, the resampler that reads captions for it and, where it has one, what reads layouts: what is
    trained together and saved as one bundle."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.transformer = DiT(config)
        self.resampler = text.Resampler(config.words, config.queries)
        self.layout = LayoutEmbedding(list(config.layout), config.width) if config.layout else None

    def loss(
        self,
        z: Float[Tensor, "b c h w"],
        caption: Float[Tensor, "b q d"],
        t: Float[Tensor, " b"],
        drop: Tensor,
        layout: Int[Tensor, "b t 9"] | None = None,
    ) -> Float[Tensor, " b"]:
        """Mean squared error of the velocity a sample (Lipman et al. 2023, eq. 23), for captions as the resampler read
        them, of which dropped ones become the null caption, and layouts of where things stand."""
        noise = torch.randn_like(z)
        words = self.transformer.text_kv(torch.where(drop[:, None, None], self.transformer.null, caption))
        hints = [] if layout is None or self.layout is None else [self.layout(layout)]
        v = self.transformer(
            flow_matching.interpolate(z, noise, t), words, self.transformer.modulations(t, words.pooled), hints=hints
        )
        return flow_matching.velocity_error(v, z, noise).mean((1, 2, 3))
