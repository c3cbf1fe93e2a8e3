"""Numbers by group: means and quantiles of scores, prices, limits, ratings.

Means are exact where the table has sums; where it has only a histogram, each value counts as its bin's
middle, at most 1.6 % off (integers below 64 not at all). Quantiles always come from the histogram.
"""

import re

import numpy as np

from monitor import bins
from monitor.fairness.intervals import Estimates, Z
from monitor.histogram import Histogram
from monitor.table import MICRO, Floats, Table

MEAN = ".mean"
_TOLD_APART = 64  # integers below it have a bin of their own (monitor/bins.py)
_QUANTILE = re.compile(r"(.+)\.p(\d{1,2})")


def moments(number: str, table: Table) -> tuple[Floats, Floats, Floats]:
    """How many, their sum and their sum of squares, each of shape (groups,).

    Squares that come from the histogram are rather too large than too small: the spread within bins is
    taken to be as wide as they are, so that no interval is narrower than it should be.
    """
    count, total, deviation = np.array([_binned(one) for one in table.spread(number)]).reshape(-1, 3).T
    if f"{number}.n" in table.counts:
        count, total = table.get(f"{number}.n").astype(float), table.get(f"{number}.sum") / MICRO
    if f"{number}.sumsq" in table.counts:
        return count, total, table.get(f"{number}.sumsq").astype(float)
    mean = total / np.where(count > 0, count, np.nan)
    return count, total, np.where(count > 0, count * (deviation**2 + mean**2), 0)


def _binned(histogram: Histogram) -> tuple[float, float, float]:
    """How many, the sum of their bins' middles, and the standard deviation at most."""
    n, middles, counts = histogram.total, histogram.middles, histogram.counts
    if not n:
        return 0.0, 0.0, 0.0
    total = float(middles @ counts)
    spread = np.sqrt((middles - total / n) ** 2 @ counts / n)
    half = np.maximum(middles - bins.lower(histogram.keys), bins.upper(histogram.keys) - middles)
    own = (middles == np.floor(middles)) & (np.abs(middles) < _TOLD_APART)
    within = np.sqrt(np.where(own, 0, half) ** 2 @ counts / n)
    return float(n), total, float(spread + within)


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
    rows = np.array([_quantile(histogram, share) for histogram in table.spread(number)]).reshape(-1, 4).T
    return Estimates(rows[0], rows[1], rows[2], rows[3].astype(np.int64))


def _quantile(histogram: Histogram, share: float) -> tuple[float, float, float, int]:
    n = histogram.total
    half = Z * np.sqrt(n * share * (1 - share))
    ranks = np.array([np.ceil(n * share), np.floor(n * share - half), np.ceil(n * share + half) + 1])
    place = np.searchsorted(np.cumsum(histogram.counts), np.clip(ranks, 1, max(n, 1)))
    values = np.append(histogram.middles, np.nan)[place]
    values[(ranks < 1) | (ranks > n)] = np.nan
    return float(values[0]), float(values[1]), float(values[2]), n
