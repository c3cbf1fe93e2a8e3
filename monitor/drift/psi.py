"""Population stability index: how much the shares of ten groups of values have moved.

PSI = Σ (q − p) ln(q / p), p and q the baseline's and the current shares, in nats, from 0 up. It is the
symmetric sum of two Kullback-Leibler divergences (Jeffreys 1946).

Source: Lewis, An Introduction to Credit Scoring (1994); Siddiqi, Credit Risk Scorecards (2006). Custom has it
that below .1 little has changed and above .25 much; the default limit of .2 lies between and is custom too,
not theory. Cells and the half a value added to each: monitor/drift/_cells.py.

It misleads where the samples are small: without any drift it is about (cells − 1)(1/n + 1/m), .36 for two
samples of 50 (Yurdakul, Naranjo, Statistical properties of the population stability index, Journal of Risk
Model Validation 14(3), 2020). The interval takes that off. It does not see what moves inside a group, nor how
far.

>>> from monitor.panes import histogram
>>> round(distance(histogram.categorical("aaab"), histogram.categorical("abbb")), 3)
0.678
"""

import numpy as np

from monitor.drift import _cells
from monitor.drift._sampling import ERROR, Limits
from monitor.panes.histogram import Histogram

KINDS = ("numeric", "categorical")


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The index; None if one is empty or one holds numbers and the other categories."""
    cells = _cells.counts(baseline, current)
    return None if cells is None else _of(cells)


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the index of the two distributions; each is wrong with probability about `error`."""
    cells = _cells.counts(baseline, current)
    return None if cells is None else _cells.limits(cells, _of(cells), error)


def _of(cells: _cells.Cells) -> float:
    p, q = map(_cells.smoothed, cells)
    return float(np.sum((q - p) * np.log(q / p)))
