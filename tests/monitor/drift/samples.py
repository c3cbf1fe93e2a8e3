"""Populations to draw from, with and without drift, for what each measure looks at."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from monitor.panes import histogram
from monitor.panes.histogram import Histogram

Draw = Callable[[Generator, int], Histogram]

REGIONS = ["centre", "east", "north", "south", "west"]


def ages(mean: float, deviation: float) -> Draw:
    """Whole years: heavy bins, values that stand for themselves."""

    def draw(rng: Generator, n: int) -> Histogram:
        return histogram.numeric(np.clip(np.round(rng.normal(mean, deviation, n)), 18, 63))

    return draw


def scores(a: float, b: float) -> Draw:
    """A continuous score between 0 and 1."""
    return lambda rng, n: histogram.numeric(rng.beta(a, b, n))


def regions(shares: list[float]) -> Draw:
    """Five categories."""
    return lambda rng, n: histogram.from_counts(
        dict(zip(REGIONS, rng.multinomial(n, shares).tolist(), strict=True))
    )


# Baseline, and the same population after a drift that everyone should see in 2,000 values.
NUMERIC: dict[str, tuple[Draw, Draw]] = {
    "ages": (ages(38, 9), ages(43, 9)),
    "scores": (scores(2, 3), scores(3, 2.6)),
}
CATEGORICAL: dict[str, tuple[Draw, Draw]] = {
    "regions": (regions([0.3, 0.3, 0.2, 0.15, 0.05]), regions([0.15, 0.3, 0.2, 0.3, 0.05])),
}


def populations(kinds: tuple[str, ...]) -> dict[str, tuple[Draw, Draw]]:
    """Those that a measure of these kinds looks at."""
    found: dict[str, tuple[Draw, Draw]] = {}
    found |= NUMERIC if "numeric" in kinds else {}
    found |= CATEGORICAL if "categorical" in kinds else {}
    return found
