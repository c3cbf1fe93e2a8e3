"""The gap between two cumulative distributions: what the distances of numbers are norms of."""

from typing import NamedTuple

import numpy as np

from monitor.panes import bins
from monitor.panes.bins import Floats
from monitor.panes.histogram import Histogram, align


class Gaps(NamedTuple):
    """By bin that either histogram has, in ascending order; shape (bins,).

    `gap` is F − G after the bin, `variance` that of its noise, `pooled` the cumulative share and `weight`
    the share of both samples together, `step` the distance to the next bin's value (0 after the last).
    """

    gap: Floats
    variance: Floats
    pooled: Floats
    weight: Floats
    step: Floats


def gaps(baseline: Histogram, current: Histogram) -> Gaps | None:
    """The gaps of two histograms of numbers; None if one is empty or holds categories."""
    if not (baseline.numeric and current.numeric and baseline.total and current.total):
        return None
    keys, mine, others = align(baseline, current)
    n, m = baseline.total, current.total
    f, g = np.cumsum(mine) / n, np.cumsum(others) / m
    middles = bins.middle(keys)
    return Gaps(
        gap=f - g,
        variance=f * (1 - f) / n + g * (1 - g) / m,
        pooled=(n * f + m * g) / (n + m),
        weight=(mine + others) / (n + m),
        step=np.diff(middles, append=middles[-1]),
    )
