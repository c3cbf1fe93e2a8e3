"""What an interval proves against limits, and how many more decisions it would take.

| verdict | when |
|---|---|
| `undefined` | the value does not exist: an empty denominator, a ratio to 0 |
| `out_of_limits` | the whole interval lies beyond a limit |
| `within_limits` | the whole interval lies inside all limits |
| `undecided` | neither, or a side has fewer observations than asked for, or no limits were given |
"""

import math

from msgspec import Struct

from monitor.fairness.intervals import FEWEST
from monitor.readings import Verdict

MOST = 1_000_000_000  # more than this many decisions is as good as never


Limits = tuple[float | None, float | None]


class Gap(Struct, frozen=True, gc=False):
    """A compared value with its interval, NaN where undefined, and the sizes of its two sides."""

    value: float
    low: float
    high: float
    n: int
    reference_n: int

    @property
    def least(self) -> int:
        """The smaller side."""
        return min(self.n, self.reference_n)


def judge(gap: Gap, limits: Limits, fewest: int) -> Verdict:
    """The verdict of a gap against (min, max); a side with fewer than `fewest` decides nothing.

    >>> judge(Gap(0.2, 0.12, 0.28, 400, 500), (-0.1, 0.1), 30).value
    'out_of_limits'
    >>> judge(Gap(0.0, -0.3, 0.3, 8, 500), (-0.5, 0.5), 30).value
    'undecided'
    """
    if math.isnan(gap.value):
        return Verdict.UNDEFINED
    if limits == (None, None) or gap.least < max(fewest, FEWEST) or math.isnan(gap.low):
        return Verdict.UNDECIDED
    least, most = _bounds(limits)
    if gap.low > most or gap.high < least:
        return Verdict.OUT
    return Verdict.WITHIN if least <= gap.low and gap.high <= most else Verdict.UNDECIDED


def needed(gap: Gap, limits: Limits, fewest: int, decisions: int) -> int | None:
    """How many more decisions of the group decide an undecided gap; None: no end in sight.

    Assumes that the value stays as it is and that both sides grow alike, so that the interval shrinks
    with the square root of their size. `decisions` are the group's so far, of which `gap.n` count here.

    >>> needed(Gap(0.12, 0.08, 0.16, 400, 500), (-0.1, 0.1), 30, decisions=800)
    2400
    """
    if math.isnan(gap.value) or limits == (None, None):
        return None
    growth = max(_growth(gap, _bounds(limits)), max(fewest, FEWEST) / gap.least)
    more = decisions * (growth - 1)
    return math.ceil(round(more, 6)) if 0 < more <= MOST else None


def detectable(gap: Gap, limits: Limits) -> float | None:
    """The value nearest to this one that an interval as wide as today's would prove out of limits.

    >>> round(detectable(Gap(0.02, -0.03, 0.07, 400, 500), (None, 0.1)), 3)
    0.15
    """
    least, most = limits
    edges = []
    if most is not None and math.isfinite(gap.low):
        edges.append(most + (gap.value - gap.low))
    if least is not None and math.isfinite(gap.high):
        edges.append(least - (gap.high - gap.value))
    return min(edges, key=lambda edge: abs(edge - gap.value), default=None)


def _bounds(limits: Limits) -> tuple[float, float]:
    least, most = limits
    return (-math.inf if least is None else least), (math.inf if most is None else most)


def _growth(gap: Gap, bounds: tuple[float, float]) -> float:
    """The factor by which n must grow for the interval to leave the limits, or to fit in; infinite: never."""
    least, most = bounds
    below, above = gap.value - gap.low, gap.high - gap.value
    if gap.value > most:
        return _square(below, gap.value - most)
    if gap.value < least:
        return _square(above, least - gap.value)
    return max(_square(below, gap.value - least), _square(above, most - gap.value))


def _square(half: float, distance: float) -> float:
    if math.isinf(distance) or half == 0:
        return 0.0
    return math.inf if distance == 0 or not math.isfinite(half) else (half / distance) ** 2
