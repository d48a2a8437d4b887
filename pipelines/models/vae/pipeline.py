"""Autoencoder and VAE: encode a picture, rebuild it, walk between codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.core.cards import card
from pipelines.media.images import center_crop, from_url
from pipelines.models.vae.network import VAE
from pipelines.models.vae.spec import BUNDLES, AutoencoderSettings, VAESettings, bundle
from pipelines.nn import weights
from pipelines.nn.latent import LatentPipeline
from pipelines.nn.pixels import to_tensor

SIDE = 64
REACH = 2.5  # standard deviations of the prior from the middle of the plane to its edge, of two numbers


class AutoencoderPipeline(LatentPipeline):
    """A picture to a code and back, without noise."""

    name = "autoencoder"
    Settings = AutoencoderSettings
    equation = "x̂ = D(E(x))"
    bundles = BUNDLES[:1]

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.nets = {name: self._open(name) for name in self.bundles}

    def _open(self, name: str) -> VAE:
        return weights.open_bundle(name, lambda config: VAE(config["code"], config["beta"])).to(self.device)

    def net(self, s: AutoencoderSettings) -> VAE:
        """The weights for these settings."""
        return self.nets[bundle(s)]

    def given(self, s: AutoencoderSettings) -> np.ndarray | None:
        return center_crop(from_url(s.image), SIDE) if s.image else None

    def encode(self, s: AutoencoderSettings) -> Tensor:
        """The code (1, d) of the picture that was given."""
        return self.net(s).encode(to_tensor(self.given(s)[None]).to(self.device))

    def code(self, seed: int, s: AutoencoderSettings) -> Tensor:
        net = self.net(s)
        return net.prior(self.noise(seed, net.code))

    def corners(self, s: AutoencoderSettings) -> Tensor:
        """Codes drawn from the prior; the first is the picture's, where one is given."""
        drawn = super().corners(s)
        return torch.cat([self.encode(s), drawn[1:]]) if s.image else drawn

    def codes_at(self, places: np.ndarray, s: Any) -> Tensor:
        net = self.net(s)
        if net.code == 2:
            return torch.from_numpy(places * REACH).float().to(self.device)
        return super().codes_at(places, s)

    def mix(self, codes: Tensor, weights: Tensor, s: AutoencoderSettings) -> Tensor:
        """About the codes' mean: a plain autoencoder's is not zero."""
        middle = self.net(s).prior(torch.zeros_like(codes[:1]))
        return super().mix(codes - middle, weights, s) + middle

    def decode(self, codes: Tensor, s: AutoencoderSettings) -> Tensor:
        return self.net(s).decoder(codes)

    def detail(self, s: AutoencoderSettings) -> dict[str, Any]:
        """KL of each unit, of how many it is more than nothing, and the same of the others for comparison."""
        here, rows = bundle(s), []
        for name in self.bundles:
            about = card(name)
            found, config = about.get("metrics", {}), about["config"]
            label = f"β {config['beta']:g}, {config['code']} numbers" if config["beta"] else "plain"
            units = (
                [found.get("kl"), found.get("active")] if config["beta"] else [None, None]
            )  # plain: no noise, no KL
            rows.append([label, found.get("psnr"), *units, name == here])
        kl = card(here).get("kl", []) if self.net(s).beta else []
        trace: dict[str, Any] = {"units": {"kl": kl, "rows": rows}}
        if s.image and self.net(s).code == 2:
            trace["found"] = (self.encode(s)[0] / REACH).clamp(-1, 1).tolist()
        return trace


class VAEPipeline(AutoencoderPipeline):
    """The same with noise on the code, which is drawn towards a prior."""

    name = "vae"
    Settings = VAESettings
    bundles = BUNDLES[1:]
    equation = "z ~ q(z | x), x̂ = D(z); loss = −log p(x | z) + β KL(q(z | x) ‖ N(0, 1))"
