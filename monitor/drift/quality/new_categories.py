"""New categories: the share of current values in categories that the baseline does not have, from 0 to 1.

A sample does not show every category of its population: the unseen ones have a share of about f₁/n, f₁ being
the number of categories seen once (Good 1953), with the variance (f₁ + 2f₂)/n² (Esty 1983). The lower limit
of the interval takes that off, and ln(1/error)/n for what is rarer still. The share itself has Wilson's
limits.

It misleads where names are free text: every spelling is new.

>>> from monitor.panes import histogram
>>> distance(histogram.categorical("aabb"), histogram.categorical("abbc"))
0.25
"""

import math
from statistics import NormalDist

import numpy as np

from monitor.drift._sampling import ERROR, Limits, share_limits
from monitor.panes.histogram import Histogram

KINDS = ("categorical",)


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The share; None if one is empty or holds numbers."""
    new = _new(baseline, current)
    return None if new is None else new / current.total


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the share beyond what the baseline's population can produce; each is wrong with `error`."""
    new = _new(baseline, current)
    if new is None:
        return None
    low, high = share_limits(new, current.total, error)
    return max(0.0, low - unseen(baseline, error)), high


def unseen(histogram: Histogram, error: float) -> float:
    """An upper limit of the share of categories that a sample did not show.

    >>> from monitor.panes import histogram
    >>> round(unseen(histogram.from_counts({"a": 900, "b": 99, "c": 1}), 0.001), 4)
    0.011
    """
    once, twice = (int(np.sum(histogram.counts == times)) for times in (1, 2))
    spread = NormalDist().inv_cdf(1 - error) * math.sqrt(once + 2 * twice)
    return (once + spread + math.log(1 / error)) / histogram.total


def _new(baseline: Histogram, current: Histogram) -> int | None:
    if baseline.numeric or current.numeric or not baseline.total or not current.total:
        return None
    return int(current.counts[~np.isin(current.keys, baseline.keys)].sum())
