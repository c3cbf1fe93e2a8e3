"""Type changed: 1 if the baseline holds numbers and now categories come, or the reverse, else 0.

Distances are undefined after such a change, since numbers and names have nothing to compare; this measure is
the one that says so. It is a fact about the data, so its interval is the value itself.

>>> from monitor.panes import histogram
>>> distance(histogram.numeric([1, 2]), histogram.categorical(["1", "2"]))
1.0
"""

from monitor.drift._sampling import ERROR, Limits
from monitor.panes.histogram import Histogram

KINDS = ("numeric", "categorical")


def distance(baseline: Histogram, current: Histogram) -> float | None:
    """Whether the type changed; None if one is empty."""
    if not baseline.total or not current.total:
        return None
    return float(baseline.numeric != current.numeric)


def interval(baseline: Histogram, current: Histogram, error: float = ERROR) -> Limits | None:  # noqa: ARG001
    """The value twice."""
    value = distance(baseline, current)
    return None if value is None else (value, value)
