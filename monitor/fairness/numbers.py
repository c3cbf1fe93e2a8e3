"""Numbers by group: means and quantiles of scores, prices, limits, ratings.

Means are exact where the table has sums; where it has only a histogram, each value counts as its bin's
middle, at most 1.6 % off (integers below 64 not at all). Quantiles always come from the histogram.
"""

import re

import numpy as np

from monitor.fairness.intervals import Estimates, Z
from monitor.fairness.spreads import Spread, spread
from monitor.panes.table import MICRO, Floats, Table

_QUANTILE = re.compile(r"(.+)\.p(\d{1,2})")


def moments(number: str, table: Table) -> tuple[Floats, Floats, Floats]:
    """How many, their sum and their sum of squares, each of shape (groups,).

    Squares that come from the histogram are rather too large than too small: the spread within bins is
    taken to be as wide as they are, so that no interval is narrower than it should be.
    """
    binned = spread(table, number)
    count, total = binned.counts.sum(axis=1), binned.counts @ binned.values
    deviation = _deviation(binned)
    if f"{number}.n" in table.counts:
        count, total = table.get(f"{number}.n").astype(float), table.get(f"{number}.sum") / MICRO
    mean = total / np.where(count > 0, count, np.nan)
    return count, total, np.where(count > 0, count * (deviation**2 + mean**2), 0)


def _deviation(binned: Spread) -> Floats:
    """Each group's standard deviation at most: of the bins' values, and of what is within bins."""
    n = np.maximum(binned.counts.sum(axis=1), 1)
    mean = binned.counts @ binned.values / n
    between = (binned.counts * (binned.values - mean[:, None]) ** 2).sum(axis=1) / n
    return np.asarray(np.sqrt(between) + np.sqrt(binned.counts @ binned.error**2 / n))


def quantile(name: str) -> tuple[str, float] | None:
    """The number and the share of a quantile's name; None for any other name.

    >>> quantile("value.p90"), quantile("value.mean")
    (('value', 0.9), None)
    """
    found = _QUANTILE.fullmatch(name)
    return (found[1], int(found[2]) / 100) if found else None


def quantiles(number: str, share: float, table: Table) -> Estimates:
    """The value that `share` of each group lies below, with the interval of order statistics.

    The rank of the true quantile is binomial, so that its limits are the values at the ranks
    n·q ± z √(n q (1 − q)) (Conover 1999, section 3.2); NaN where the group is too small for such ranks.
    """
    binned = spread(table, number)
    n = binned.n
    half = Z * np.sqrt(n * share * (1 - share))
    ranks = [np.ceil(n * share), np.floor(n * share - half), np.ceil(n * share + half) + 1]
    value, low, high = (_at(binned, rank) for rank in ranks)
    return Estimates(value, low, high, n)


def _at(binned: Spread, ranks: Floats) -> Floats:
    """The value at each group's rank, from 1; NaN where there is no such rank."""
    reached = np.cumsum(binned.counts, axis=1) < ranks[:, None]
    values = np.append(binned.values, np.nan)[reached.sum(axis=1)]
    return np.where(ranks >= 1, values, np.nan)
