from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.fairness import intervals
from monitor.fairness.intervals import Estimates

TENTHS = np.arange(1, 10) / 10
COUNTS = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def share(k: int, n: int) -> Estimates:
    return intervals.shares(np.array([k]), np.array([n]))


@given(COUNTS)
def test_wilson_is_scipys(count):
    k, n = count
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    low, high = intervals.wilson(np.array(k), np.array(n))
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-12)


# Newcombe 1998, "Interval estimation for the difference between independent proportions", Table II.
PUBLISHED = [
    ((56, 70), (48, 80), (0.0524, 0.3339)),
    ((9, 10), (3, 10), (0.1705, 0.8090)),
    ((6, 7), (2, 7), (0.0582, 0.8062)),
    ((5, 56), (0, 29), (-0.0381, 0.1926)),
    ((0, 10), (0, 20), (-0.1611, 0.2775)),
    ((0, 10), (0, 10), (-0.2775, 0.2775)),
    ((10, 10), (0, 20), (0.6791, 1.0)),
    ((10, 10), (0, 10), (0.6075, 1.0)),
]


@pytest.mark.parametrize(("one", "other", "limits"), PUBLISHED)
def test_differences_are_newcombes_method_10(one, other, limits):
    gap = intervals.difference(share(*one), share(*other))
    assert (gap.low[0], gap.high[0]) == pytest.approx(limits, abs=5e-5)


@given(COUNTS, COUNTS)
def test_a_ratio_solves_donners_and_zous_quadratic(one, other):
    # U is where b's upper bound meets a's: (a - U b)² = (a_high - a)² + U² (b - b_low)².
    a, b = share(*one), share(*other)
    gap = intervals.ratio(a, b)
    if b.value[0] == 0:
        assert np.isnan(gap.value[0])
        return
    low, high = gap.low[0], gap.high[0]
    assert low <= gap.value[0] <= high
    left = (a.value - high * b.value) ** 2
    assert left == pytest.approx(
        (a.high - a.value) ** 2 + (high * (b.value - b.low)) ** 2, rel=1e-6, abs=1e-9
    )
    left = (a.value - low * b.value) ** 2
    assert left == pytest.approx((a.value - a.low) ** 2 + (low * (b.high - b.value)) ** 2, rel=1e-6, abs=1e-9)


@given(COUNTS, COUNTS)
def test_swapping_the_groups_mirrors_the_interval(one, other):
    a, b = share(*one), share(*other)
    there, back = intervals.difference(a, b), intervals.difference(b, a)
    assert there.low[0] == pytest.approx(-back.high[0], abs=1e-12)
    there, back = intervals.ratio(a, b), intervals.ratio(b, a)
    if one[0] and other[0]:
        assert there.low[0] == pytest.approx(1 / back.high[0], rel=1e-9)


def coverage(n: int, method: Callable[[Estimates, Estimates], Estimates], truth: np.ufunc) -> dict:
    """Exact coverage by both rates: all outcomes of two groups of n, weighted by their probability."""
    k = np.arange(n + 1)
    a, b = (intervals.shares(part, np.full_like(part, n)) for part in np.meshgrid(k, k, indexing="ij"))
    gap = method(a, b)
    found = {}
    for p in TENTHS:
        for q in TENTHS:
            true = truth(p, q)
            covered = np.isnan(gap.value) | ((gap.low <= true + 1e-12) & (true - 1e-12 <= gap.high))
            weight = np.outer(stats.binom.pmf(k, n, p), stats.binom.pmf(k, n, q))
            found[p, q] = weight[covered].sum()
    return found


@pytest.mark.parametrize(
    ("n", "method", "truth", "least", "mean"),
    [
        (10, intervals.difference, np.subtract, 0.9282, 0.954),
        (10, intervals.ratio, np.divide, 0.9400, 0.957),
        (30, intervals.difference, np.subtract, 0.9282, 0.950),
        (30, intervals.ratio, np.divide, 0.9454, 0.953),
    ],
)
def test_exact_coverage(n, method, truth, least, mean):
    found = list(coverage(n, method, truth).values())
    assert min(found) == pytest.approx(least, abs=1e-4)
    assert np.mean(found) == pytest.approx(mean, abs=1e-3)


def test_f1_is_the_jaccard_index_transformed():
    found = intervals.dice(share(6, 10))
    low, high = intervals.wilson(np.array(6), np.array(10))
    assert found.value[0] == pytest.approx(2 * 6 / (2 * 6 + 4))
    assert found.low[0] == pytest.approx(2 * low / (1 + low))
    assert found.high[0] == pytest.approx(2 * high / (1 + high))


def test_means_have_the_normal_interval():
    values = np.array([1.0, 4.0, 2.0, 8.0])
    found = intervals.means(np.array([4]), np.array([values.sum()]), np.array([(values**2).sum()]))
    half = stats.norm.ppf(0.975) * stats.sem(values)
    assert (found.low[0], found.high[0]) == pytest.approx((values.mean() - half, values.mean() + half))


def test_nothing_is_undefined_not_zero():
    nothing, something = share(0, 0), share(3, 40)
    for found in (nothing, intervals.difference(something, nothing), intervals.ratio(something, nothing)):
        assert np.isnan(found.value[0])
        assert np.isnan(found.low[0])


def test_a_ratio_of_means_that_may_be_negative():
    a = Estimates(np.array([-1.0, 2.0]), np.array([-2.0, 1.0]), np.array([0.0, 3.0]), np.array([50, 50]))
    b = Estimates(np.array([1.0, 1.0]), np.array([0.5, -0.5]), np.array([1.5, 2.5]), np.array([50, 50]))
    found = intervals.ratio(a, b)
    assert np.isnan(found.value[0])
    assert found.value[1] == 2
    assert np.isinf(found.high[1])
