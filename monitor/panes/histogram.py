"""Histograms: exact, additive counts of a stream's values, in universal bins or by category."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.panes import bins

Ints = NDArray[np.int64]


def _no_keys() -> NDArray[Any]:
    return np.empty(0, np.uint16)


def _no_counts() -> Ints:
    return np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts by key, in the order of the keys; shape (keys,).

    `keys` are distinct and sorted: uint16 codes of monitor/panes/bins.py for numbers, or str objects for
    categories. `missing` counts the events that should have had a value and had none.
    """

    keys: NDArray[Any] = field(default_factory=_no_keys)
    counts: Ints = field(default_factory=_no_counts)
    missing: int = 0

    @property
    def numeric(self) -> bool:
        """Whether the keys are bins of numbers; an empty histogram counts as numeric."""
        return self.keys.dtype.kind == "u"

    @property
    def total(self) -> int:
        """The number of values, without the missing ones."""
        return int(self.counts.sum())

    @property
    def middles(self) -> NDArray[np.float64]:
        """The value that stands for each bin of numbers."""
        return bins.middle(self.keys)

    def merge(self, other: "Histogram") -> "Histogram":
        """The counts of both. Raises ValueError for numbers with categories.

        >>> numeric([1, 2]).merge(numeric([2, 3])).counts.tolist()
        [1, 2, 1]
        """
        keys, mine, others = align(self, other)
        return Histogram(keys, mine + others, self.missing + other.missing)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Histogram)
            and self.missing == other.missing
            and np.array_equal(self.keys, other.keys)
            and np.array_equal(self.counts, other.counts)
        )

    __hash__ = None  # type: ignore[assignment]


def numeric(values: ArrayLike, missing: int = 0) -> Histogram:
    """Finite numbers counted in universal bins."""
    counts = np.bincount(bins.code(np.ravel(values)), minlength=0)
    keys = np.flatnonzero(counts)
    return Histogram(keys.astype(np.uint16), counts[keys].astype(np.int64), missing)


def categorical(names: Iterable[str], missing: int = 0) -> Histogram:
    """Categories counted by name.

    >>> categorical(["b", "a", "b"]).counts.tolist()
    [1, 2]
    """
    keys, counts = np.unique(np.array(list(names), object), return_counts=True)
    return Histogram(keys, counts.astype(np.int64), missing)


def from_counts(counts: Mapping[int | str, int], missing: int = 0) -> Histogram:
    """Counts by bin code, or by category; keys that count 0 are dropped.

    A stream that mixes both is of the kind that most of its values are of, numbers if it is a draw; the
    others are no values of that kind and count as missing.

    >>> from_counts({"new": 3, "returning": 9, "lost": 0}).keys.tolist()
    ['new', 'returning']
    >>> from_counts({8192: 7, "n/a": 2}).missing
    2
    """
    codes = sorted((key, count) for key, count in counts.items() if count and isinstance(key, int))
    names = sorted((key, count) for key, count in counts.items() if count and isinstance(key, str))
    return majority(_of(codes, np.uint16), _of(names, object), missing)


def _of(pairs: Sequence[tuple[int | str, int]], dtype: Any) -> Histogram:
    keys = np.array([key for key, _ in pairs], dtype)
    return Histogram(keys, np.array([count for _, count in pairs], np.int64))


def majority(numbers: Histogram, categories: Histogram, missing: int = 0) -> Histogram:
    """The larger of two histograms of one stream; the other's values count as missing, beside `missing`."""
    kept, other = (categories, numbers) if categories.total > numbers.total else (numbers, categories)
    return Histogram(kept.keys, kept.counts, missing + kept.missing + other.missing + other.total)


def slices(decisions: Mapping[int, int], width: int) -> Histogram:
    """The stream "volume", of decisions by start of slice, `width` ms apart; empty slices between count too.

    >>> slices({0: 3, 180: 5}, 60).counts.tolist()
    [2, 1, 1]
    """
    if not decisions:
        return Histogram()
    span = (max(decisions) - min(decisions)) // width + 1
    return numeric([0] * (span - len(decisions)) + list(decisions.values()))


def align(first: Histogram, second: Histogram) -> tuple[NDArray[Any], Ints, Ints]:
    """All keys of both, and the counts of each by them. Raises ValueError for numbers with categories.

    >>> align(categorical("ab"), categorical("bc"))[2].tolist()
    [0, 1, 1]
    """
    if not len(first.keys):
        return second.keys, np.zeros_like(second.counts), second.counts
    if not len(second.keys):
        return first.keys, first.counts, np.zeros_like(first.counts)
    if first.numeric != second.numeric:
        raise ValueError("a histogram of numbers and one of categories have no keys in common")
    keys = np.union1d(first.keys, second.keys)
    return keys, _spread(first, keys), _spread(second, keys)


def _spread(histogram: Histogram, keys: NDArray[Any]) -> Ints:
    counts = np.zeros(len(keys), np.int64)
    counts[np.searchsorted(keys, histogram.keys)] = histogram.counts
    return counts
