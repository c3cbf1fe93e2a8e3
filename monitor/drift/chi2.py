"""χ² distance of categories: Pearson's statistic without its dependence on the sample's size.

χ² = Σ (p − q)² / r, p and q the shares in baseline and current, r those of both together; from 0 up.
Pearson's statistic of the two-row table is this over (1/n + 1/m), and `p_value` is its. For small changes the
distance equals PSI, so that PSI's customary limits serve.

Source: Pearson 1900.

It misleads where many categories are rare: with fewer than about five expected values in a cell the χ² law is
rough. The bare statistic, and the p-value, grow with the sample however small the change: limit the distance.

>>> from monitor.panes import histogram
>>> distance(histogram.categorical("aaab"), histogram.categorical("abbb"))
1.0
"""

import numpy as np

from monitor.drift import _cells
from monitor.drift._sampling import ERROR, Limits, chi_square_tail, rate
from monitor.panes.histogram import Histogram

KINDS = ("categorical",)


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The distance; None if one is empty or they are of different kinds."""
    cells = _cells.counts(baseline, current)
    return None if cells is None else _of(cells)


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the distance of the two distributions; each is wrong with probability about `error`."""
    cells = _cells.counts(baseline, current)
    return None if cells is None else _cells.limits(cells, _of(cells), error)


def p_value(baseline: Histogram, current: Histogram) -> float | None:
    """The chance of a distance as large without drift, by the χ² law; None without two categories."""
    cells = _cells.counts(baseline, current)
    if cells is None or len(cells[0]) < 2:
        return None
    return chi_square_tail(_of(cells) / rate(baseline.total, current.total), len(cells[0]) - 1)


def _of(cells: _cells.Cells) -> float:
    p, q, both = map(_cells.shares, (*cells, cells[0] + cells[1]))
    return float(np.sum((p - q) ** 2 / both))
