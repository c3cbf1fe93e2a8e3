"""L∞ distance: the largest change of any one category's share, from 0 to 1.

L∞ = max |p − q| over the categories of both. It answers "which category changed most, by how many points?".

Source: the maximum norm; TensorFlow Data Validation limits drift of categories by it. The noise: the mean of
the largest of k normal deviations is at most √(2 ln 2k) of the widest (Boucheron, Lugosi, Massart,
Concentration Inequalities, 2013, theorem 2.5).

It misleads where every category changes a little: many small moves do not add up in it.

>>> from monitor.panes import histogram
>>> distance(histogram.categorical("aaab"), histogram.categorical("aabc"))
0.25
"""

import math

import numpy as np

from monitor.drift import _cells
from monitor.drift._sampling import ERROR, Limits, norm_limits
from monitor.panes.histogram import Histogram

KINDS = ("categorical",)


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The largest change; None if one is empty or they are of different kinds."""
    cells = _cells.counts(baseline, current)
    if cells is None:
        return None
    p, q = map(_cells.shares, cells)
    return float(np.max(np.abs(p - q)))


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the distance of the two distributions; each is wrong with probability at most `error`."""
    value, cells = distance(baseline, current), _cells.counts(baseline, current)
    if value is None or cells is None:
        return None
    widest = float(np.max(_cells.deviations(*cells)))
    mean = widest * math.sqrt(2 * math.log(2 * len(cells[0])))
    low, high = norm_limits(value, mean, widest**2, error)
    return low, min(1.0, high)
