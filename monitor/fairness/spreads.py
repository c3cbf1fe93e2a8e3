"""Histograms of all groups as one matrix, so that metrics of numbers are sums over its rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor import bins
from monitor.histogram import Histogram
from monitor.table import SCORES, Floats, Ints, Table

_TOLD_APART = 64  # integers below it have a bin of their own (monitor/bins.py)


@dataclass(frozen=True)
class Spread:
    """`values` and `error` have shape (bins,), values in rising order; `counts` have shape (groups, bins).

    Values stand for their bin; `error` is how far a value can be from that. An integer below 64 that stands
    for a bin is taken to be what was counted in it.
    """

    values: Floats
    error: Floats
    counts: Floats

    @property
    def n(self) -> Ints:
        return np.asarray(self.counts.sum(axis=1), np.int64)


def spreads(table: Table, names: Sequence[str]) -> list[Spread]:
    """Some histograms of the table over the same bins; one that never came is empty.

    >>> from monitor import histogram
    >>> table = Table(["a", "b"], {}, {"value": [histogram.numeric([1, 2, 2]), histogram.numeric([3])]})
    >>> spreads(table, ["value"])[0].counts.tolist()
    [[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]]
    """
    nothing = [Histogram()] * len(table.groups)
    found = [histogram for name in names for histogram in table.histograms.get(name, nothing)]
    keys, counts = _matrix(found)
    values = bins.middle(keys)
    error = np.maximum(values - bins.lower(keys), bins.upper(keys) - values)
    error = np.where((values == np.floor(values)) & (np.abs(values) < _TOLD_APART), 0.0, error)
    parts = counts.reshape(len(names), len(table.groups), len(keys))
    return [Spread(values, error, part) for part in parts]


def spread(table: Table, number: str) -> Spread:
    """A number's histograms; `score` is the score whatever the outcome."""
    first, *more = spreads(table, SCORES if number == "score" else (number,))
    return Spread(first.values, first.error, sum((part.counts for part in more), first.counts))


def _matrix(histograms: Sequence[Histogram]) -> tuple[NDArray[np.uint16], Floats]:
    """The keys that any has, and the counts of each by them."""
    if not histograms:
        return np.empty(0, np.uint16), np.empty((0, 0))
    every = np.concatenate([one.keys for one in histograms]).astype(np.uint16)
    seen = np.bincount(every, minlength=1 << 16) > 0
    rows = np.repeat(np.arange(len(histograms)), [len(one.keys) for one in histograms])
    keys = np.flatnonzero(seen).astype(np.uint16)
    counts = np.zeros((len(histograms), len(keys)))
    counts[rows, (np.cumsum(seen) - 1)[every]] = np.concatenate([one.counts for one in histograms])
    return keys, counts
