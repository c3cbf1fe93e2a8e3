"""What an interval proves against limits, and how many more decisions it would take.

| verdict | when |
|---|---|
| `undefined` | the value does not exist: an empty denominator, a ratio to 0 |
| `out_of_limits` | the whole interval lies beyond a limit |
| `within_limits` | the whole interval lies inside all limits |
| `undecided` | neither, or a side has fewer observations than asked for, or no limits were given |
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.fairness.intervals import FEWEST
from monitor.panes.table import Floats, Ints
from monitor.readings import Verdict

MOST = 1_000_000_000  # more than this many decisions is as good as never
VERDICTS = np.array([Verdict.UNDEFINED, Verdict.UNDECIDED, Verdict.OUT, Verdict.WITHIN], object)
UNDEFINED, UNDECIDED, OUT, WITHIN = range(4)  # the verdicts as places in these


Limits = tuple[Floats | float, Floats | float]  # least and most; infinite where there is no limit


@dataclass(frozen=True)
class Gaps:
    """Compared values with their intervals, NaN where undefined, and the sizes of their two sides.

    All have shape (gaps,).
    """

    value: Floats
    low: Floats
    high: Floats
    n: Ints
    reference_n: Ints

    @property
    def least(self) -> Ints:
        """The smaller sides."""
        return np.minimum(self.n, self.reference_n)


def judge(gaps: Gaps, limits: Limits, fewest: Ints | int) -> list[Verdict]:
    """The verdict of each gap against its limits; a side with fewer than `fewest` decides nothing.

    >>> value, low, high = np.array([[0.2, 0.0], [0.12, -0.3], [0.28, 0.3]])
    >>> gaps = Gaps(value, low, high, np.array([400, 8]), np.array([500, 500]))
    >>> [verdict.value for verdict in judge(gaps, (-0.1, 0.1), 30)]
    ['out_of_limits', 'undecided']
    """
    found: list[Verdict] = VERDICTS[places(gaps, limits, fewest)].tolist()
    return found


def places(gaps: Gaps, limits: Limits, fewest: Ints | int) -> Ints:
    """The same verdicts as numbers: UNDEFINED, UNDECIDED, OUT, WITHIN."""
    least, most = limits
    silent = (gaps.least < np.maximum(fewest, FEWEST)) | np.isnan(gaps.low) | _free(limits)
    out = (gaps.low > most) | (gaps.high < least)
    within = (least <= gaps.low) & (gaps.high <= most)
    proved = np.where(out, OUT, np.where(within, WITHIN, UNDECIDED))
    return np.where(np.isnan(gaps.value), UNDEFINED, np.where(silent, UNDECIDED, proved))


def needed(
    gaps: Gaps,
    limits: Limits,
    fewest: Ints | int,
    decisions: Ints,
    *,
    past: NDArray[np.bool_] | bool = False,
    undecided: NDArray[np.bool_] | bool = True,
) -> list[int | None]:
    """How many more decisions of each group decide an undecided gap; None: no end in sight.

    Assumes that the value stays as it is and that both sides grow alike, so that the interval shrinks
    with the square root of their size; but where the reference is `past`, the group alone. `decisions` are
    the groups' so far, of which `gaps.n` count here.

    >>> value, low, high = np.array([[0.12], [0.08], [0.16]])
    >>> gaps = Gaps(value, low, high, np.array([400]), np.array([500]))
    >>> needed(gaps, (-0.1, 0.1), 30, decisions=np.array([800]))
    [2400]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = _growth(gaps, limits)
        growth = np.where(past, _alone(growth, gaps), growth)
        enough = np.maximum(fewest, FEWEST)
        growth = np.maximum(growth, enough / gaps.least)
        growth = np.where(past & (gaps.reference_n < enough), np.inf, growth)
        more = np.where(_free(limits), np.nan, decisions * (growth - 1))
    ahead = undecided & (more > 0) & (more <= MOST)
    whole = np.ceil(np.round(np.where(ahead, more, 0), 6)).astype(np.int64).astype(object)
    whole[~ahead] = None
    found: list[int | None] = whole.tolist()
    return found


def detectable(gaps: Gaps, limits: Limits) -> Floats:
    """The value nearest to each that an interval as wide as today's would prove out of limits.

    Not finite where there is none.

    >>> value, low, high = np.array([[0.02], [-0.03], [0.07]])
    >>> gaps = Gaps(value, low, high, np.array([400]), np.array([500]))
    >>> detectable(gaps, (-np.inf, 0.1)).round(3).tolist()
    [0.15]
    """
    least, most = limits
    above = np.where(np.isfinite(gaps.low), most + (gaps.value - gaps.low), np.inf)
    below = np.where(np.isfinite(gaps.high), least - (gaps.high - gaps.value), -np.inf)
    return np.where(np.abs(below - gaps.value) < np.abs(above - gaps.value), below, above)


def _free(limits: Limits) -> NDArray[np.bool_]:
    """Where there are no limits."""
    return np.isinf(limits[0]) & np.isinf(limits[1])


def _growth(gaps: Gaps, limits: Limits) -> Floats:
    """The factor by which n must grow for an interval to leave the limits, or to fit in; infinite: never."""
    least, most = limits
    below, above = gaps.value - gaps.low, gaps.high - gaps.value
    inside = np.maximum(_square(below, gaps.value - least), _square(above, most - gaps.value))
    beneath = np.where(gaps.value < least, _square(above, least - gaps.value), inside)
    return np.where(gaps.value > most, _square(below, gaps.value - most), beneath)


def _alone(growth: Floats, gaps: Gaps) -> Floats:
    """By how much the group must grow where growing alike both would have to by `growth`; infinite: never.

    A side's part of the interval's square is taken to be in inverse proportion to its size.
    """
    ours = gaps.reference_n / (gaps.n + gaps.reference_n)
    left = 1 / growth - (1 - ours)
    return np.where(left > 0, ours / np.where(left > 0, left, 1), np.where(growth <= 1, growth, np.inf))


def _square(half: Floats, distance: Floats) -> Floats:
    never = (distance == 0) | ~np.isfinite(half)
    growth = np.where(never, np.inf, (half / np.where(never, 1, distance)) ** 2)
    return np.where(np.isinf(distance) | (half == 0), 0.0, growth)
