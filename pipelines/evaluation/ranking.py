"""Ranking by pairs: Bradley-Terry by maximum likelihood with bootstrap intervals, and Elo beside it.

A vote is (left, right, verdict): indices of two contestants, and "left", "right", "tie" or "bad" (both are). Ties, and
pairs of which both are bad, count as half a win for each (Rao and Kupper's are finer; these are Chatbot Arena's).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

VERDICTS = ("left", "right", "tie", "bad")
SCORE = {"left": 1.0, "right": 0.0, "tie": 0.5, "bad": 0.5}  # of the left one
Vote = tuple[int, int, str]
SCALE = 400 / np.log(10)  # log odds to Elo's points: 400 of them are odds of ten to one
PRIOR = 0.1  # wins and losses against everybody that nobody voted for: who never lost is not infinitely strong


def tally(votes: Iterable[Vote], contestants: int) -> Float[np.ndarray, "k k"]:
    """How often each (row) won against each (column)."""
    wins = np.zeros((contestants, contestants))
    for left, right, verdict in votes:
        wins[left, right] += SCORE[verdict]
        wins[right, left] += 1 - SCORE[verdict]
    return wins


def bradley_terry(wins: Float[np.ndarray, "... k k"], prior: float = PRIOR) -> Float[np.ndarray, "... k"]:
    """Strengths in Elo's points, their mean 0: P(i beats j) = 1 / (1 + 10^((s_j - s_i) / 400)), by Newton's method on
    the log-likelihood, which is concave (Bradley and Terry 1952; Hunter 2004)."""
    k = wins.shape[-1]
    wins = wins + prior * (1 - np.eye(k))
    games, strength = wins + wins.swapaxes(-1, -2), np.zeros(wins.shape[:-1])
    for _ in range(50):
        p = 1 / (1 + np.exp(strength[..., None, :] - strength[..., :, None]))
        slope = (wins - games * p).sum(-1)
        bend = games * p * (1 - p)
        laplacian = np.eye(k) * bend.sum(-1)[..., None] - bend
        step = np.linalg.solve(laplacian + np.ones((k, k)) / k, slope[..., None])[..., 0]  # the ones fix the mean
        strength = strength + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return SCALE * (strength - strength.mean(-1, keepdims=True))


def intervals(
    votes: Sequence[Vote], contestants: int, level: float = 0.95, resamples: int = 300, seed: int = 0
) -> Float[np.ndarray, "2 k"]:
    """Lower and upper ends of each strength, by the bootstrap: as many votes drawn from the votes, again and again."""
    index = {verdict: i for i, verdict in enumerate(VERDICTS)}
    counts = np.zeros((contestants, contestants, len(VERDICTS)))
    for left, right, verdict in votes:
        counts[left, right, index[verdict]] += 1
    total = counts.sum()
    if total == 0:
        return np.array([np.full(contestants, -np.inf), np.full(contestants, np.inf)])
    draws = np.random.default_rng(seed).multinomial(int(total), counts.ravel() / total, resamples)
    draws = draws.reshape(resamples, contestants, contestants, len(VERDICTS))
    share = np.array([SCORE[verdict] for verdict in VERDICTS])
    found = bradley_terry(draws @ share + (draws @ (1 - share)).swapaxes(-1, -2))
    edge = (1 - level) / 2
    return np.quantile(found, [edge, 1 - edge], axis=0)


def elo(votes: Iterable[Vote], contestants: int, k: float = 16) -> Float[np.ndarray, " k"]:
    """Ratings, their mean 0, that each vote moves by at most k: unlike Bradley-Terry's, they depend on the
    order of the
    votes."""
    rating = np.zeros(contestants)
    for left, right, verdict in votes:
        expected = 1 / (1 + 10 ** ((rating[right] - rating[left]) / 400))
        change = k * (SCORE[verdict] - expected)
        rating[left] += change
        rating[right] -= change
    return rating


def least_certain(wins: Float[np.ndarray, "k k"], rng: np.random.Generator) -> tuple[int, int]:
    """Of two contestants whose order a vote would tell most about: the variance of the share of wins, p (1 -
    p) / (n + 1),
    is the largest, or nearly."""
    k = len(wins)
    strength = bradley_terry(wins) / SCALE
    p = 1 / (1 + np.exp(strength[None] - strength[:, None]))
    doubt = np.triu(p * (1 - p) / (wins + wins.T + 1), 1) * rng.uniform(0.8, 1, (k, k))
    i, j = np.unravel_index(doubt.argmax(), doubt.shape)
    return (int(i), int(j)) if rng.random() < 0.5 else (int(j), int(i))
