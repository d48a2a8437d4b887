"""Muon (Jordan et al. 2024): momentum, orthogonalised by Newton-Schulz, for the hidden matrices of a transformer, or
the kernels of convolutions.

torch.optim.Muon iterates in bf16, which CPUs without bf16 instructions run a hundred times slower (22 s a step here).
"""

from __future__ import annotations

import torch
from torch import Tensor


def orthogonalise(g: Tensor, steps: int = 4, dtype: torch.dtype = torch.float32) -> Tensor:
    """Bring the singular values of a matrix near 1, by a quintic iteration; a convolution's kernels are rows."""
    if g.ndim > 2:
        return orthogonalise(g.flatten(1), steps, dtype).view_as(g)
    x = g.T if g.shape[0] > g.shape[1] else g
    x = (x / (x.norm() + 1e-7)).to(dtype)
    for _ in range(steps):
        a = x @ x.T
        x = torch.addmm(x, torch.addmm(a, a, a, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    return (x.T if g.shape[0] > g.shape[1] else x).to(g.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum 0.95; updates have AdamW's root mean square of 0.2, so they share its learning rate (Liu et al.
    2025).

    The iteration runs in `dtype`: in bf16 a third of the time where there are instructions for it, in error by a
    hundredth.
    """

    def __init__(
        self,
        parameters: list[Tensor],
        lr: float,
        weight_decay: float,
        momentum: float = 0.95,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.dtype = dtype

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                buffer = state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(buffer, group["momentum"])
                # queries, keys and values are three matrices that lie in one
                parts = update.chunk(3) if update.ndim == 2 and update.shape[0] == 3 * update.shape[1] else (update,)
                update = torch.cat([orthogonalise(part, dtype=self.dtype) for part in parts])
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-0.2 * max(parts[0].flatten(1).shape) ** 0.5 * group["lr"])
