"""Energy distance: how much farther values of the two samples are from each other than from their own.

E = √(2 ∫ (F(x) − G(x))² dx) = √(2 E|X−Y| − E|X−X′| − E|Y−Y′|), in the root of the values' unit.

Source: Székely 2003; Székely, Rizzo 2013. The noise: its mean is at most the root of the integrated variance
of the gap, and so is its deviation in any direction.

It misleads in its unit, which nobody can picture; prefer Wasserstein for explaining. Wide gaps over short
stretches weigh more in it than in Wasserstein, long tails less.

>>> from monitor.panes import histogram
>>> distance(histogram.numeric([1, 2, 3, 4]), histogram.numeric([3, 4, 5, 6]))
1.3228756555322954
"""

import math

import numpy as np

from monitor.drift._gaps import gaps
from monitor.drift._sampling import ERROR, Limits, norm_limits
from monitor.panes.histogram import Histogram

KINDS = ("numeric",)


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The distance; None if one is empty or holds categories."""
    found = gaps(baseline, current)
    return None if found is None else math.sqrt(2 * float(np.sum(found.gap**2 * found.step)))


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the distance of the two distributions; each is wrong with probability at most `error`."""
    value, found = distance(baseline, current), gaps(baseline, current)
    if value is None or found is None:
        return None
    variance = 2 * float(np.sum(found.variance * found.step))
    return norm_limits(value, math.sqrt(variance), variance, error)
