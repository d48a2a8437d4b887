"""Inversion: the code of a picture by gradient descent on w (Karras et al. 2020, app. D) or on a w a layer, w+ (Abdal
et al. 2019)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from pipelines.models.stylegan.network import StyleGAN
from pipelines.models.stylegan.spec import LAYERS

SCALES = (1, 2, 4)  # of the pyramid that the pictures are compared on: far from the goal, pixels alone lead nowhere


def distance(x: Tensor, y: Tensor) -> Tensor:
    """Mean squared error over a pyramid."""
    return sum(F.mse_loss(F.avg_pool2d(x, k), F.avg_pool2d(y, k)) for k in SCALES)


def invert(
    model: StyleGAN, target: Float[Tensor, "1 3 h w"], steps: int, rate: float = 0.05, whole: bool = False
) -> Iterator[tuple[Tensor, Tensor, float]]:
    """At each step the code (1, layers, d), its picture without noise, and the PSNR in dB: first of the mean
    w, then of
    what a step of Adam made of the one before. `whole` keeps one w for all layers."""
    with torch.inference_mode(False), torch.enable_grad():
        target = target.clone()
        rows = 1 if whole else LAYERS
        w = model.mean_w.detach().clone()[None, None].repeat(1, rows, 1).requires_grad_()
        optimiser = torch.optim.Adam([w], lr=rate, betas=(0.9, 0.99))
    for k in range(steps):
        optimiser.param_groups[0]["lr"] = rate * 0.5 * (1 + math.cos(math.pi * k / steps))
        with torch.inference_mode(False), torch.enable_grad():
            picture = model.synthesis(w.expand(1, LAYERS, -1), [None] * LAYERS)
        error = F.mse_loss(picture.detach().clamp(-1, 1), target).item()
        yield w.detach().expand(1, LAYERS, -1).clone(), picture.detach(), 10 * math.log10(4 / max(error, 1e-9))
        with torch.inference_mode(False), torch.enable_grad():
            optimiser.zero_grad()
            distance(picture, target).backward()
            optimiser.step()
