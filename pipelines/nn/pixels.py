"""Pictures as bytes and as tensors."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor


def to_tensor(pictures: UInt8[np.ndarray, "n h w 3"]) -> Float[Tensor, "n 3 h w"]:
    """uint8 pictures as networks take them, in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def to_uint8(x: Tensor) -> Tensor:
    """[-1, 1] to uint8, clipped and rounded (down, of what is half a step higher); the axes stay."""
    return (x * 127.5 + 128).clamp(0, 255).to(torch.uint8)
