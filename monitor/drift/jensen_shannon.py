"""Jensen-Shannon distance: 0 for equal distributions, 1 for distributions with nothing in common.

JS = √(½ KL(p ‖ m) + ½ KL(q ‖ m)) with m = (p + q) / 2 and logarithms of base 2, over the cells of
monitor/drift/_cells.py. It is a metric, symmetric, and needs no smoothing; its interval smooths, as
that of Hellinger does.

Source: Lin 1991; Endres, Schindelin 2003 for the square root.

It misleads as all distances over cells do: it does not see how far values have moved, a neighbouring cell is
as different as a remote one. Being a square root it looks large early: .1 is a PSI of about .06.

>>> from monitor.panes import histogram
>>> round(distance(histogram.categorical("aaab"), histogram.categorical("abbb")), 3)
0.434
"""

import math

import numpy as np

from monitor.drift import _cells
from monitor.drift._sampling import ERROR, Limits
from monitor.panes.bins import Floats
from monitor.panes.histogram import Histogram

KINDS = ("numeric", "categorical")
_LOCAL = 8 * math.log(2)  # Σ (p−q)² / p̄ over the squared distance, for small changes


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
    return max(0.0, _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2)


def _entropy(shares: Floats) -> float:
    """In bits."""
    present = shares[shares > 0]
    return -float(np.sum(present * np.log2(present)))
