"""Claims about what is learnt: adapters, gates, codes."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from pydantic import Field
from torch import Tensor

from pipelines.core.cards import card
from pipelines.lab.experiment import Controls, Experiment, Finding


class RankControls(Controls):
    rank: int = Field(3, ge=1, le=6, description="Of the change that is to be learnt.")
    steps: int = Field(600, ge=100, le=2000, description="Of Adam.")


def try_lora_rank(c: RankControls) -> Iterator[Finding]:
    generator, found, width = torch.Generator().manual_seed(c.seed), Finding(), 24
    left, right = (torch.linalg.qr(torch.randn(width, width, generator=generator))[0] for _ in range(2))
    values = torch.tensor([2.0 * 0.7**k if k < c.rank else 0.0 for k in range(width)])
    change = left @ values.diag() @ right
    for rank in range(1, 8):
        down = torch.randn(rank, width, generator=generator).mul(0.3).requires_grad_()
        up = torch.zeros(width, rank, requires_grad=True)
        adam = torch.optim.Adam([down, up], lr=0.02)
        for k in range(c.steps):
            adam.param_groups[0]["lr"] = 0.02 * (1 - k / c.steps)
            x = torch.randn(64, width, generator=generator)
            loss = (x @ (up @ down - change).T).square().sum(1).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
        left_over = (up @ down - change).square().sum().item()
        yield found.add(
            rank, LoRA=max(left_over, 1e-6), best_of_its_rank=max(values[rank:].square().sum().item(), 1e-6)
        )
    pairs = list(zip(found.series["LoRA"], found.series["best of its rank"], strict=True))
    worst = max(abs(a - b) for a, b in pairs) / values.square().sum().item()
    yield found.end(
        worst < 0.02,
        f"At every rank LoRA ends within {worst:.1%} of the change of the best matrix of that rank, the sum of "
        f"the squared "
        f"singular values that are left out. From rank {c.rank} on nothing is.",
    )


class GateControls(Controls):
    rate: float = Field(0.05, ge=0.005, le=0.2, description="Learning rate of gradient descent.")


def try_zero_gate(c: GateControls) -> Iterator[Finding]:
    """A frozen base f(x) = x; the target x + 0.7 s needs the side branch gate · weight · s."""
    found = Finding()
    generator = torch.Generator().manual_seed(c.seed)
    starts = {"zero gate, random weight": (0.0, 1.0), "both random": (0.8, 1.0), "both zero": (0.0, 0.0)}
    pairs = {name: [torch.tensor(gate), torch.tensor(weight)] for name, (gate, weight) in starts.items()}
    first: dict[str, float] = {}
    for step in range(101):
        side = torch.randn(256, generator=generator)
        losses = {}
        for name, (gate, weight) in pairs.items():
            error = gate * weight * side - 0.7 * side
            losses[name] = error.square().mean().item()
            slope = (2 * error * side).mean()
            pairs[name] = [gate - c.rate * slope * weight, weight - c.rate * slope * gate]
        first = first or losses
        if step % 5 == 0:
            for name, loss in losses.items():
                found.series.setdefault(name, []).append(max(loss, 1e-6))
            found.x.append(step)
            yield found
    drift = {name: abs(gate * weight) for name, (gate, weight) in starts.items()}
    learnt, dead = found.last("zero gate, random weight"), found.last("both zero")
    yield found.end(
        learnt < 0.05 and dead > 0.4 and drift["zero gate, random weight"] == 0,
        f"The zero gate changes nothing at first and is learnt in 100 steps (error {learnt:.3f}); both random "
        f"disturb the "
        f"base by {drift['both random']:.1f} before the first step; both zero have no gradient, for ever "
        f"(error {dead:.2f}).",
    )


class QuantiserControls(Controls):
    codes: int = Field(64, ge=4, le=256, description="Entries of each stage's codebook.")


def try_residual_quantiser(c: QuantiserControls) -> Iterator[Finding]:
    generator, found, width = torch.Generator().manual_seed(c.seed), Finding(), 8
    x = torch.randn(4000, width, generator=generator)
    rest, bits = x, torch.log2(torch.tensor(float(c.codes))).item()
    for stage in range(1, 9):
        book = rest[torch.randperm(len(rest), generator=generator)[: c.codes]].clone()
        for _ in range(12):  # Lloyd's algorithm
            nearest = torch.cdist(rest, book).argmin(1)
            total = torch.zeros_like(book).index_add_(0, nearest, rest)
            count = torch.bincount(nearest, minlength=c.codes)[:, None]
            book = torch.where(count > 0, total / count.clamp_min(1), book)
        rest = rest - book[torch.cdist(rest, book).argmin(1)]
        ratio = 10 * torch.log10(x.square().mean() / rest.square().mean()).item()
        bound = 6.02 * stage * bits / width
        yield found.add(stage, residual_quantiser=ratio, bound_of_Shannon=bound)
    gained = [
        b - a
        for a, b in zip(found.series["residual quantiser"], found.series["residual quantiser"][1:], strict=False)
    ]
    even = max(gained) < 1.5 * min(gained)
    yield found.end(
        even and found.last("residual quantiser") < found.last("bound of Shannon"),
        f"Each stage of {bits:g} bits adds {min(gained):.1f} to {max(gained):.1f} dB; eight of them at 75 Hz "
        f"and 1,024 codes "
        "are 8 × 75 × 10 = 6,000 bits a second, and not the 2,000 that are sometimes printed.",
    )


class BetaControls(Controls):
    pass


def try_beta(c: BetaControls) -> Iterator[Finding]:
    found = Finding()
    for name in ("vae-low", "vae-mid", "vae-high"):
        about = card(name)
        kl = about.get("kl", [])
        spoken = sum(value > 0.5 for value in kl)
        yield found.add(about["config"]["beta"], units_above_half_a_nat=spoken, nats=sum(kl))
    units, nats = found.series["units above half a nat"], found.series["nats"]
    yield found.end(
        units == sorted(units, reverse=True) and nats == sorted(nats, reverse=True) and nats[-1] < nats[0],
        f"From beta {found.x[0]:g} to {found.x[-1]:g} the code goes from {nats[0]:.0f} to {nats[-1]:.0f} nats, "
        f"and the units "
        f"that carry half a nat or more from {units[0]:.0f} to {units[-1]:.0f}: these are the weights of the "
        f"Latent tab.",
    )


class MaskControls(Controls):
    scales: int = Field(4, ge=2, le=6, description="1×1, 2×2, 4×4, …")


def attend(tokens: Tensor, mask: Tensor, weights: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """One head of masked self-attention."""
    q, k, v = (tokens @ w for w in weights)
    return (q @ k.T / q.shape[1] ** 0.5).masked_fill(~mask, -torch.inf).softmax(1) @ v


def try_scale_mask(c: MaskControls) -> Iterator[Finding]:
    generator, found, width = torch.Generator().manual_seed(c.seed), Finding(), 16
    sides = [2**k for k in range(c.scales)]
    scale = torch.repeat_interleave(torch.arange(c.scales), torch.tensor([side * side for side in sides]))
    weights = tuple(torch.randn(width, width, generator=generator) for _ in range(3))
    tokens = torch.randn(len(scale), width, generator=generator)
    masks = {
        "mask by scale": scale[:, None] >= scale[None],
        "without a mask": torch.ones(len(scale), len(scale)).bool(),
    }
    for disturbed in range(1, c.scales):
        other = torch.where(scale[:, None] >= disturbed, tokens + 1, tokens)
        moved = {}
        for name, mask in masks.items():
            change = attend(other, mask, weights) - attend(tokens, mask, weights)
            moved[name.replace(" ", "_")] = change[scale < disturbed].abs().max().item()
        yield found.add(disturbed + 1, **moved)
    kept, leaks = max(found.series["mask by scale"]), min(found.series["without a mask"])
    tokens_in_all = len(scale)
    yield found.end(
        kept == 0 and leaks > 0.01,
        f"Disturbing a scale moves those before it by {kept:g} with the mask and by at least {leaks:.2f} without. So "
        f"{tokens_in_all} tokens take {c.scales} passes, one a scale, where raster order takes {tokens_in_all}.",
    )


EXPERIMENTS = [
    Experiment(
        "lora-rank", "LoRA", "The rank that LoRA needs", "LoRA learns the best change of its rank, and no better one.",
        "Its error is the sum of the squared singular values beyond the rank.", RankControls, try_lora_rank,
        "rank of the LoRA", "squared error of the change", "y", "Hu et al. 2021; Eckart and Young 1936",
    ),
    Experiment(
        "zero-gate", "ControlNet", "Beginning at zero", "A zero gate lets a control in without disturbing the base.",
        "No change at first, and it learns; with both factors zero it never does.", GateControls, try_zero_gate,
        "step of gradient descent", "squared error", "y", "Zhang et al. 2023",
    ),
    Experiment(
        "residual-quantiser", "Audio", "Codes upon codes",
        "Every stage of a residual quantiser adds as many decibels.",
        "Even steps, below the bound for a Gaussian.", QuantiserControls, try_residual_quantiser,
        "stages", "signal to noise, dB", "", "Zeghidour et al. 2021",
    ),
    Experiment(
        "beta", "VAE", "What beta costs", "A larger beta leaves fewer units with something to say.",
        "Nats and units fall as beta grows.", BetaControls, try_beta,
        "beta", "units, nats", "x", "Higgins et al. 2017",
    ),
    Experiment(
        "scale-mask", "Next-scale prediction", "All of a scale at once",
        "Masked by scale, later scales cannot be peeked at.",
        "Disturbing later tokens moves nothing before them.", MaskControls, try_scale_mask,
        "scale that is disturbed", "largest change before it", "", "Tian et al. 2024",
    ),
]  # fmt: skip
