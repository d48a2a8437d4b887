"""GAN and conditional GAN: one pass, one picture."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pipelines.models.gan.conditions import CONDITIONS
from pipelines.models.gan.network import NOISE, Generator
from pipelines.models.gan.spec import ConditionalSettings, GANSettings
from pipelines.nn import weights
from pipelines.nn.latent import LatentPipeline


class GANPipeline(LatentPipeline):
    """Noise to a face."""

    name = "gan"
    Settings = GANSettings
    width = NOISE
    equation = "x = G(z), z ~ N(0, 1)"
    bundles = ("gan", "gan-collapse")

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.nets = [
            weights.open_bundle(name, lambda config: Generator(config["sizes"])).to(self.device)
            for name in self.bundles
        ]

    def decode(self, codes: Tensor, s: Any) -> Tensor:
        return self.nets[s.collapsed](codes)


class ConditionalPipeline(GANPipeline):
    """Noise and conditions to a face."""

    name = "conditional-gan"
    Settings = ConditionalSettings
    equation = "x = G(z, c)"
    bundles = ("conditional-gan",)

    def decode(self, codes: Tensor, s: ConditionalSettings) -> Tensor:
        labels = [values.index(getattr(s, name)) for name, values in CONDITIONS.items()]
        return self.nets[0](codes, torch.tensor([labels]).to(self.device).expand(len(codes), -1))
