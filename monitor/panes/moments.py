"""Numbers as tests are fed them: in whole steps of the range that the configuration declares for them.

Of each slice and group how many there are, the sum of their steps and of the steps' squares, and how many
lay outside the range and count as its nearest end. The range is part of the measure's name, so that counts
under another one do not add up with ours: they count apart, and are nobody's.
"""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from monitor import rates
from monitor.config import Model
from monitor.panes.forecasts import ABSOLUTE, SQUARED
from monitor.panes.table import MEAN
from monitor.sequential.steps import stepped

Bounds: TypeAlias = tuple[float, float]
I64 = npt.NDArray[np.int64]

PARTS = N, TOTAL, SQUARES, OUTSIDE = range(4)
OF_DECISIONS = ("score", "value")
LARGEST = 1e12  # sums of numbers are exact up to this size of each (monitor/arrays/numbers.py)


def is_number(name: str) -> bool:
    """Whether there may be a number of this name whose mean can be tested.

    >>> [is_number(name) for name in ("score", "values.csat", "values.", "abs_error", "features.age")]
    [True, True, False, True, False]
    """
    stem, dot, rest = name.partition(".")
    return name in (*OF_DECISIONS, ABSOLUTE, SQUARED) or (stem + dot == "values." and bool(rest))


def number(metric: str) -> str | None:
    """The number that a metric, by our name, is the mean of; None for any other metric.

    >>> number("values.csat.mean"), number("score.p50"), number("score.pos.mean")
    ('values.csat', None, None)
    """
    name = metric.removesuffix(MEAN)
    return name if name != metric and is_number(name) else None


def bounds(metric: str, model: Model) -> Bounds | None:
    """From where to where the number goes whose mean a metric is; None where that is not declared."""
    found = model.bounds.get(number(metric) or "")
    return None if found is None else (found[0], found[1])


def asked(model: Model) -> dict[str, Bounds]:
    """The numbers that a rule wants the mean of tested."""
    metrics = [rates.resolve(rule.metric)[0] for rule in model.rules if rule.test != "threshold"]
    return {number(metric) or "": found for metric in metrics if (found := bounds(metric, model))}


def measure(number: str, declared: Bounds) -> str:
    """The name under which a number counts.

    >>> measure("score", (0, 1))
    'score from 0.0 to 1.0'
    """
    low, high = map(float, declared)
    return f"{number} from {low!r} to {high!r}"


def counted(values: npt.NDArray[np.float64], declared: Bounds) -> Iterator[tuple[int, I64 | None]]:
    """Each part of the sums, and what each value adds to it; None is 1."""
    steps, outside = stepped(values, *declared)
    yield N, None
    yield TOTAL, steps
    yield SQUARES, steps * steps
    yield OUTSIDE, outside.astype(np.int64)
