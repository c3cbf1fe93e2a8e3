"""Missing values: by how many points the share of events without a value has moved, from 0 to 1.

|missing share now − missing share in the baseline|. The interval is Newcombe's for a difference of shares,
from Wilson's limits of each (Newcombe 1998, method 10).

It misleads where a value is missing for good reason in some groups and their mix changes.

>>> from monitor.panes import histogram
>>> distance(histogram.numeric([1, 2, 3]), histogram.numeric([1], missing=3))
0.75
"""

import math

from monitor.drift._sampling import ERROR, Limits, absolute, share_limits
from monitor.panes.histogram import Histogram

KINDS = ("numeric", "categorical")


def sample(histogram: Histogram) -> int:
    """All events, those with a value and those without."""
    return histogram.total + histogram.missing


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The change of the share; None if one of them has no events."""
    if not sample(baseline) or not sample(current):
        return None
    return abs(_share(current) - _share(baseline))


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the true change; each is wrong with probability about `error`."""
    if not sample(baseline) or not sample(current):
        return None
    p, q = _share(baseline), _share(current)
    p_low, p_high = share_limits(baseline.missing, sample(baseline), error)
    q_low, q_high = share_limits(current.missing, sample(current), error)
    return absolute(q - p - math.hypot(q - q_low, p_high - p), q - p + math.hypot(q_high - q, p - p_low))


def _share(histogram: Histogram) -> float:
    return histogram.missing / sample(histogram)
