"""Pictures in a few steps: the base with what reflow taught it, along paths that are nearly straight."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch

from pipelines import load
from pipelines.core import contract
from pipelines.models.lora.adapter import LoRA, merge
from pipelines.models.rectified_flow.spec import FewStepSettings
from pipelines.nn import weights
from pipelines.nn.dit import DiT


def straighten(net: DiT, device: str) -> DiT:
    """The base with what reflow taught it."""
    lora = weights.open_bundle("reflow", lambda config: LoRA(net, config["rank"]))
    return merge(net, lora.to(device))


class FewStepPipeline(contract.Pipeline):
    """Words to a 256 x 256 picture in one to eight calls. Of one seed it draws what the base does."""

    name = "few-step"
    Settings = FewStepSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        base = load("latent-diffusion-256", device, dtype)
        self.straight = copy.copy(base)
        self.straight.transformer = straighten(base.transformer, base.device)
        self.device, self.dtype = base.device, base.dtype

    @torch.inference_mode()
    def run(self, s: FewStepSettings) -> Iterator[contract.Frame]:
        yield from self.straight.sample(self.name, s)
