"""Pointwise intervals of rates, means, gaps and ratios, for whole arrays at once.

They are to be shown, not to alarm on: an interval that is looked at again and again misses the truth
sooner or later. Their coverage, by exact enumeration over both rates in .1, .2, …, .9: with 10 in each group
at least .928 for the difference and .940 for the ratio; with 30, .928 and .945 (.940 where the rates are
within .3 of each other); .95 in the mean.

Inside this package NaN stands for "undefined"; it never leaves it.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from monitor.panes.table import Floats, Ints

Z = NormalDist().inv_cdf(0.975)
FEWEST = 10  # below this no interval is shown
ENOUGH = 30  # below this it is rough


@dataclass(frozen=True)
class Estimates:
    """Values with their intervals and how many independent observations each rests on; any one shape."""

    value: Floats
    low: Floats
    high: Floats
    n: Ints

    def __getitem__(self, index: Any) -> "Estimates":
        return Estimates(self.value[index], self.low[index], self.high[index], self.n[index])


def wilson(k: Ints | Floats, n: Ints | Floats, z: float = Z) -> tuple[Floats, Floats]:
    """Wilson's score interval of k successes in n trials (Wilson 1927); NaN where n is 0.

    >>> [round(float(limit), 4) for limit in wilson(np.array(8), np.array(10))]
    [0.4902, 0.9433]
    """
    trials = np.where(n > 0, n, np.nan)
    share = k / trials
    centre = share + z * z / (2 * trials)
    half = z * np.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    scale = 1 + z * z / trials
    # At 0 and n the limits are exactly 0 and 1; rounding must not put them beyond the share itself.
    low = np.where(np.asarray(k) == 0, 0.0 * trials, (centre - half) / scale)
    high = np.where(np.asarray(k) == n, 0.0 * trials + 1, (centre + half) / scale)
    return low, high


def shares(k: Ints | Floats, n: Ints | Floats, z: float = Z) -> Estimates:
    """Shares k / n with Wilson's interval."""
    low, high = wilson(k, n, z)
    return Estimates(k / np.where(n > 0, n, np.nan), low, high, n.astype(np.int64))


def dice(share: Estimates) -> Estimates:
    """F1 = 2J / (1 + J) rises with the Jaccard index J = tp / (tp + fp + fn): limits go over into limits."""
    value, low, high = (2 * part / (1 + part) for part in (share.value, share.low, share.high))
    return Estimates(value, low, high, share.n)


def means(n: Ints | Floats, total: Floats, squares: Floats) -> Estimates:
    """Means with the interval of the normal approximation; no limits with fewer than two values."""
    count = np.where(n > 0, n, np.nan)
    mean = total / count
    variance = np.maximum(squares - count * mean**2, 0) / np.where(n > 1, n - 1, np.nan)
    half = Z * np.sqrt(variance / count)
    return Estimates(mean, mean - half, mean + half, n.astype(np.int64))


def difference(a: Estimates, b: Estimates) -> Estimates:
    """a − b of independent groups, from the limits of each (Newcombe 1998, method 10; MOVER for means)."""
    value = a.value - b.value
    low = value - np.hypot(a.value - a.low, b.high - b.value)
    high = value + np.hypot(a.high - a.value, b.value - b.low)
    return Estimates(value, low, high, np.minimum(a.n, b.n))


def ratio(a: Estimates, b: Estimates) -> Estimates:
    """a / b of independent groups by MOVER-R (Donner, Zou 2012, eq. 9), lower limit in its stable form.

    Undefined where b is not positive or a is negative. The upper limit is infinite where b may be 0.
    """
    defined = (a.value >= 0) & (b.value > 0)
    product = np.where(defined, a.value * b.value, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(defined, a.value / b.value, np.nan)
        above = product + _root(product, a.low, a.value, b.high, b.value)
        low = np.where(above > 0, a.low * (2 * a.value - a.low) / above, above)
        below = b.low * (2 * b.value - b.low)
        high = (product + _root(product, a.high, a.value, b.low, b.value)) / below
    return Estimates(value, low, np.where(below <= 0, np.inf, high), np.minimum(a.n, b.n))


def _root(product: Floats, a_limit: Floats, a: Floats, b_limit: Floats, b: Floats) -> Floats:
    inside = product**2 - a_limit * b_limit * (2 * a - a_limit) * (2 * b - b_limit)
    return np.sqrt(np.maximum(inside, 0))
