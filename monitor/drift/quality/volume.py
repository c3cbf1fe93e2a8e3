"""Volume: by what share the number of decisions in a slice of time has moved from the baseline's, from 0 up.

|mean now / mean in the baseline − 1|, of the stream "volume", whose values are the decisions of each slice:
half as many is .5, none 1, three times as many 2. The interval is the normal one for a ratio of means (delta
method), with at least the variance of a Poisson count.

It misleads over windows that are not whole days or weeks: nights are quiet. Slices that follow each other are
alike, so that the interval is too narrow for short windows.

>>> from monitor.panes.histogram import slices
>>> distance(slices({0: 10, 60: 12}, 60), slices({600: 4, 660: 7}, 60))
0.5
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from monitor.drift._sampling import ERROR, Limits, absolute
from monitor.panes.histogram import Histogram

KINDS = ("volume",)


class _Mean(NamedTuple):
    value: float
    variance: float


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The relative change; None without slices, and where the baseline has no decisions."""
    before, now = _mean(baseline), _mean(current)
    if before is None or now is None or before.value <= 0:
        return None
    return abs(now.value / before.value - 1)


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the true relative change; each is wrong with probability about `error`."""
    before, now = _mean(baseline), _mean(current)
    if before is None or now is None or before.value <= 0:
        return None
    ratio = now.value / before.value
    deviation = math.sqrt(now.variance + ratio**2 * before.variance) / before.value
    margin = NormalDist().inv_cdf(1 - error) * deviation
    return absolute(ratio - 1 - margin, ratio - 1 + margin)


def _mean(slices: Histogram) -> _Mean | None:
    """The mean of a slice with the variance of its estimate."""
    if not slices.numeric or not slices.total:
        return None
    mean = float(np.average(slices.middles, weights=slices.counts))
    spread = float(np.average((slices.middles - mean) ** 2, weights=slices.counts))
    # A count of 0 in every slice is no proof that none will come: at least the variance of a mean of 1.
    return _Mean(mean, max(spread, mean, 1.0) / slices.total)
