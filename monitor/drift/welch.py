"""Welch's t-statistic: by how many standard errors the mean has moved.

t = |mean(current) − mean(baseline)| / √(s²/n + s′²/m), from 0 up; the sign is dropped, a limit holds both
ways.

Source: Welch 1947, with Satterthwaite's degrees of freedom; its tail as a normal one by Wallace 1959.

It misleads with large samples: it grows with their root however small the move, so that a limit on it asks
"is there a difference?", not "does it matter?". It sees the mean alone. Means are those of the bins' middles,
off by less than 3.1 %.
>>> from monitor.panes import histogram
>>> round(distance(histogram.numeric([1, 2, 3, 4]), histogram.numeric([3, 4, 5, 6])), 3)
2.191
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from monitor.drift._sampling import ERROR, Limits
from monitor.panes.histogram import Histogram

KINDS = ("numeric",)


class _Mean(NamedTuple):
    value: float
    variance: float
    n: int


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """|t|; None for categories, for fewer than two values, and where neither sample varies."""
    means = _mean(baseline), _mean(current)
    if means[0] is None or means[1] is None:
        return None
    error = math.sqrt(means[0].variance + means[1].variance)
    return abs(means[1].value - means[0].value) / error if error else None


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the distance of the true means in standard errors; each is wrong with at most `error`."""
    value = distance(baseline, current)
    if value is None:
        return None
    z = NormalDist().inv_cdf(1 - error / 2)  # the mean may have moved either way
    return max(0.0, value - z), value + z


def p_value(baseline: Histogram, current: Histogram) -> float | None:
    """The chance of a mean as far away without drift, both sides together."""
    value, a, b = distance(baseline, current), _mean(baseline), _mean(current)
    if value is None or a is None or b is None:
        return None
    satterthwaite = a.variance**2 / (a.n - 1) + b.variance**2 / (b.n - 1)
    freedom = (a.variance + b.variance) ** 2 / satterthwaite
    z = (8 * freedom + 1) / (8 * freedom + 3) * math.sqrt(freedom * math.log1p(value**2 / freedom))
    return math.erfc(z / math.sqrt(2))


def _mean(histogram: Histogram) -> _Mean | None:
    """The mean with the variance of its estimate."""
    n = histogram.total
    if not histogram.numeric or n < 2:
        return None
    values = histogram.middles
    mean = float(np.average(values, weights=histogram.counts))
    spread = float(np.sum((values - mean) ** 2 * histogram.counts)) / (n - 1)
    return _Mean(mean, spread / n, n)
