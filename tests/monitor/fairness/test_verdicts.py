import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.fairness import intervals, verdicts
from monitor.fairness.verdicts import Gaps
from monitor.readings import Verdict

LIMITS = (-0.1, 0.1)


class Gap(NamedTuple):
    """One gap, of which the tests ask one at a time."""

    value: float
    low: float
    high: float
    n: int
    reference_n: int

    @property
    def alone(self) -> Gaps:
        return Gaps(*(np.array([part]) for part in self))


Limits = tuple[float | None, float | None]


def open_(limits: Limits) -> tuple[float, float]:
    """Infinite limits for those that are not given."""
    least, most = limits
    return (-math.inf if least is None else least, math.inf if most is None else most)


def judge(gap: Gap, limits: Limits, fewest: int) -> Verdict:
    [found] = verdicts.judge(gap.alone, open_(limits), fewest)
    return found


def needed(gap: Gap, limits: Limits, fewest: int, decisions: int) -> int | None:
    [found] = verdicts.needed(gap.alone, open_(limits), fewest, np.array([decisions]))
    return found


def detectable(gap: Gap, limits: Limits) -> float:
    [found] = verdicts.detectable(gap.alone, open_(limits)).tolist()
    return found


@pytest.mark.parametrize(
    ("low", "high", "limits", "verdict"),
    [
        (-0.05, 0.05, LIMITS, Verdict.WITHIN),
        (-0.1, 0.1, LIMITS, Verdict.WITHIN),
        (-0.05, 0.15, LIMITS, Verdict.UNDECIDED),
        (0.1, 0.3, LIMITS, Verdict.UNDECIDED),
        (0.11, 0.3, LIMITS, Verdict.OUT),
        (-0.3, -0.11, LIMITS, Verdict.OUT),
        (-0.3, 0.3, LIMITS, Verdict.UNDECIDED),
        (-0.9, 0.05, (None, 0.1), Verdict.WITHIN),
        (0.5, 0.79, (0.8, None), Verdict.OUT),
        (0.9, math.inf, (0.8, None), Verdict.WITHIN),
        (0.9, math.inf, (0.8, 1.25), Verdict.UNDECIDED),
        (0.2, 0.3, (None, None), Verdict.UNDECIDED),
    ],
)
def test_the_whole_interval_decides(low, high, limits, verdict):
    value = (low + min(high, 1)) / 2
    assert judge(Gap(value, low, high, 500, 500), limits, 30) is verdict


def test_an_undefined_value_is_never_within_limits():
    assert judge(Gap(math.nan, math.nan, math.nan, 0, 500), LIMITS, 0) is Verdict.UNDEFINED


@pytest.mark.parametrize(
    ("n", "reference_n", "fewest"), [(29, 500, 30), (500, 29, 30), (9, 500, 0), (99, 99, 100)]
)
def test_too_few_decide_nothing(n, reference_n, fewest):
    assert judge(Gap(0.0, -0.01, 0.01, n, reference_n), LIMITS, fewest) is Verdict.UNDECIDED


def test_no_interval_decides_nothing():
    assert judge(Gap(0.5, math.nan, math.nan, 50, 50), LIMITS, 30) is Verdict.UNDECIDED


SHARES = st.integers(40, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def gap_of(ka: int, na: int, kb: int, nb: int) -> Gap:
    found = intervals.difference(
        intervals.shares(np.array([ka]), np.array([na])), intervals.shares(np.array([kb]), np.array([nb]))
    )
    return Gap(float(found.value[0]), float(found.low[0]), float(found.high[0]), na, nb)


@st.composite
def close(draw: st.DrawFn) -> tuple[tuple[int, int], tuple[int, int]]:
    """Two groups whose gap mostly lies near a limit, so that an interval seldom decides."""
    share, apart = draw(st.floats(0, 0.8)), draw(st.floats(0.02, 0.18))
    sizes = draw(st.integers(40, 200)), draw(st.integers(40, 200))
    counts = [(round(p * n), n) for p, n in zip((share, share + apart), sizes, strict=True)]
    one, other = counts if draw(st.booleans()) else counts[::-1]
    return one, other


@given(close())
def test_as_many_more_as_needed_decide(groups):
    one, other = groups
    gap = gap_of(*one, *other)
    assume(judge(gap, LIMITS, 30) is Verdict.UNDECIDED)
    more = needed(gap, LIMITS, 30, decisions=gap.n)
    if more is None:
        assert min(abs(gap.value - limit) for limit in LIMITS) < 1e-4
        return
    # Wilson's interval does not quite shrink with 1/√n: the estimate is good to a factor of two.
    factor = math.ceil((1 + more / gap.n) * 2)
    later = gap_of(one[0] * factor, one[1] * factor, other[0] * factor, other[1] * factor)
    assert judge(later, LIMITS, 30) is not Verdict.UNDECIDED


def test_needed_waits_for_the_smaller_side():
    # The reference has 15 of 30: both sides must double.
    assert needed(Gap(0.5, 0.3, 0.7, 200, 15), LIMITS, 30, decisions=400) == 400


def test_needed_is_none_where_no_number_would_do():
    assert needed(Gap(0.1, 0.0, 0.2, 500, 500), LIMITS, 30, decisions=500) is None
    assert needed(Gap(math.nan, math.nan, math.nan, 0, 500), LIMITS, 30, decisions=10) is None
    assert needed(Gap(0.1, 0.0, 0.2, 500, 500), (None, None), 30, decisions=500) is None


def needed_to_past(gap: Gap) -> int | None:
    [found] = verdicts.needed(gap.alone, LIMITS, 30, np.array([gap.n]), past=np.array([True]))
    return found


@given(close())
def test_against_the_past_it_takes_more_as_the_group_alone_grows(groups):
    one, other = groups
    gap = gap_of(*one, *other)
    assume(judge(gap, LIMITS, 30) is Verdict.UNDECIDED)
    more, both = needed_to_past(gap), needed(gap, LIMITS, 30, decisions=gap.n)
    assert more is None or (both is not None and more >= both)


def test_a_short_past_never_decides_and_a_long_one_hardly_matters():
    assert needed_to_past(gap_of(50, 100, 25, 50)) is None
    assert judge(gap_of(50_000_000, 100_000_000, 25, 50), LIMITS, 30) is Verdict.UNDECIDED
    gap = gap_of(50, 100, 5_000_000, 10_000_000)
    assert needed_to_past(gap) == pytest.approx(needed(gap, LIMITS, 30, decisions=100), abs=2)
    more = needed_to_past(gap_of(50, 100, 100, 200))
    for part, verdict in ((1.1, Verdict.WITHIN), (0.9, Verdict.UNDECIDED)):
        half = round(part * (100 + more) / 2)
        assert judge(gap_of(half, 2 * half, 100, 200), LIMITS, 30) is verdict


def test_a_past_of_too_few_never_decides():
    assert needed_to_past(gap_of(50, 100, 20, 25)) is None


@given(SHARES, SHARES)
def test_what_is_detectable_lies_beyond_the_limits(one, other):
    gap = gap_of(*one, *other)
    edge = detectable(gap, LIMITS)
    assert abs(edge) >= 0.1
    assert math.isinf(detectable(gap, (None, None)))
