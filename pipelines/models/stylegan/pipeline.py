"""StyleGAN: a code to a face through styles; and a face back to its code."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.core import contract
from pipelines.media.images import center_crop, from_url
from pipelines.models.stylegan.inversion import invert
from pipelines.models.stylegan.network import CODE, StyleGAN
from pipelines.models.stylegan.spec import DIRECTIONS, LAYERS, SHOWN, InversionSettings, StyleGANSettings
from pipelines.nn import weights
from pipelines.nn.latent import LatentPipeline
from pipelines.nn.pixels import to_tensor, to_uint8

SIDE = 64
FIXED = 1234  # seed of the noise that is the same for all
FOUND = 150  # steps of the inversion of a picture that is given as a corner


def face(url: str) -> np.ndarray:
    """A picture as the network knows them."""
    return center_crop(from_url(url), SIDE)


def to_picture(x: Tensor) -> np.ndarray:
    """[-1, 1] (1, 3, h, w) to bytes (h, w, 3)."""
    return to_uint8(x[0].float().permute(1, 2, 0)).cpu().numpy()


def open_stylegan(device: str) -> StyleGAN:
    """The trained network."""
    return weights.open_bundle("stylegan", lambda config: StyleGAN(config.get("directions", 0))).to(device)


class StyleGANPipeline(LatentPipeline):
    """Codes are w, a row a layer, truncated; bilinear on the plane, as w is straight where z is not."""

    name = "stylegan"
    Settings = StyleGANSettings
    width = CODE
    equation = "w = f(z); x = g(A(w)), w′ = w̄ + ψ (w − w̄)"

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.net = open_stylegan(self.device)

    def code(self, seed: int, s: StyleGANSettings) -> Tensor:
        return self.net.style(super().code(seed, s), s.psi)

    def mix(self, codes: Tensor, weights: Tensor, s: StyleGANSettings) -> Tensor:
        return torch.einsum("nm,mld->nld", weights, codes)

    @functools.lru_cache(8)  # noqa: B019 - a handful of pipelines is kept, and small
    def found(self, url: str) -> Tensor:
        """The code of a picture, by inversion; so long as it is asked for again it is not sought again."""
        target = to_tensor(face(url)[None]).to(self.device)
        *_, (w, _, _) = invert(self.net, target, FOUND)
        return w

    def corners(self, s: StyleGANSettings) -> Tensor:
        drawn = super().corners(s)
        return torch.cat([self.found(s.image), drawn[1:]]) if s.image else drawn

    def styled(self, codes: Tensor, s: StyleGANSettings) -> Tensor:
        """The w that the layers get: moved along directions, the later ones another seed's."""
        amounts = torch.tensor([getattr(s, name) for name in DIRECTIONS], device=codes.device)
        if self.net.directions.numel():
            codes = codes + amounts @ self.net.directions
        if s.mix_from < LAYERS:
            later = torch.arange(LAYERS, device=codes.device)[None, :, None] >= s.mix_from
            codes = torch.where(later, self.code(s.mix_seed, s), codes)
        return codes

    def noises(self, n: int, s: StyleGANSettings) -> list[Tensor | None]:
        """Noise of every layer, the same for all pictures of a batch; a function of the settings, as all is."""
        if s.noise == "off":
            return [None] * LAYERS
        seed = FIXED if s.noise == "fixed" else hash((s.seed, s.x, s.y)) % 2**32
        one = self.net.noise(1, torch.Generator().manual_seed(seed))
        return [noise.to(self.device).expand(n, -1, -1, -1) for noise in one]

    def decode(self, codes: Tensor, s: StyleGANSettings) -> Tensor:
        return self.net.synthesis(self.styled(codes, s), self.noises(len(codes), s))

    def given(self, s: StyleGANSettings) -> np.ndarray:
        """The channels of one layer, each scaled to its own range."""
        codes = self.styled(self.codes_at(np.array([[s.x, s.y]]), s), s)
        maps = self.net.synthesis.features(codes, self.noises(1, s), s.layer)[0].float()
        low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
        grey = to_uint8(2 * (maps - low) / (high - low + 1e-6) - 1).cpu().numpy()
        return contract.tile(np.repeat(grey[:64, :, :, None], 3, 3))


class InversionPipeline(contract.Pipeline):
    """A frame every few steps of the descent."""

    name = "stylegan-inversion"
    Settings = InversionSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.net = open_stylegan(self.device)

    def run(self, s: InversionSettings) -> Iterator[contract.Frame]:
        given, last = face(s.image), s.descent_steps
        target = to_tensor(given[None]).to(self.device)
        for k, (_, x, psnr) in enumerate(invert(self.net, target, last, s.rate, not s.extended), 1):
            if k % SHOWN and k < last:
                continue
            picture = to_picture(x)
            result = contract.ImageResult(picture, self.name, s.model_dump()) if k == last else None
            trace: dict[str, Any] = {"calls": k, "loss": 10 ** (-psnr / 10), "device": f"{self.device}, float32"}
            note = f"{psnr:.1f} dB at step {k} of the descent"
            yield contract.Frame(-(-k // SHOWN), s.steps, picture, given, note, result, trace)
