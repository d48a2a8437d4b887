"""Rectified flow (Liu et al. 2022; Lipman et al. 2022) by solvers of dx/dt = v(x, t), with the path that was taken."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines import load
from pipelines.core import contract
from pipelines.diffusion.ode import State, Velocity, solve_adaptive, solve_fixed, straightness
from pipelines.diffusion.progress import require_finite
from pipelines.diffusion.samplers import seeded_noise
from pipelines.media.images import center_crop, from_url
from pipelines.models.latent_diffusion.pipeline import add_layout
from pipelines.models.rectified_flow.few_step import straighten
from pipelines.models.rectified_flow.spec import RectifiedFlowSettings
from pipelines.nn import weights
from pipelines.nn.dit import DiT, TextKV
from pipelines.nn.pixels import to_tensor

SIDE = 256
PLACES = 4  # of the latent whose way is drawn


class RectifiedFlowPipeline(contract.Pipeline):
    """The base's velocity in fp32: a path that is run backwards has to find its beginning."""

    name = "rectified-flow"
    Settings = RectifiedFlowSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.base = load("latent-diffusion-256", device, dtype)
        self.net = copy.deepcopy(self.base.transformer).float()
        self.coder = self.base.autoencoder

    @functools.cached_property
    def straight(self) -> DiT:
        """The base with what reflow taught it."""
        return straighten(self.net, self.device)

    @staticmethod
    def velocity(net: DiT, words: TextKV, weight: float, layout: Tensor | None) -> Velocity:
        """v(x, t) = u + w (c - u), of the caption's (and its layout's) and the null caption's velocities."""

        def v(x: Tensor, t: float) -> Tensor:
            rows = words.first(1) if weight == 1 else words
            both = x.expand(len(rows.pooled), -1, -1, -1)
            at = net.modulations(torch.full((len(both),), t, device=x.device), rows.pooled)
            found = net(both, rows, at, hints=add_layout((), layout, pair=weight != 1))
            return found if weight == 1 else found[1:] + weight * (found[:1] - found[1:])

        return v

    def solve(self, s: RectifiedFlowSettings, v: Velocity, x: Tensor, start: float, end: float) -> Iterator[State]:
        """The path from one end to the other by the chosen solver."""
        if s.solver == "dormand-prince":
            return solve_adaptive(v, x, start, end, s.tolerance)
        return solve_fixed(v, x, start, end, s.steps, s.solver)

    @torch.inference_mode()
    def run(self, s: RectifiedFlowSettings) -> Iterator[contract.Frame]:
        condition = self.base.condition(s.prompt, "")
        self.base.write_layout(condition, s)
        layout = None if condition.hint is None else condition.hint.float()
        net = self.straight if s.flow == "reflow" else self.net
        words, c = net.text_kv(condition.captions.float()), net.config
        x, legs, clean = seeded_noise(s.seed, (c.channels, c.size, c.size), 1, self.device)(), [(1.0, 0.0)], None
        if s.image:
            x = clean = self.coder.encode(
                to_tensor(center_crop(from_url(s.image), SIDE)[None]).to(self.device)
            ).float()
            legs = [(0.0, 1.0), (1.0, 0.0)]  # to its noise, without guidance, and back
        total = None if s.solver == "dormand-prince" else s.steps * len(legs)
        number, before = 0, 0
        for start, end in legs:
            points, times = [x], [start]
            states = self.solve(s, self.velocity(net, words, s.guidance if end == 0 else 1.0, layout), x, start, end)
            for x, t, calls in states:
                number += 1
                points.append(require_finite(x))
                times.append(t)
                last = end == 0 and abs(t) < 1e-9
                note = f"{before + calls} calls, t = {max(t, 0.0):.2f}"
                frame = self.frame(number, number if last else total or number + 1, points, times, note)
                frame.trace |= {"calls": before + calls, "layout": condition.things, "exchanged": condition.exchanged}
                if last:
                    picture = self.base.decode_uint8(x)[0].cpu().numpy()
                    frame = self.finish(frame, picture, s, straightness(points, times), clean)
                yield frame
            before += calls

    def frame(self, step: int, steps: int, points: list[Tensor], times: list[float], note: str) -> contract.Frame:
        """A step: what its velocity leads to, where it stands, and the way so far."""
        (a, b), (t0, t) = points[-2:], times[-2:]
        estimate = b - t * (b - a) / (t - t0)

        def show(z: Tensor) -> np.ndarray:
            return self.coder.decode_preview(z)[0].cpu().numpy()

        trace: dict[str, Any] = {"path": functools.partial(trace_path, list(points), list(times))}
        trace |= {"device": f"{self.device}, float32", "equation": "dx/dt = v(x, t) = E[noise − x<sub>0</sub> | x]"}
        return contract.Frame(
            step, steps, functools.partial(show, estimate), functools.partial(show, b), note, trace=trace
        )

    def finish(
        self, frame: contract.Frame, picture: np.ndarray, s: RectifiedFlowSettings, bent: float, clean: Tensor | None
    ) -> contract.Frame:
        """The last step with the picture, how straight the path was, and how near a picture came back to itself."""
        note = f"{frame.note} · straightness {bent:.3f} (0 is straight)"
        if clean is not None:
            error = np.square(self.base.decode_uint8(clean)[0].cpu().numpy().astype(float) - picture).mean()
            note += f" · back at {10 * np.log10(255**2 / max(error, 1e-9)):.1f} dB"
        result = contract.ImageResult(picture, self.name, s.model_dump())
        return contract.Frame(frame.step, frame.steps, picture, frame.state, note, result, frame.trace.data)


def trace_path(points: list[Tensor], times: list[float]) -> dict[str, Any]:
    """The way so far: on its two principal components, and at some places of the latent, by time."""
    flat = torch.stack([point.flatten() for point in points]).cpu()
    centred = flat - flat.mean(0)
    _, _, axes = torch.linalg.svd(centred, full_matrices=False)
    places = torch.linspace(0, flat.shape[1] - 1, PLACES + 2).long()[1:-1]
    rounded = {"components": centred @ axes[:2].T, "places": flat[:, places]}
    return {name: [[round(v, 3) for v in row] for row in value.tolist()] for name, value in rounded.items()} | {
        "times": [round(t, 4) for t in times]
    }
