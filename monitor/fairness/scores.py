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

import numpy as np

from monitor import bins
from monitor.fairness.intervals import Estimates, Z
from monitor.histogram import Histogram, align
from monitor.table import Floats, Table

CELLS = 10  # calibration compares in ten equal steps of the score
CLIP = 1e-15  # log loss takes a score of 0 or 1 as this far from it


@dataclass(frozen=True)
class Scored:
    """One group's scores: bin keys in rising order, and the negative and positive outcomes in each."""

    keys: "np.ndarray[tuple[int, ...], np.dtype[np.uint16]]"
    negatives: Floats
    positives: Floats

    @property
    def values(self) -> Floats:
        return bins.middle(self.keys)

    @property
    def error(self) -> Floats:
        """How far a probability can be from its bin's middle; 0 and 1 have bins of their own."""
        values = self.values
        width = np.maximum(values - bins.lower(self.keys), bins.upper(self.keys) - values)
        return np.where((values == 0) | (values == 1), 0.0, width)

    @property
    def all(self) -> Floats:
        return self.negatives + self.positives

    @property
    def n(self) -> int:
        return int(self.all.sum())

    @property
    def probabilities(self) -> bool:
        values = self.values
        return bool(self.n) and bool(values[0] >= 0) and bool(values[-1] <= 1)


def auc(group: Scored) -> tuple[float, float, float]:
    """The chance that a positive outcome has a higher score than a negative one, ties counting half.

    The interval is DeLong's (DeLong et al. 1988); pairs that share a bin may in truth be ordered either
    way, which widens it by half their share.
    """
    negatives, positives = group.negatives, group.positives
    m, n = positives.sum(), negatives.sum()
    if m < 2 or n < 2:
        return np.nan, np.nan, np.nan
    below = (np.cumsum(negatives) - negatives / 2) / n  # for a positive: the negatives it beats
    above = (m - np.cumsum(positives) + positives / 2) / m  # for a negative: the positives that beat it
    value = float(below @ positives / m)
    variance = _variance(below, positives) / m + _variance(above, negatives) / n
    tied = float(negatives @ positives / (m * n)) / 2
    half = Z * np.sqrt(variance) + tied
    return value, max(value - half, 0.0), min(value + half, 1.0)


def brier_score(group: Scored) -> tuple[float, float, float]:
    """The mean square of score minus outcome (Brier 1950)."""
    values, error = group.values, group.error
    losses = np.concatenate([values**2, (1 - values) ** 2])
    off = np.concatenate([2 * values * error + error**2, 2 * (1 - values) * error + error**2])
    return _mean(group, losses, off)


def log_loss(group: Scored) -> tuple[float, float, float]:
    """The mean of −log of the probability that the score gave to what happened, in nats."""
    values = np.clip(group.values, CLIP, 1 - CLIP)
    losses = np.concatenate([-np.log1p(-values), -np.log(values)])
    return _mean(group, losses, np.zeros_like(losses))


def calibration_gap(group: Scored) -> tuple[float, float, float]:
    """The mean of outcome minus score: above 0, the score is too low for this group on the whole."""
    return _mean(group, np.concatenate([-group.values, 1 - group.values]), np.tile(group.error, 2))


def calibration_error(group: Scored) -> tuple[float, float, float]:
    """The mean distance of score and outcome rate over ten steps of the score, weighted by their size (ECE).

    It has no interval: chance alone makes it grow as groups get small.
    """
    if not group.probabilities:
        return np.nan, np.nan, np.nan
    n, score, outcome = calibration(group)
    return float(np.abs(score - outcome)[n > 0] @ n[n > 0] / n.sum()), np.nan, np.nan


def calibration(group: Scored) -> tuple[Floats, Floats, Floats]:
    """For each tenth of the score's range: how many, their mean score and outcome rate; NaN where none is."""
    cells = np.minimum((group.values * CELLS).astype(int), CELLS - 1)
    n = np.bincount(cells, group.all, CELLS).astype(float)
    some = np.where(n > 0, n, np.nan)
    score = np.bincount(cells, group.all * group.values, CELLS) / some
    return n, score, np.bincount(cells, group.positives, CELLS) / some


def groups(table: Table) -> list[Scored]:
    """Each group's scores with outcomes."""
    return [_scored(*pair) for pair in zip(table.spread("score.neg"), table.spread("score.pos"), strict=True)]


def _scored(negative: Histogram, positive: Histogram) -> Scored:
    keys, negatives, positives = align(negative, positive)
    return Scored(keys.astype(np.uint16), negatives.astype(float), positives.astype(float))


def _mean(group: Scored, losses: Floats, off: Floats) -> tuple[float, float, float]:
    """The mean of losses, of negatives then of positives, whose bins may be `off` by so much."""
    if not group.probabilities:
        return np.nan, np.nan, np.nan
    weights = np.concatenate([group.negatives, group.positives])
    n = weights.sum()
    value = float(losses @ weights / n)
    half = Z * np.sqrt(_variance(losses, weights) / n) + off @ weights / n
    return value, float(value - half), float(value + half)


def _variance(values: Floats, weights: Floats) -> float:
    n = weights.sum()
    if n < 2:
        return float("nan")
    return float((values - values @ weights / n) ** 2 @ weights / (n - 1))


def _metric(of_group: Callable[[Scored], tuple[float, float, float]]) -> Callable[[Table], Estimates]:
    def estimates(table: Table) -> Estimates:
        scored = groups(table)
        rows = np.array([of_group(group) for group in scored]).reshape(-1, 3).T
        return Estimates(rows[0], rows[1], rows[2], np.array([group.n for group in scored], np.int64))

    return estimates


METRICS: dict[str, Callable[[Table], Estimates]] = {
    metric.__name__: _metric(metric)
    for metric in (auc, brier_score, log_loss, calibration_gap, calibration_error)
}
