"""ControlNet (Zhang et al. 2023) for the transformer: a trainable copy of its first half beside the frozen whole.

The copy reads the control at the picture's own tokens; what each of its blocks makes is added to the base's through a
projection that begins at zero, so a new ControlNet changes nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor, nn

from pipelines.core import contract
from pipelines.diffusion import samplers
from pipelines.media.control_maps import control, read_depth_map
from pipelines.media.images import center_crop, from_url, to_url
from pipelines.models.controlnet.depth import load_depth_reader
from pipelines.models.controlnet.spec import ControlNetSettings
from pipelines.models.latent_diffusion import pipeline as latent_diffusion
from pipelines.models.latent_diffusion.worlds import WorldPipeline
from pipelines.nn import weights
from pipelines.nn.dit import Block, Config, DiT, patchify
from pipelines.nn.pixels import to_tensor

CELL = 16  # pixels of the control a side of a token
DEPTH = 3
UNION = "controlnet-256"  # one for all kinds (as Zhao et al. 2023, Uni-ControlNet), which says in planes which it has
PLANES = {"edges": slice(0, 1), "scribble": slice(1, 2), "palette": slice(2, 5), "depth": slice(5, 6)}
GIVEN = 6  # the first of the planes that say which kinds there are
CHANNELS = GIVEN + len(PLANES)


def stack(kind: str, control: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 10 h w"]:
    """A control among the planes of all kinds, with one that is 1 where its kind is given."""
    planes = control.new_zeros(len(control), CHANNELS, *control.shape[2:])
    planes[:, PLANES[kind]] = control
    planes[:, GIVEN + list(PLANES).index(kind)] = 1
    return planes


class ControlNet(nn.Module):
    """Hints for the base's tokens from a control picture of 128 x 128 pixels in [0, 1]."""

    def __init__(self, config: Config = Config(), channels: int = 1) -> None:
        super().__init__()
        self.config, self.channels, width = config, channels, config.width
        self.look = nn.Sequential(
            nn.Conv2d(channels, 32, 4, stride=4), nn.SiLU(), nn.Conv2d(32, 64, 3, padding=1), nn.SiLU(),
            nn.Conv2d(64, width, 4, stride=4)
        )  # fmt: skip
        self.blocks = nn.ModuleList([Block(config) for _ in range(DEPTH)])
        self.gates = nn.ModuleList([nn.Linear(width, width) for _ in range(DEPTH)])
        for gate in self.gates:
            nn.init.zeros_(gate.weight)
            nn.init.zeros_(gate.bias)

    def copy(self, base: DiT) -> None:
        """Begin as the base's first half."""
        for mine, its in zip(self.blocks, base.blocks, strict=False):
            mine.load_state_dict(its.state_dict())

    def text_kv(self, tokens: Float[Tensor, "b q w"]) -> list[tuple[Tensor, Tensor]]:
        """The words' keys and values, once a run."""
        return [block.text_kv(tokens) for block in self.blocks]

    def forward(
        self,
        base: DiT,
        z: Float[Tensor, "b c h w"],
        features: Float[Tensor, "#b n d"],
        words: Sequence[tuple[Tensor, Tensor]],
        modulations: list[list[Tensor]],
    ) -> list[Float[Tensor, "b n d"]]:
        """Hints: none before the blocks, then one after each of the first half.

        `modulations` are made by the base from these blocks.
        """
        x = base.enter(patchify(z, self.config.patch)) + base.position + features
        hints = [torch.zeros_like(x)]
        for block, gate, modulation, keysvalues in zip(self.blocks, self.gates, modulations, words, strict=False):
            x = block(x, modulation, keysvalues, None, None)
            hints.append(gate(x))
        return hints

    def see(self, control: Float[Tensor, "b c 128 128"]) -> Float[Tensor, "b n d"]:
        """The control as tokens, once a run."""
        return self.look(control).flatten(2).mT

    def steer(self, base: DiT, control: Float[Tensor, "1 c 128 128"]) -> latent_diffusion.ControlFn:
        """What this ControlNet adds in a run, everything that does not change from step to step being computed once."""

        def begin(
            condition: latent_diffusion.TextConditioning, grid: list[float], count: int
        ) -> latent_diffusion.ResidualFn:
            words = [
                tuple(part.repeat_interleave(count, 0) for part in kv) for kv in self.text_kv(condition.captions)
            ]
            at = base.schedule(grid, condition.words.pooled, count, self.blocks)
            features = self.see(control.to(condition.captions.dtype))

            def hint(z: Tensor, t: float) -> Sequence[Tensor]:
                n = len(z)  # half of the rows where this step is not guided: the prompts come first
                return self(
                    base,
                    z,
                    features,
                    [(k[:n], v[:n]) for k, v in words],
                    [[part[:n] for part in layer] for layer in at[t]],
                )

            return hint

        return begin


def combine(parts: list[tuple[latent_diffusion.ControlFn, float, float, float]]) -> latent_diffusion.ControlFn:
    """The weighted sum of several ControlNets' hints, each between the straight times where it starts and ends."""

    def begin(
        condition: latent_diffusion.TextConditioning, grid: list[float], count: int
    ) -> latent_diffusion.ResidualFn:
        hints = [(steer(condition, grid, count), *rest) for steer, *rest in parts]

        def hint(z: Tensor, t: float) -> Sequence[Tensor]:
            every = [[weight * part for part in one(z, t)] for one, weight, high, low in hints if low <= t <= high]
            return [sum(rest, first) for first, *rest in zip(*every, strict=True)]

        return hint

    return begin


class ControlNetPipeline(WorldPipeline):
    """Words and a drawing to a picture. People have a ControlNet for each kind of control, scenes one for all."""

    name = "controlnet"
    Settings = ControlNetSettings

    def net(self, kind: str) -> ControlNet:
        """The ControlNet for a kind of control, on the base's device. Raises weights.WeightsError."""
        name = UNION if self.world == "scenes" else f"controlnet-{kind}"

        def build() -> ControlNet:
            net = weights.open_bundle(name, lambda config: ControlNet(Config(**config["config"]), config["channels"]))
            return net.to(self.base.device, self.base.dtype)

        return weights.cached((name, self.base.device, self.base.dtype), build)

    @torch.inference_mode()
    def extract_control(self, kind: str, picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "128 128 c"]:
        """What is followed of a picture: of one in colour, the depth is read."""
        if kind != "depth":
            return control(kind, picture)
        small = center_crop(picture)
        if (grey := read_depth_map(small)) is not None:
            return grey[..., None]
        if self.world != "scenes":  # only they have taught it
            return self.switch_world("scenes").extract_control(kind, picture)
        z = self.base.autoencoder.encode(to_tensor(center_crop(picture, self.base.side)[None]).to(self.base.device))
        near = (255 * load_depth_reader(self.base.device)(z)[0]).round().byte().cpu().numpy()
        return cv2.resize(near, small.shape[1::-1], interpolation=cv2.INTER_LINEAR)[..., None]

    @torch.inference_mode()
    def run_here(self, s: ControlNetSettings) -> Iterator[contract.Frame]:
        given = [
            (s.kind, s.control, s.control_weight, s.control_start, s.control_end),
            (s.control2_kind, s.control2, s.control2_weight, 0.0, 1.0),
        ]
        parts, straight, maps = [], samplers.SCHEDULES[s.schedule].straight_time, []
        for kind, picture, weight, start, end in given:
            if picture and weight:
                maps.append((kind, self.extract_control(kind, from_url(picture))))
                planes = torch.from_numpy(maps[-1][1]).permute(2, 0, 1)[None].float().to(self.base.device) / 255
                planes = stack(kind, planes) if self.world == "scenes" else planes
                steer = self.net(kind).steer(self.base.transformer, planes)
                parts.append((steer, weight, straight(1 - start), straight(1 - end)))
        within = next((find_lines(one) for kind, one in maps if kind in ("scribble", "edges")), None)
        for frame in self.base.sample(self.name, s, combine(parts) if parts else None, within):
            frame.trace["controls"] = functools.partial(show_controls, maps)
            yield frame


def find_lines(drawing: UInt8[np.ndarray, "128 128 1"]) -> tuple[int, int, int, int] | None:
    """The box around all lines, in pixels of 256 (left, top, right, bottom); None where there are none, or where they
    reach from side to side, as a land's do and a thing's seldom."""
    left, top, width, height = (2 * x for x in cv2.boundingRect(drawing))
    return None if not width or width > 244 else (left, top, left + width, top + height)


def show_controls(maps: list[tuple[str, np.ndarray]]) -> list[dict[str, str]]:
    """What is followed, as the page shows it."""
    pictures = [(kind, Image.fromarray(one.repeat(3 // one.shape[2], 2))) for kind, one in maps]
    return [{"kind": kind, "url": to_url(picture)} for kind, picture in pictures]
