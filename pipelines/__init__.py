"""Generative models that develop their result step by step, as generators of frames.

    from pipelines import load
    pipe = load("latent-diffusion")
    for frame in pipe.generate(prompt="a woman with curly red hair and round glasses", seed=7):
        print(frame.note)
    frame.result.save("out.png")

Importing this does not import torch; loading a model does.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.core.contract import Pipeline
    from pipelines.core.spec import ModelSpec

__version__ = "0.1.0"
os.environ.setdefault(
    "OMP_WAIT_POLICY", "PASSIVE"
)  # before torch: on shared cores, spinning threads run many times slower


def load(name: str, device: str = "auto", dtype: str = "auto") -> Pipeline:
    """The named pipeline with its weights.

    device "auto" is cuda where there is one; dtype "auto" is bf16 there and on a CPU with instructions for it, else
    fp32. Raises KeyError for an unknown name, weights.WeightsError for missing or damaged weights.
    """
    from pipelines.core.registry import get_spec  # here, so that training from a pack needs no pydantic
    from pipelines.nn import weights

    module, _, cls = get_spec(name).pipeline.partition(":")
    build = getattr(importlib.import_module(f"pipelines.models.{module}"), cls)
    return weights.cached((name, device, dtype), lambda: build(device=device, dtype=dtype))


def catalogue() -> list[ModelSpec]:
    """Every model, in the order in which the house shows them."""
    from pipelines.core.registry import CATALOGUE

    return list(CATALOGUE.values())


__all__ = ["__version__", "catalogue", "load"]
