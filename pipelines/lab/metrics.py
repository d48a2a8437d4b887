"""Claims about what is measured: distances of features, and rankings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from pipelines.evaluation.metrics import frechet, kid
from pipelines.evaluation.ranking import SCALE, bradley_terry, elo, tally
from pipelines.lab.experiment import Controls, Experiment, Finding


def normal(n: int, d: int, seed: int) -> Tensor:
    """Standard noise (n, d)."""
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


class BiasControls(Controls):
    dimensions: int = Field(64, ge=8, le=128, multiple_of=8, description="Of the features.")


def try_frechet_bias(c: BiasControls) -> Iterator[Finding]:
    found, d = Finding(), c.dimensions
    counts = [int(d * factor) for factor in (1.5, 2.5, 4, 8, 16, 32)]
    for n in counts:
        values = [frechet(normal(n, d, 10 * c.seed + k), normal(n, d, 10 * c.seed + k + 5)) for k in range(3)]
        yield found.add(n, Fréchet_distance=float(np.mean(values)))
    values = np.array(found.series["Fréchet distance"])
    _, limit = np.polyfit(1 / np.array(counts[2:]), values[2:], 1)
    yield found.end(
        (np.diff(values) < 0).all() and abs(limit) < 0.05 * values[0],
        f"Two samples of one distribution are {values[0]:.2f} apart at n = {counts[0]} and {values[-1]:.2f} at "
        f"{counts[-1]}: "
        f"too high, the more so the smaller n, about as 1/n. A line through 1/n ends at {limit:.3f}, where it should.",
    )


class MomentControls(Controls):
    rare: float = Field(
        0.1, ge=0.05, le=0.5, description="How many of each feature's values lie in the smaller lump."
    )


def try_matched_moments(c: MomentControls) -> Iterator[Finding]:
    found, d, n = Finding(), 16, 2000
    real, again = normal(n, d, c.seed), normal(n, d, c.seed + 1)
    rng = np.random.default_rng(c.seed)
    for share in (0.0, 0.25, 0.5, 0.75, 0.95):
        rare = torch.from_numpy(rng.random((n, d)) < c.rare)
        lumps = torch.where(rare, ((1 - c.rare) / c.rare) ** 0.5, -((c.rare / (1 - c.rare)) ** 0.5))
        twins = share * lumps + (1 - share**2) ** 0.5 * normal(n, d, c.seed + 2)  # mean 0 and variance 1, as real
        yield found.add(
            share,
            Fréchet_over_its_floor=frechet(twins, real) / frechet(again, real),
            KID_over_its_floor=max(abs(kid(twins, real)) / max(abs(kid(again, real)), 1e-4), 0.01),
        )
    f, k = found.last("Fréchet over its floor"), found.last("KID over its floor")
    yield found.end(
        f < 2 and k > 5,
        f"Features of two uneven lumps, with the mean and covariance of a normal: the Fréchet distance is "
        f"{f:.1f} times its "
        f"floor, KID {k:.0f} times. KID's cubic kernel sees third moments and no further: with even lumps (0.5) it is "
        "fooled, too.",
    )


class MemoryControls(Controls):
    examples: int = Field(500, ge=200, le=2000, multiple_of=100, description="Training examples.")


def try_memoriser(c: MemoryControls) -> Iterator[Finding]:
    found, d = Finding(), 32
    mix = normal(d, d, c.seed + 9) / d**0.5
    train, held_out = (normal(n, d, c.seed + k) @ mix for k, n in ((1, c.examples), (2, 2000)))
    fitted = torch.distributions.MultivariateNormal(train.mean(0), torch.cov(train.T) + 1e-4 * torch.eye(d))
    torch.manual_seed(c.seed)
    honest = fitted.sample((2000,))
    picks = torch.randint(len(train), (2000,), generator=torch.Generator().manual_seed(c.seed))
    for noise in (0.0, 0.05, 0.1, 0.2, 0.4):
        copies = train[picks] + noise * normal(2000, d, c.seed + 3) * train.std()
        near = torch.cdist(copies, train).min(1).values.mean() / torch.cdist(held_out, train).min(1).values.mean()
        yield found.add(
            noise,
            copies_Fréchet=frechet(copies, held_out),
            honest_Fréchet=frechet(honest, held_out),
            copies_nearest_training=near.item(),
        )
    copy, fair = found.series["copies Fréchet"][0], found.series["honest Fréchet"][0]
    near = found.series["copies nearest training"][0]
    yield found.end(
        copy <= 1.1 * fair and near < 0.1,
        f"Copies of the training set have a Fréchet distance of {copy:.2f}, an honest fit {fair:.2f}: the score "
        f"cannot tell. "
        f"The distance to the nearest training example can: {near:.2f} of a held-out example's.",
    )


class OrderControls(Controls):
    votes: int = Field(200, ge=50, le=2000, multiple_of=50, description="Between two, of which the first wins 70 %.")


def try_elo_order(c: OrderControls) -> Iterator[Finding]:
    rng, found = np.random.default_rng(c.seed), Finding()
    votes = [(0, 1, "left" if k < 0.7 * c.votes else "right") for k in range(c.votes)]
    strength = bradley_terry(tally(votes, 2), prior=0.0)
    true, gaps = SCALE * np.log(0.7 / 0.3), []
    for order in range(1, 41):
        rating = elo([votes[k] for k in rng.permutation(c.votes)], 2, k=32.0)
        gaps.append(rating[0] - rating[1])
        found.add(order, Elo=gaps[-1], Bradley_Terry=strength[0] - strength[1], true_gap=true)
        if order % 5 == 0:
            yield found
    spread = max(gaps) - min(gaps)
    yield found.end(
        spread > 50 and abs(strength[0] - strength[1] - true) < 1,
        f"The same {c.votes} votes in 40 orders: Elo's gap goes from {min(gaps):.0f} to {max(gaps):.0f}; "
        f"Bradley-Terry's is "
        f"{strength[0] - strength[1]:.0f} in every order, and {true:.0f} is right.",
    )


EXPERIMENTS = [
    Experiment(
        "frechet-bias", "Evaluation", "Few samples look worse", "The Fréchet distance is too high for small n.",
        "Two samples of one distribution are apart, about as 1/n.", BiasControls, try_frechet_bias,
        "samples a side", "Fréchet distance", "xy", "Chong and Forsyth 2020",
    ),
    Experiment(
        "matched-moments", "Evaluation", "What two moments cannot see", "Matched mean and covariance fool the Fréchet "
        "distance, and not KID.", "Near its floor for the one, far from it for the other.", MomentControls,
        try_matched_moments, "share of the lumps", "times the floor", "y", "Bińkowski et al. 2018",
    ),
    Experiment(
        "memoriser", "Evaluation", "The best score is a copy", "A model that copies its training set wins the Fréchet "
        "distance.", "No worse than an honest fit; only nearest neighbours tell.", MemoryControls, try_memoriser,
        "noise on the copies", "distance", "", "Kynkäänniemi et al. 2019",
    ),
    Experiment(
        "elo-order", "Evaluation", "Elo's order",
        "Elo depends on the order of the same votes; Bradley-Terry does not.",
        "A spread of Elo's gap over shuffled votes, and none of the other's.", OrderControls, try_elo_order,
        "one order of the same votes", "gap in points", "", "Boubdir et al. 2023",
    ),
]  # fmt: skip
