"""Flow matching on the straight path x_t = (1 - t) x0 + t noise (Lipman et al. 2023; Liu et al. 2022): what a network
learns there.

The target velocity is noise - x0; read as a denoiser, x0 = x_t - t v.
"""

from __future__ import annotations

import torch
from torch import Tensor


def _at(t: Tensor, like: Tensor) -> Tensor:
    return t.view(-1, *[1] * (like.ndim - 1))


def interpolate(x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """x_t of each of n samples at its own time t (n,)."""
    return torch.lerp(x0, noise, _at(t, x0))


def velocity_error(v: Tensor, x0: Tensor, noise: Tensor) -> Tensor:
    """Squared error of a predicted velocity, element by element: eq. 23, before any mean or mask."""
    return (v.float() - (noise - x0)).square()


def sample_times(n: int, shift: float = 1.0) -> Tensor:
    """Logit-normal times (Esser et al. 2024), shifted towards noise by s t / (1 + (s - 1) t)."""
    t = torch.sigmoid(torch.randn(n))
    return shift * t / (1 + (shift - 1) * t)
