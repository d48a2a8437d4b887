"""The network of latent diffusion: the transformer, and the resampler that reads captions for it."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipelines import text
from pipelines.diffusion import flow_matching
from pipelines.nn.dit import Config, DiT


class LatentDiffusion(nn.Module):
    """The transformer and the resampler that reads captions for it: what is trained together and saved as one
    bundle."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.transformer = DiT(config)
        self.resampler = text.Resampler(config.words, config.queries)

    def loss(
        self, z: Float[Tensor, "b c h w"], caption: Float[Tensor, "b q w"], t: Float[Tensor, " b"], drop: Tensor
    ) -> Float[Tensor, " b"]:
        """Mean squared error of the velocity a sample (Lipman et al. 2023, eq. 23), for captions as the resampler read
        them; dropped ones become the null caption."""
        noise = torch.randn_like(z)
        words = self.transformer.text_kv(torch.where(drop[:, None, None], self.transformer.null, caption))
        v = self.transformer(
            flow_matching.interpolate(z, noise, t), words, self.transformer.modulations(t, words.pooled)
        )
        return flow_matching.velocity_error(v, z, noise).mean((1, 2, 3))
