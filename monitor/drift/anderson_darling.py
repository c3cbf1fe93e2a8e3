"""Anderson-Darling distance: the typical gap of the two cumulative distributions, with the tails in full.

AD = √∫ (F − G)² / (H (1 − H)) dH, H the distribution of both samples together, from 0 up. Where noise is
small, in the tails, a gap weighs more: each gap is measured in units of its own noise. The usual statistic A²
is AD² / (1/n + 1/m), without ties.

Source: Pettitt 1976; Scholz, Stephens 1987 (k-sample statistic, its first form). The noise: as in
monitor/drift/energy.py, with the weights above.

It misleads where tails hold errors of measurement rather than people: a few wild values count.

>>> from monitor.panes import histogram
>>> round(distance(histogram.numeric([1, 2, 3, 4]), histogram.numeric([3, 4, 5, 6])), 3)
0.945
"""

import math

import numpy as np

from monitor.drift._gaps import Gaps, gaps
from monitor.drift._sampling import ERROR, Limits, norm_limits
from monitor.panes.bins import Floats
from monitor.panes.histogram import Histogram

KINDS = ("numeric",)


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The distance; None if one is empty or holds categories."""
    found = gaps(baseline, current)
    return None if found is None else math.sqrt(float(np.sum(found.gap**2 * _weights(found))))


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the distance of the two distributions; each is wrong with probability at most `error`."""
    value, found = distance(baseline, current), gaps(baseline, current)
    if value is None or found is None:
        return None
    variance = float(np.sum(found.variance * _weights(found)))
    return norm_limits(value, math.sqrt(variance), variance, error)


def _weights(found: Gaps) -> Floats:
    """dH / (H (1 − H)); nothing after the last bin, where both distributions have ended."""
    between = found.pooled[:-1] * (1 - found.pooled[:-1])
    return np.append(found.weight[:-1] / between, 0.0)
