"""A walk through a latent space: a film of what lies between seeds."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from pipelines import load
from pipelines.core import contract
from pipelines.models.walk.spec import WalkSettings
from pipelines.nn import weights
from pipelines.nn.latent import LatentPipeline

CHUNK = 8  # pictures a pass


def waypoints(s: WalkSettings) -> tuple[np.ndarray, np.ndarray]:
    """Of each frame (f,), the stop that it comes from and how far it is on the way to the next."""
    at = np.arange(s.frames) / s.leg
    return np.minimum(at.astype(int), s.stops - 1), at % 1.0


class WalkPipeline(contract.Pipeline):
    """A frame a step, in passes of several."""

    name = "latent-walk"
    Settings = WalkSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)

    def path(self, space: LatentPipeline, one: object, s: WalkSettings) -> Tensor:
        """The codes (f, …) of all frames."""
        stops = torch.cat([space.code(s.seed + k, one) for k in range(s.stops)])
        start, way = waypoints(s)
        shares = torch.zeros(s.frames, s.stops)
        shares[np.arange(s.frames), start] += torch.from_numpy(1 - way).float()
        shares[np.arange(s.frames), (start + 1) % s.stops] += torch.from_numpy(way).float()
        shares = shares.to(stops.device)
        if s.straight:
            return torch.einsum("fs,s...->f...", shares, stops)
        return space.mix(stops, shares, one)

    @torch.inference_mode()
    def run(self, s: WalkSettings) -> Iterator[contract.Frame]:
        begun, clip = time.perf_counter(), []
        space = load(s.space, self.device)
        words = {"prompt": s.words} if "prompt" in space.Settings.model_fields else {}
        one = space.Settings(seed=s.seed, **words)
        self.dtype, dtype = space.dtype, str(space.dtype).removeprefix("torch.")
        for part in self.path(space, one, s).split(CHUNK):
            clip.extend(space.draw(part, one))
            each = 1000 * (time.perf_counter() - begun) / len(clip)
            done = len(clip) == s.frames
            frames = np.stack(clip)
            view = {"kind": "video", "frames": len(clip), "of": s.frames, "fps": s.fps, "across": 1}
            yield contract.Frame(
                len(clip),
                s.frames,
                functools.partial(self.sheet, frames, s.frames),
                None,
                f"{each:.0f} ms a picture",
                contract.VideoResult(frames, s.fps, self.name, s.model_dump()) if done else None,
                {"calls": -(-len(clip) // CHUNK) * getattr(one, "calls", 1), "device": f"{space.device}, {dtype}"},
                view,
            )

    @staticmethod
    def sheet(frames: np.ndarray, of: int) -> np.ndarray:
        """The frames so far in a sheet with room for all."""
        return contract.tile(np.concatenate([frames, np.zeros((of - len(frames), *frames.shape[1:]), np.uint8)]))
