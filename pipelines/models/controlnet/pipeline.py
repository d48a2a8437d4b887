"""ControlNet (Zhang et al. 2023) for the transformer: a trainable copy of its first half beside the frozen whole.

The copy reads the control at the picture's own tokens; what each of its blocks makes is added to the base's through a
projection that begins at zero, so a new ControlNet changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipelines.core import contract
from pipelines.diffusion import samplers
from pipelines.media.control_maps import control
from pipelines.media.images import from_url
from pipelines.models.controlnet.spec import ControlNetSettings
from pipelines.models.latent_diffusion import pipeline as latent_diffusion
from pipelines.nn import weights
from pipelines.nn.dit import Block, Config, DiT, patchify

CELL = 16  # pixels of the control a side of a token
DEPTH = 3


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


class ControlNetPipeline(latent_diffusion.LatentDiffusionGuest):
    """Words and a drawing to a picture."""

    name = "controlnet"
    Settings = ControlNetSettings

    def net(self, kind: str) -> ControlNet:
        """The ControlNet of a kind, on the base's device. Raises weights.WeightsError."""

        def build() -> ControlNet:
            tensors, about = weights.load_bundle(f"controlnet-{kind}")
            net = weights.load_into(
                ControlNet(Config(**about["config"]["config"]), about["config"]["channels"]),
                tensors,
                f"controlnet-{kind}",
            )
            return net.to(self.base.device, self.base.dtype)

        return weights.cached(("controlnet", kind, self.base.device, self.base.dtype), build)

    @torch.inference_mode()
    def run(self, s: ControlNetSettings) -> Iterator[contract.Frame]:
        given = [
            (s.kind, s.control, s.control_weight, s.control_start, s.control_end),
            (s.control2_kind, s.control2, s.control2_weight, 0.0, 1.0),
        ]
        parts, straight = [], samplers.SCHEDULES[s.schedule].straight_time
        for kind, picture, weight, start, end in given:
            if picture and weight:
                image = torch.from_numpy(control(kind, from_url(picture))).permute(2, 0, 1)[None].float() / 255
                parts.append(
                    (
                        self.net(kind).steer(self.base.transformer, image.to(self.base.device)),
                        weight,
                        straight(1 - start),
                        straight(1 - end),
                    )
                )
        yield from self.base.sample(self.name, s, combine(parts) if parts else None)
