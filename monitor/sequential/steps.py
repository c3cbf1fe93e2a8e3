"""Bounded numbers as whole steps of their range: sums of whole numbers are exact, in whatever order."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

STEPS = 1 << 16  # in a range; the squares of two thousand million values still add up in 64 bits

Ints = NDArray[np.int64]


class Stepped(NamedTuple):
    """Values as steps from the lower bound, and which lay outside: they count as the nearest bound."""

    steps: Ints
    outside: NDArray[np.bool_]


def stepped(values: ArrayLike, low: float, high: float) -> Stepped:
    """The nearest step of each value, 0 at ``low`` and :data:`STEPS` at ``high``; same shape.

    Whether a value is outside is asked in 32 bits, as values of events are kept so: .3 is then .30000001,
    and still no more than a bound of .3.

    >>> found = stepped([0.0, 1.0, 5.0, 6.0], low=1, high=5)
    >>> found.steps.tolist(), found.outside.tolist()
    ([0, 0, 65536, 65536], [True, False, False, True])
    """
    given = np.asarray(values, dtype=np.float64)
    narrow = given.astype(np.float32)
    outside = (narrow < np.float32(low)) | (narrow > np.float32(high))
    steps = np.rint((np.clip(given, low, high) - low) / (high - low) * STEPS)
    return Stepped(steps.astype(np.int64), np.asarray(outside))


class Sums(NamedTuple):
    """Of some bounded values: how many, the sum of their steps, of the steps' squares, how many were outside.

    Each is a whole number, or an array of them by cell. Sums of shards add up, one by one.
    """

    n: ArrayLike
    total: ArrayLike
    squares: ArrayLike
    outside: ArrayLike


def sums(values: ArrayLike, low: float, high: float) -> Sums:
    """The sums over the last axis of values.

    >>> sums([1, 5, 6], low=1, high=5)
    Sums(n=3, total=131072, squares=8589934592, outside=1)
    """
    steps, outside = stepped(values, low, high)
    n = steps.shape[-1]
    if steps.ndim == 1:
        return Sums(n, int(steps.sum()), int((steps * steps).sum()), int(outside.sum()))
    return Sums(n, steps.sum(axis=-1), (steps * steps).sum(axis=-1), outside.sum(axis=-1))
