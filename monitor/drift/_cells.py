"""The few cells in which divergences compare two histograms: categories, or quantile groups of numbers.

Universal bins are many, and a divergence over many cells is mostly noise. So numbers are gathered into at
most ten groups that hold about a tenth of the baseline each, as is usual for PSI (Siddiqi 2006). The outer
groups are open, but where one is a single bin, as for constants, flags and small integers, what lies beyond
it is a cell of its own: a new value. A bin is never split.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.drift import _sampling
from monitor.panes.bins import Floats
from monitor.panes.histogram import Histogram, Ints, align

GROUPS = 10
Cells = tuple[Ints, Ints]  # the baseline's counts and the current ones


def counts(baseline: Histogram, current: Histogram) -> Cells | None:
    """The counts of both in the cells that either has; None if one is empty or their kinds differ."""
    if not baseline.total or not current.total or baseline.numeric != current.numeric:
        return None
    mine, others = _quantile_groups(baseline, current) if baseline.numeric else align(baseline, current)[1:]
    seen = (mine + others) > 0
    return mine[seen], others[seen]


def _quantile_groups(baseline: Histogram, current: Histogram) -> Cells:
    edges = _edges(baseline)
    size = len(edges) + 1
    mine, others = np.searchsorted(edges, baseline.keys), np.searchsorted(edges, current.keys)
    return _gather(mine, baseline.counts, size), _gather(others, current.counts, size)


def _edges(baseline: Histogram) -> NDArray[np.int64]:
    """The last key of each cell but the last, which is open. A bin is in the tenth that holds its middle."""
    cumulative = np.cumsum(baseline.counts) - baseline.counts / 2
    tenth = np.minimum((GROUPS * cumulative / baseline.total).astype(np.int64), GROUPS - 1)
    last = np.flatnonzero(np.append(tenth[1:] != tenth[:-1], True))
    first = np.append(0, last[:-1] + 1)
    keys = baseline.keys.astype(np.int64)
    below = keys[:1] - 1 if first[0] == last[0] else keys[:0]
    above = keys[last] if first[-1] == last[-1] else keys[last[:-1]]
    return np.concatenate((below, above))


def _gather(cells: NDArray[np.int64], values: Ints, size: int) -> Ints:
    return np.bincount(cells, values, size).astype(np.int64)


def smoothed(cells: Ints) -> Floats:
    """Shares with half a value added to every cell, so that none is empty (Jeffreys's prior).

    >>> smoothed(np.array([0, 9])).tolist()
    [0.05, 0.95]
    """
    return np.asarray((cells + 0.5) / (cells.sum() + 0.5 * len(cells)))


def shares(cells: Ints) -> Floats:
    """Plain shares; the cells must hold something."""
    return np.asarray(cells / cells.sum())


def deviations(baseline: Ints, current: Ints) -> Floats:
    """The standard deviation of each cell's difference of shares, of smoothed shares so that none is 0."""
    p, q = smoothed(baseline), smoothed(current)
    return np.asarray(np.sqrt(p * (1 - p) / baseline.sum() + q * (1 - q) / current.sum()))


def limits(cells: Cells, value: float, error: float) -> _sampling.Limits:
    """Limits of a divergence that was found to be `value` on the scale of Σ (p−q)² / p̄."""
    baseline, current = cells
    return _sampling.divergence_limits(value, int(baseline.sum()), int(current.sum()), len(baseline), error)
