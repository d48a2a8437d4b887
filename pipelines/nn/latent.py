"""A generator whose code can be walked: what the classic families' pipelines share."""

from __future__ import annotations

import functools
import time
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from pipelines.core import contract
from pipelines.core.latent import LatentSettings, bilinear, grid
from pipelines.nn.pixels import to_uint8


class LatentPipeline(contract.Pipeline):
    """Codes to pictures in one pass. A family says what its codes are, how they mix and what it draws of them."""

    Settings = LatentSettings
    width: int  # numbers of a code
    equation: str
    side = 7  # pictures a side of the plane's map

    @abstractmethod
    def decode(self, codes: Tensor, s: Any) -> Float[Tensor, "n 3 h w"]:
        """Pictures of codes (n, …), in [-1, 1]."""

    def code(self, seed: int, s: Any) -> Tensor:
        """The code (1, …) of a seed: standard noise."""
        return self.noise(seed, self.width)

    def noise(self, seed: int, width: int) -> Float[Tensor, "1 d"]:
        """Standard noise of a seed."""
        return torch.randn(1, width, generator=torch.Generator().manual_seed(seed % 2**32)).to(self.device)

    def mix(self, codes: Tensor, weights: Tensor, s: Any) -> Tensor:
        """Codes (m, d) mixed by weights (n, m): independent normals stay of unit variance, so that what lies between
        is as likely as what it lies between (White 2016)."""
        return weights @ codes / weights.square().sum(1, keepdim=True).sqrt()

    def corners(self, s: Any) -> Tensor:
        """The codes (4, …) of the plane's corners."""
        return torch.cat([self.code(s.seed + k, s) for k in range(4)])

    def codes_at(self, places: np.ndarray, s: Any) -> Tensor:
        """The codes (n, …) of places (n, 2) on the plane."""
        return self.mix(self.corners(s), torch.from_numpy(bilinear(places)).float().to(self.device), s)

    @torch.inference_mode()
    def draw(self, codes: Tensor, s: Any) -> UInt8[np.ndarray, "n h w 3"]:
        """Pictures of codes."""
        return to_uint8(self.decode(codes, s).float().permute(0, 2, 3, 1)).cpu().numpy()

    @functools.lru_cache(8)  # noqa: B019 - a handful of pipelines is kept, and small
    def plane(self, s: Any) -> UInt8[np.ndarray, "h w 3"]:
        """The plane as a map: pictures of a grid of places."""
        return contract.tile(self.draw(self.codes_at(grid(self.side), s), s))

    def detail(self, s: Any) -> dict[str, Any]:
        """What the inspector shows besides."""
        return {}

    @torch.inference_mode()
    def run(self, s: Any) -> Iterator[contract.Frame]:
        begun = time.perf_counter()
        picture = self.draw(self.codes_at(np.array([[s.x, s.y]]), s), s)[0]
        milliseconds = 1000 * (time.perf_counter() - begun)
        everywhere = s.model_copy(update={"x": 0.0, "y": 0.0})
        trace = {"calls": 1, "equation": self.equation, "device": f"{self.device}, float32", **self.detail(s)}
        passes = "one pass" if trace["calls"] == 1 else f"{trace['calls']} passes"
        yield contract.Frame(
            1,
            1,
            picture,
            self.given(s),
            f"{passes}, {milliseconds:.0f} ms",
            contract.ImageResult(picture, self.name, s.model_dump()),
            trace | {"plane": functools.partial(self.plane, everywhere)},
        )

    def given(self, s: Any) -> UInt8[np.ndarray, "h w 3"] | None:
        """The picture that it began with, where there is one."""
        return None
