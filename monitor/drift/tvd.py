"""Total variation distance: the share of people who would have to move to make the distributions equal.

TVD = ½ Σ |p − q| over the cells of monitor/drift/_cells.py, from 0 to 1. It is the largest difference that
any set of cells shows.

Source: Levin, Peres, Markov Chains and Mixing Times (2009), proposition 4.2. The noise: its mean from the
normal approximation, its variance in any direction at most ¼ (1/n + 1/m).

It misleads where cells are many: noise adds up over them, and the interval is wide. It does not see how far
values have moved.

>>> from monitor.panes import histogram
>>> distance(histogram.categorical("aaab"), histogram.categorical("abbb"))
0.5
"""

import math

import numpy as np

from monitor.drift import _cells
from monitor.drift._sampling import ERROR, Limits, norm_limits, rate
from monitor.panes.histogram import Histogram

KINDS = ("numeric", "categorical")


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The distance; None if one is empty or one holds numbers and the other categories."""
    cells = _cells.counts(baseline, current)
    if cells is None:
        return None
    p, q = map(_cells.shares, cells)
    return float(np.sum(np.abs(p - q))) / 2


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the distance of the two distributions; each is wrong with probability at most `error`."""
    value, cells = distance(baseline, current), _cells.counts(baseline, current)
    if value is None or cells is None:
        return None
    mean = float(np.sum(_cells.deviations(*cells))) * math.sqrt(2 / math.pi) / 2
    low, high = norm_limits(value, mean, rate(baseline.total, current.total) / 4, error)
    return low, min(1.0, high)
