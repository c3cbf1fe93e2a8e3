"""Hellinger distance: 0 for equal distributions, 1 for distributions with nothing in common.

H = √(½ Σ (√p − √q)²) over the cells of monitor/drift/_cells.py. It is a metric, symmetric, and needs no
smoothing.

Source: Hellinger 1909; in the form of Le Cam.

It misleads as all distances over cells do: it does not see how far values have moved. Rare cells weigh much
in it, so that noise in them is loud. Being a square root it looks large early: .1 is a PSI of about .08.
>>> from monitor.panes import histogram
>>> round(distance(histogram.categorical("aaab"), histogram.categorical("abbb")), 3)
0.366
"""

import math

import numpy as np

from monitor.drift import _cells
from monitor.drift._sampling import ERROR, Limits
from monitor.panes.bins import Floats
from monitor.panes.histogram import Histogram

KINDS = ("numeric", "categorical")
_LOCAL = 8  # Σ (p−q)² / p̄ over the squared distance, for small changes


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The distance; None if one is empty or one holds numbers and the other categories."""
    cells = _cells.counts(baseline, current)
    if cells is None:
        return None
    return math.sqrt(_squared(*map(_cells.shares, cells)))


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the distance of the two distributions; each is wrong with probability about `error`."""
    cells = _cells.counts(baseline, current)
    if cells is None:
        return None
    low, high = _cells.limits(cells, _LOCAL * _squared(*map(_cells.smoothed, cells)), error)
    return math.sqrt(low / _LOCAL), min(1.0, math.sqrt(high / _LOCAL))


def _squared(p: Floats, q: Floats) -> float:
    return float(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2)) / 2
