"""Rankings from pairs: known strengths come back, intervals hold, order matters to Elo alone."""

from __future__ import annotations

import time

import numpy as np
import pytest

from pipelines.evaluation.ranking import SCALE, bradley_terry, elo, intervals, least_certain, tally

STRENGTHS = np.array([-150.0, -60.0, 0.0, 50.0, 160.0])


def simulate(n: int, seed: int, strengths: np.ndarray = STRENGTHS, ties: float = 0.1) -> list[tuple[int, int, str]]:
    rng, votes = np.random.default_rng(seed), []
    for _ in range(n):
        left, right = (int(i) for i in rng.choice(len(strengths), 2, replace=False))
        p = 1 / (1 + 10 ** ((strengths[right] - strengths[left]) / 400))
        verdict = "tie" if rng.random() < ties else "left" if rng.random() < p else "right"
        votes.append((left, right, verdict))
    return votes


def test_two_contestants_have_the_odds_of_their_votes() -> None:
    wins = np.array([[0, 30.0], [10.0, 0]])
    one, two = bradley_terry(wins, prior=0.0)
    assert (one - two) / SCALE == pytest.approx(np.log(3), abs=1e-9)
    assert tally([(0, 1, "left"), (0, 1, "tie"), (1, 0, "bad")], 2).tolist() == [[0, 2], [1, 0]]


def test_known_strengths_come_back_whatever_the_order_and_elo_depends_on_it() -> None:
    votes = simulate(10_000, 0, ties=0.0)
    found = bradley_terry(tally(votes, 5))
    assert np.abs(found - STRENGTHS + STRENGTHS.mean()).max() < 25
    assert np.allclose(found, bradley_terry(tally(votes[::-1], 5)))
    assert np.abs(elo(votes, 5) - elo(votes[::-1], 5)).max() > 5


def test_intervals_hold_as_often_as_they_say() -> None:
    truth = STRENGTHS - STRENGTHS.mean()
    inside = []
    for seed in range(40):
        low, high = intervals(simulate(1000, seed, ties=0.0), 5, resamples=200)
        inside += list((low <= truth) & (truth <= high))
    assert np.mean(inside) > 0.9  # of 200 intervals at 95 %: six standard errors of slack would be 0.86


def test_who_never_lost_is_not_infinitely_strong_and_nobody_knows_without_votes() -> None:
    found = bradley_terry(tally([(0, 1, "left")] * 5, 3))
    assert np.isfinite(found).all() and found[0] > found[2] > found[1]
    assert np.isinf(intervals([], 3)).all()


def test_a_pair_that_was_hardly_seen_comes_before_one_that_is_settled() -> None:
    votes = [(0, 1, "left")] * 50 + [(1, 2, "left"), (1, 2, "right")]
    pairs = {frozenset(least_certain(tally(votes, 3), np.random.default_rng(k))) for k in range(20)}
    assert frozenset((0, 1)) not in pairs


def test_ten_thousand_votes_are_ranked_within_a_second() -> None:
    votes = simulate(10_000, 1)
    begun = time.perf_counter()
    bradley_terry(tally(votes, 5))
    intervals(votes, 5)
    assert time.perf_counter() - begun < 1
