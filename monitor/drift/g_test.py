"""G distance of categories: the likelihood ratio statistic without its dependence on the sample's size.

G = 2 Σ O ln(O / E) over both rows of the table of counts, O observed and E expected if both had the same
shares; the distance is G (1/n + 1/m), from 0 up. For small changes it equals PSI and χ².

Source: Wilks 1938; Sokal, Rohlf, Biometry (1981).

It misleads where many categories are rare, as χ² does, and more: G is then too large.

>>> from monitor.panes import histogram
>>> round(distance(histogram.categorical("aaab"), histogram.categorical("abbb")), 3)
1.046
"""

import numpy as np

from monitor.drift import _cells
from monitor.drift._sampling import ERROR, Limits, chi_square_tail, rate
from monitor.panes.histogram import Histogram, Ints

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
    baseline, current = cells
    statistic = _part(baseline, baseline + current) + _part(current, baseline + current)
    return max(0.0, statistic) * rate(int(baseline.sum()), int(current.sum()))


def _part(row: Ints, pooled: Ints) -> float:
    """What one row adds to G."""
    seen = row > 0
    expected = pooled[seen] * (row.sum() / pooled.sum())
    return 2 * float(np.sum(row[seen] * np.log(row[seen] / expected)))
