"""Missing categories: the share of the baseline in categories that do not come any more, from 0 to 1.

It is the share of new categories with the two samples exchanged, and so is its interval: a small current
sample lacks categories by chance (monitor/drift/quality/new_categories.py).

It misleads over short windows: what comes on weekdays alone is missing on Sundays.

>>> from monitor.panes import histogram
>>> distance(histogram.categorical("aabb"), histogram.categorical("aaaa"))
0.5
"""

from monitor.drift._sampling import ERROR, Limits
from monitor.drift.quality import new_categories
from monitor.panes.histogram import Histogram

KINDS = ("categorical",)


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """The share; None if one is empty or holds numbers."""
    return new_categories.distance(current, baseline)


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:
    """Limits of the share beyond what the current population can lack by chance, each wrong with `error`."""
    return new_categories.interval(current, baseline, error)
