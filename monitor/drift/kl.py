"""Kullback-Leibler divergence of what is current from the baseline, in nats, from 0 up.

KL = Σ q ln(q / p), p and q the baseline's and the current shares of the cells of monitor/drift/_cells.py,
with half a value added to each cell. It is the mean evidence, in one current value, that it is not from the
baseline.

Source: Kullback, Leibler 1951. For small changes it is half of PSI.

It misleads where a cell was empty in the baseline: its share, and so most of the sum, is then made of the
half value. It is not symmetric: exchanging the two samples gives another number.

>>> from monitor.panes import histogram
>>> round(distance(histogram.categorical("aaab"), histogram.categorical("abbb")), 3)
0.339
"""

import numpy as np

from monitor.drift import _cells
from monitor.drift._sampling import ERROR, Limits
from monitor.panes.histogram import Histogram

KINDS = ("numeric", "categorical")


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The divergence; None if one is empty or one holds numbers and the other categories."""
    cells = _cells.counts(baseline, current)
    return None if cells is None else _of(cells)


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the divergence of the two distributions; each is wrong with probability about `error`."""
    cells = _cells.counts(baseline, current)
    if cells is None:
        return None
    low, high = _cells.limits(cells, 2 * _of(cells), error)
    return low / 2, high / 2


def _of(cells: _cells.Cells) -> float:
    p, q = map(_cells.smoothed, cells)
    return float(np.sum(q * np.log(q / p)))
