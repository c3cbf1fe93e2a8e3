"""Histograms of all groups as one matrix, so that metrics of numbers are sums over its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from monitor.panes import bins
from monitor.panes.histogram import Histogram
from monitor.panes.table import SCORES, Floats, Ints, Table

_TOLD_APART = 64  # integers below it have a bin of their own (monitor/panes/bins.py)


def _errors(middles: Floats) -> Floats:
    """How far a value of each bin can be from what stands for it."""
    error = np.maximum(middles - bins.lower(_EVERY), bins.upper(_EVERY) - middles)
    return np.where((middles == np.floor(middles)) & (np.abs(middles) < _TOLD_APART), 0.0, error)


_EVERY = np.arange(bins.ZERO + bins.LARGEST + 1)
_MIDDLES = bins.middle(_EVERY)
_ERRORS = _errors(_MIDDLES)


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


@lru_cache(maxsize=4)
def spreads(table: Table, names: tuple[str, ...]) -> list[Spread]:
    """Some histograms of the table over the same bins; one that never came is empty.

    Kept for the next metric, as several start from the same.

    >>> from monitor.panes import histogram
    >>> table = Table(["a", "b"], {}, {"value": [histogram.numeric([1, 2, 2]), histogram.numeric([3])]})
    >>> spreads(table, ("value",))[0].counts.tolist()
    [[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]]
    """
    keys, counts = _stacked(table, names)
    parts = counts.reshape(len(names), len(table.groups), len(keys))
    return [Spread(_MIDDLES[keys], _ERRORS[keys], part) for part in parts]


@lru_cache(maxsize=4)
def spread(table: Table, number: str) -> Spread:
    """A number's histograms; `score` is the score whatever the outcome."""
    first, *more = spreads(table, SCORES if number == "score" else (number,))
    return Spread(first.values, first.error, sum((part.counts for part in more), first.counts))


def _stacked(table: Table, names: tuple[str, ...]) -> tuple[NDArray[np.uint16], Floats]:
    """The bins that any of the histograms has, and counts of shape (names · groups, bins)."""
    if table.binned is None:
        nothing = [Histogram()] * len(table.groups)
        return _matrix([one for name in names for one in table.histograms.get(name, nothing)])
    empty = np.zeros((len(table.groups), len(table.binned.keys)), np.int64)
    whole = np.concatenate([table.binned.counts.get(name, empty) for name in names])
    seen = whole.any(axis=0)
    return table.binned.keys[seen].astype(np.uint16), whole[:, seen].astype(float)


def _matrix(histograms: Sequence[Histogram]) -> tuple[NDArray[np.uint16], Floats]:
    """The keys that any has, and the counts of each by them."""
    if not histograms:
        return np.empty(0, np.uint16), np.empty((0, 0))
    sizes = [len(one.keys) for one in histograms]
    every = np.concatenate([one.keys for one in histograms]).astype(np.int64)
    if not len(every):
        return np.empty(0, np.uint16), np.zeros((len(histograms), 0))
    first = every.min()
    seen = np.bincount(every - first) > 0
    keys = (np.flatnonzero(seen) + first).astype(np.uint16)
    counts = np.zeros((len(histograms), len(keys)))
    rows = np.repeat(np.arange(len(histograms)), sizes)
    counts[rows, (np.cumsum(seen) - 1)[every - first]] = np.concatenate([one.counts for one in histograms])
    return keys, counts
