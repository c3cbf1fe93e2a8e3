"""Kolmogorov-Smirnov distance: the widest gap between the two cumulative distributions.

KS = sup |F(x) − G(x)|, a share from 0 to 1: there is a value below which the share of people differs by so
much. Over universal bins it is at most what it would be over the raw values, and short of it by at most the
largest share in one bin.

Source: Smirnov 1939. The interval takes the noise sup |(F̂−F) − (Ĝ−G)| to exceed x with probability at most
2 exp(−2x² / (1/n + 1/m)) (Dvoretzky, Kiefer, Wolfowitz 1956; Massart 1990; for two samples Wei, Dudley 2012).

It misleads in the tails, where a gap is small by nature, and with very large samples, where a gap without
meaning is still significant: set a limit on the distance, not on the p-value.

>>> from monitor.panes import histogram
>>> distance(histogram.numeric([1, 2, 3, 4]), histogram.numeric([3, 4, 5, 6]))
0.5
"""

import math

import numpy as np

from monitor.drift._gaps import gaps
from monitor.drift._sampling import ERROR, Limits, rate
from monitor.panes.histogram import Histogram

KINDS = ("numeric",)


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The widest gap; None if one is empty or holds categories."""
    found = gaps(baseline, current)
    return None if found is None else float(np.max(np.abs(found.gap)))


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the gap between the two distributions; each is wrong with probability `error`."""
    value = distance(baseline, current)
    if value is None:
        return None
    margin = math.sqrt(math.log(2 / error) / 2 * rate(baseline.total, current.total))
    return max(0.0, value - margin), min(1.0, value + margin)


def p_value(baseline: Histogram, current: Histogram) -> float | None:
    """The chance of a gap as wide without drift: Kolmogorov's limit law, too large where values repeat."""
    value = distance(baseline, current)
    if value is None:
        return None
    x = value / math.sqrt(rate(baseline.total, current.total))
    if x < 0.2:  # the series converges slowly here, and the chance is 1 to 12 digits
        return 1.0
    return min(1.0, 2 * sum(math.exp(-2 * (k * x) ** 2) * (1 if k % 2 else -1) for k in range(1, 101)))
