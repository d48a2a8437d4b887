"""Directions in w, found after the training: ways along which one feature changes and the others stay.

The reader's verdicts of drawn faces are regressed on w; of each direction what lies along the others' is taken away
(Shen et al. 2020, conditional manipulation).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.datasets.avatars import HAIR, LONG, SKIN
from pipelines.models.stylegan.network import CODE, LAYERS, StyleGAN
from pipelines.models.stylegan.spec import DIRECTIONS

FACES, RIDGE = 4000, 0.3
Verdicts = dict[str, Tensor]


def brightness(names: list[str], colours: dict[str, str]) -> Tensor:
    """Mean of red, green and blue of named hexadecimal colours, in [0, 1]."""
    return torch.tensor([sum(bytes.fromhex(colours[name])) / 765 for name in names])


def scores(verdicts: Verdicts, labels: dict[str, list[str]]) -> Tensor:
    """Of each face (n,), how much it has of each direction's feature: (n, directions), expectations under the reader's
    probabilities."""
    p = {name: logits.softmax(1) for name, logits in verdicts.items()}
    long = torch.tensor([float(name in LONG) for name in labels["top"]])
    smile = torch.tensor([float(name in ("smile", "twinkle", "tongue", "default")) for name in labels["mouth"]])
    found = {
        "lighter_hair": p["hair"] @ brightness(labels["hair"], HAIR), "longer_hair": p["top"] @ long,
        "darker_skin": -(p["skin"] @ brightness(labels["skin"], SKIN)), "more_glasses": 1 - p["glasses"][:, 0],
        "more_beard": 1 - p["beard"][:, 0], "more_smile": p["mouth"] @ smile,
    }  # fmt: skip
    return torch.stack([found[name] for name in DIRECTIONS], 1)


@torch.no_grad()
def find_directions(model: StyleGAN, read: Callable[[Tensor], Verdicts], labels: dict[str, list[str]]) -> Tensor:
    """Directions (6, CODE): one unit is the way that changes its feature by a standard deviation of it."""
    generator = torch.Generator().manual_seed(0)
    w, found = [], []
    for _ in range(FACES // 100):
        code = model.style(torch.randn(100, CODE, generator=generator))
        picture = model.synthesis(code, [None] * LAYERS).clamp(-1, 1)
        w.append(code[:, 0])
        found.append(scores(read(F.interpolate(picture, size=128, mode="bicubic")), labels))
    w, y = torch.cat(w), torch.cat(found)
    return regress(w - w.mean(0), (y - y.mean(0)) / y.std(0).clamp_min(1e-6))


def regress(w: Tensor, y: Tensor) -> Tensor:
    """Ridge regression of y (n, k) on w (n, d), in w's own scale; then each direction without what moves the others,
    and so long that it moves its own by one."""
    std = w.std(0).clamp_min(1e-6)
    x = w / std
    slopes = torch.linalg.solve(x.T @ x + RIDGE * len(x) * torch.eye(x.shape[1]), x.T @ y).T  # (k, d): dy / dx
    # the smallest step in x that moves y_k by one and every other y by nothing: rows of the pseudo-inverse
    return (torch.linalg.pinv(slopes).T) * std
