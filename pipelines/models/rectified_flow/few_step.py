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


class FewStepPipeline(contract.Pipeline):
    """Words to a 256 x 256 picture in one to eight calls. Of one seed it draws what the base does."""

    name = "few-step"
    Settings = FewStepSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        base = load("latent-diffusion-256", device, dtype)
        lora = weights.open_bundle("reflow", lambda config: LoRA(base.transformer, config["rank"]))
        self.straight = copy.copy(base)
        self.straight.transformer = merge(base.transformer, lora.to(base.device))
        self.device, self.dtype = base.device, base.dtype

    @torch.inference_mode()
    def run(self, s: FewStepSettings) -> Iterator[contract.Frame]:
        yield from self.straight.sample(self.name, s)
