"""Wasserstein distance: how far values have moved on average, in the unit of the values themselves.

W₁ = ∫ |F(x) − G(x)| dx: the least mean distance by which values must be moved to make one distribution of the
other. A distance of 2 in `features.age` is two years.

Source: Vallender 1974 for the form with F and G. The noise: its mean by the normal approximation, its
variance in any direction at most that of the two means, since W₁ is the largest difference of the means of
any function of slope 1 (Kantorovich, Rubinstein).

It misleads with heavy tails: a few huge values decide it, and its interval. Its limit must be chosen for each
stream. Bins move a value by less than 3.1 %.

>>> from monitor.panes import histogram
>>> distance(histogram.numeric([1, 2, 3, 4]), histogram.numeric([3, 4, 5, 6]))
2.0
"""

import math

import numpy as np

from monitor.drift._gaps import gaps
from monitor.drift._sampling import ERROR, Limits, norm_limits
from monitor.panes.bins import Floats
from monitor.panes.histogram import Histogram

KINDS = ("numeric",)


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The distance; None if one is empty or holds categories."""
    found = gaps(baseline, current)
    return None if found is None else float(np.sum(np.abs(found.gap) * found.step))


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the distance of the two distributions; each is wrong with probability at most `error`."""
    value, found = distance(baseline, current), gaps(baseline, current)
    if value is None or found is None:
        return None
    mean = math.sqrt(2 / math.pi) * float(np.sum(np.sqrt(found.variance) * found.step))
    return norm_limits(value, mean, _of_mean(baseline) + _of_mean(current), error)


def _of_mean(histogram: Histogram) -> float:
    """The variance of the mean."""
    values: Floats = histogram.middles
    mean = float(np.average(values, weights=histogram.counts))
    return float(np.average((values - mean) ** 2, weights=histogram.counts)) / histogram.total
