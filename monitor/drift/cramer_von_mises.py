"""Cramér-von Mises distance: the typical gap between the two cumulative distributions.

CvM = √∫ (F − G)² dH, H the distribution of both samples together: the root mean square of the gap whose
maximum is KS, a share from 0 to 1/√3. The usual statistic T is CvM² / (1/n + 1/m), without ties.

Source: Anderson 1962, On the distribution of the two-sample Cramér-von Mises criterion. The noise: as in
monitor/drift/energy.py, with H in the place of length.

It misleads in the tails, to which it gives little weight; Anderson-Darling gives them more.

>>> from monitor.panes import histogram
>>> round(distance(histogram.numeric([1, 2, 3, 4]), histogram.numeric([3, 4, 5, 6])), 3)
0.415
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
    return None if found is None else math.sqrt(float(np.sum(found.gap**2 * found.weight)))


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the distance of the two distributions; each is wrong with probability at most `error`."""
    value, found = distance(baseline, current), gaps(baseline, current)
    if value is None or found is None:
        return None
    variance = float(np.sum(found.variance * found.weight))
    low, high = norm_limits(value, math.sqrt(variance), variance, error)
    return low, min(1.0, high)
