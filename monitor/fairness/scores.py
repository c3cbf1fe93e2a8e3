"""How good the score is for each group: discrimination, calibration and loss, from histograms by outcome.

Each metric takes a table with the histograms `score.neg` and `score.pos` and gives estimates of shape
(groups,). Scores stand for their bin's middle. What that can change at most is inside the limits of AUC,
Brier score and calibration gap; log loss and calibration error are of the middles, without such a promise: a
score of 63/64 or more counts as .992 in the logarithm, wherever it is in that bin (1 itself counts as 1).

Brier score, log loss and calibration ask for probabilities: they are undefined where scores lie outside
[0, 1]. All of them rest on decisions with an outcome.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from monitor.fairness.intervals import Estimates, Z
from monitor.fairness.spreads import spreads
from monitor.panes.table import SCORES, Floats, Ints, Table

CELLS = 10  # calibration compares in ten equal steps of the score
CLIP = 1e-15  # log loss takes a score of 0 or 1 as this far from it


@dataclass(frozen=True)
class Scored:
    """All scores with an outcome: `values` and `error` as in Spread, counts of shape (groups, bins)."""

    values: Floats
    error: Floats
    negatives: Floats
    positives: Floats

    @cached_property
    def all(self) -> Floats:
        return self.negatives + self.positives

    @cached_property
    def n(self) -> Ints:
        return np.asarray(self.all.sum(axis=1), np.int64)

    @cached_property
    def both(self) -> Floats:
        """The negatives' bins, then the positives'; shape (groups, 2 · bins)."""
        return np.concatenate([self.negatives, self.positives], axis=1)

    @cached_property
    def probabilities(self) -> NDArray[np.bool_]:
        """Which groups have scores, and all of them in [0, 1]; shape (groups,)."""
        outside = self.all[:, (self.values < 0) | (self.values > 1)]
        return (self.n > 0) & ~outside.any(axis=1)


@lru_cache(maxsize=4)
def scored(table: Table) -> Scored:
    """The scores of a table; kept for the next metric, as every metric here starts from them."""
    _, negative, positive = spreads(table, SCORES)
    return Scored(negative.values, negative.error, negative.counts, positive.counts)


def auc(scores: Scored) -> Estimates:
    """The chance that a positive outcome has a higher score than a negative one, ties counting half.

    The interval is DeLong's (DeLong et al. 1988); pairs that share a bin may in truth be ordered either
    way, which widens it by half their share. Undefined with fewer than two of either outcome.
    """
    m, n = (_at_least_two(part.sum(axis=1)) for part in (scores.positives, scores.negatives))
    beaten = (np.cumsum(scores.negatives, axis=1) - scores.negatives / 2) / n[:, None]
    beating = (m[:, None] - np.cumsum(scores.positives, axis=1) + scores.positives / 2) / m[:, None]
    value = (beaten * scores.positives).sum(axis=1) / m
    variance = _variance(beaten, scores.positives) / m + _variance(beating, scores.negatives) / n
    tied = (scores.negatives * scores.positives).sum(axis=1) / (m * n) / 2
    half = Z * np.sqrt(variance) + tied
    return Estimates(value, np.maximum(value - half, 0), np.minimum(value + half, 1), scores.n)


def brier_score(scores: Scored) -> Estimates:
    """The mean square of score minus outcome (Brier 1950)."""
    values, error = scores.values, scores.error
    off = (2 * values * error + error**2, 2 * (1 - values) * error + error**2)
    return _mean(scores, (values**2, (1 - values) ** 2), off)


def log_loss(scores: Scored) -> Estimates:
    """The mean of −log of the probability that the score gave to what happened, in nats."""
    values = np.clip(scores.values, CLIP, 1 - CLIP)
    exact = np.zeros_like(values)
    return _mean(scores, (-np.log1p(-values), -np.log(values)), (exact, exact))


def calibration_gap(scores: Scored) -> Estimates:
    """The mean of outcome minus score: above 0, the score is too low for this group on the whole."""
    return _mean(scores, (-scores.values, 1 - scores.values), (scores.error, scores.error))


def calibration_error(scores: Scored) -> Estimates:
    """The mean distance of score and outcome rate over ten steps of the score, weighted by their size (ECE).

    It has no interval: chance alone makes it grow as groups get small.
    """
    n, score, outcome = calibration(scores)
    distance = np.abs(np.where(n > 0, score - outcome, 0))
    value = (distance * n).sum(axis=1) / np.where(scores.probabilities, scores.n, np.nan)
    nothing = np.full(value.shape, np.nan)
    return Estimates(value, nothing, nothing, scores.n)


def calibration(scores: Scored) -> tuple[Floats, Floats, Floats]:
    """How many are in each tenth of [0, 1], their mean score and outcome rate; each of shape (groups, 10).

    Mean and rate are NaN where nobody is; scores outside [0, 1] count in the nearest tenth.
    """
    cells = np.clip((scores.values * CELLS).astype(int), 0, CELLS - 1)
    within = np.equal.outer(cells, np.arange(CELLS)).astype(float)
    n = scores.all @ within
    some = np.where(n > 0, n, np.nan)
    return n, (scores.all * scores.values) @ within / some, scores.positives @ within / some


def _mean(scores: Scored, losses: tuple[Floats, Floats], off: tuple[Floats, Floats]) -> Estimates:
    """The mean of the losses of negatives and positives, whose bins may be `off` by so much."""
    weights = scores.both
    n = np.where(scores.probabilities, scores.n, np.nan)
    both = np.concatenate(losses)
    value = weights @ both / n
    spread = _variance(np.broadcast_to(both, weights.shape), weights)
    half = Z * np.sqrt(spread / n) + weights @ np.concatenate(off) / n
    return Estimates(value, value - half, value + half, scores.n)


def _variance(values: Floats, weights: Floats) -> Floats:
    """Each group's variance of values that came `weights` times; NaN with fewer than two."""
    n = _at_least_two(weights.sum(axis=1))
    mean = (values * weights).sum(axis=1) / n
    return np.asarray(((values - mean[:, None]) ** 2 * weights).sum(axis=1) / (n - 1))


def _at_least_two(n: Floats) -> Floats:
    return np.where(n > 1, n, np.nan)


def _of(metric: Callable[[Scored], Estimates]) -> Callable[[Table], Estimates]:
    return lambda table: metric(scored(table))


METRICS: dict[str, Callable[[Table], Estimates]] = {
    metric.__name__: _of(metric)
    for metric in (auc, brier_score, log_loss, calibration_gap, calibration_error)
}
