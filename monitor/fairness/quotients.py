"""Metrics of one group that are quotients of counts, yet no shares of a denominator.

Each takes a table and gives estimates of shape (groups,).
"""

from collections.abc import Callable

import numpy as np

from monitor import rates
from monitor.fairness import intervals
from monitor.fairness.intervals import Estimates, Z
from monitor.panes.table import Floats, Table


def treatment_equality(table: Table) -> Estimates:
    """False negatives for each false positive, fn / fp (Berk et al. 2018).

    The odds of the share of false negatives among all errors, so its limits are Wilson's, turned into odds.
    """
    errors = intervals.shares(table.get("fn"), table.sum(("fn", "fp")))
    value, low, high = (_odds(part) for part in (errors.value, errors.low, errors.high))
    value = np.where(np.isinf(value), np.nan, value)
    return Estimates(value, np.where(np.isnan(value), np.nan, low), high, errors.n)


def conditional_acceptance(table: Table) -> Estimates:
    """Positive outcomes for each positive decision, (tp + fn) / (tp + fp): Clarify's DCA compares it.

    Both counts hold tp, so the interval is that of a ratio of matched proportions: the logarithm's standard
    error is √((fn + fp) / ((tp + fn)(tp + fp))) (Agresti, Min 2004).
    """
    return _matched(table, "tp", "fn", "fp")


def conditional_rejection(table: Table) -> Estimates:
    """Negative outcomes for each negative decision, (tn + fp) / (tn + fn): Clarify's DCR compares it."""
    return _matched(table, "tn", "fp", "fn")


def balanced_accuracy(table: Table) -> Estimates:
    """The mean of the true positive and the true negative rate, which do not share a decision."""
    one, other = (
        intervals.shares(*rates.rate(name, table)) for name in ("true_positive_rate", "true_negative_rate")
    )
    return average([one, other])


def average(parts: list[Estimates]) -> Estimates:
    """The mean of independent estimates, with limits from theirs (MOVER)."""
    value = np.mean([part.value for part in parts], axis=0)
    below = np.sqrt(np.sum([(part.value - part.low) ** 2 for part in parts], axis=0)) / len(parts)
    above = np.sqrt(np.sum([(part.high - part.value) ** 2 for part in parts], axis=0)) / len(parts)
    return Estimates(value, value - below, value + above, np.min([part.n for part in parts], axis=0))


METRICS: dict[str, Callable[[Table], Estimates]] = {
    "treatment_equality": treatment_equality,
    "conditional_acceptance": conditional_acceptance,
    "conditional_rejection": conditional_rejection,
    "balanced_accuracy": balanced_accuracy,
}


def _odds(share: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(share / (1 - share))


def _matched(table: Table, both: str, observed: str, decided: str) -> Estimates:
    outcomes, decisions = table.sum((both, observed)), table.sum((both, decided))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(decisions > 0, outcomes / decisions, np.nan)
        error = np.sqrt(table.sum((observed, decided)) / (outcomes * decisions))
        factor = np.exp(Z * np.where(outcomes > 0, error, np.nan))
    return Estimates(value, value / factor, value * factor, table.sum((both, observed, decided)))
