"""Values out of range: the share of current values below or above everything in the baseline, from 0 to 1.

A sample does not show the whole range: a part of its own population lies beyond it. Each side of that part is
at most ln(2/error)/n, but for a probability of error/2; the lower limit of the interval takes both off. The
share itself has Wilson's limits.

It misleads where the baseline was drawn from a short time: a new range is then only a new season.

>>> from monitor.panes import histogram
>>> distance(histogram.numeric(range(18, 60)), histogram.numeric([17, 40, 50, 99]))
0.5
"""

import math

from monitor.drift._sampling import ERROR, Limits, share_limits
from monitor.panes.histogram import Histogram

KINDS = ("numeric",)


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The share; None if one is empty or holds categories."""
    beyond = _beyond(baseline, current)
    return None if beyond is None else beyond / current.total


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the share beyond what the baseline's population can produce; each is wrong with `error`."""
    beyond = _beyond(baseline, current)
    if beyond is None:
        return None
    low, high = share_limits(beyond, current.total, error)
    return max(0.0, low - 2 * math.log(2 / error) / baseline.total), high


def _beyond(baseline: Histogram, current: Histogram) -> int | None:
    if not (baseline.numeric and current.numeric and baseline.total and current.total):
        return None
    outside = (current.keys < baseline.keys[0]) | (current.keys > baseline.keys[-1])
    return int(current.counts[outside].sum())
