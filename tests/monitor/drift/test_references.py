"""The distances and p-values against scipy, on integers that bins hold exactly."""

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import spatial, stats

from monitor.drift import (
    anderson_darling,
    chi2,
    cramer_von_mises,
    energy,
    g_test,
    hellinger,
    jensen_shannon,
    kl,
    ks,
    linf,
    psi,
    tvd,
    wasserstein,
    welch,
)
from monitor.panes import histogram
from monitor.panes.histogram import Histogram

ints = st.lists(st.integers(-63, 63), min_size=2, max_size=60)
varied = ints.filter(lambda values: len(set(values)) > 1)
tables = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=7).filter(
    lambda rows: all(sum(row) for row in rows) and all(sum(column) for column in zip(*rows, strict=True))
)


def regions(counts: list[int]) -> Histogram:
    return histogram.from_counts({f"r{index}": count for index, count in enumerate(counts)})


def two(rows: list[tuple[int, int]]) -> tuple[Histogram, Histogram]:
    baseline, current = zip(*rows, strict=True)
    return regions(list(baseline)), regions(list(current))


@given(ints, ints)
def test_ks(x: list[int], y: list[int]) -> None:
    expected = stats.ks_2samp(x, y, method="asymp").statistic

    assert ks.distance(histogram.numeric(x), histogram.numeric(y)) == pytest.approx(expected, abs=1e-12)


@given(ints, ints)
def test_ks_p_value(x: list[int], y: list[int]) -> None:
    expected = stats.kstwobign.sf(
        stats.ks_2samp(x, y, method="asymp").statistic * np.sqrt(len(x) * len(y) / (len(x) + len(y)))
    )

    assert ks.p_value(histogram.numeric(x), histogram.numeric(y)) == pytest.approx(expected, abs=1e-9)


@given(ints, ints)
def test_wasserstein(x: list[int], y: list[int]) -> None:
    expected = stats.wasserstein_distance(x, y)

    assert wasserstein.distance(histogram.numeric(x), histogram.numeric(y)) == pytest.approx(expected)


@given(ints, ints)
def test_energy(x: list[int], y: list[int]) -> None:
    expected = stats.energy_distance(x, y)

    assert energy.distance(histogram.numeric(x), histogram.numeric(y)) == pytest.approx(expected, abs=1e-7)


@given(st.permutations(range(-30, 31)), st.integers(2, 59))
def test_cramer_von_mises_without_ties(values: list[int], cut: int) -> None:
    x, y = values[:cut], values[cut:]
    expected = stats.cramervonmises_2samp(x, y, method="asymptotic").statistic
    found = cramer_von_mises.distance(histogram.numeric(x), histogram.numeric(y))

    assert found is not None
    assert found**2 / (1 / len(x) + 1 / len(y)) == pytest.approx(expected)


@given(ints, ints)
def test_anderson_darling(x: list[int], y: list[int]) -> None:
    """Scholz and Stephens 1987, equation 3, summed over both samples value by value."""
    both = np.sort(np.concatenate((x, y)))
    expected = 0.0
    for value in both[both < both[-1]]:
        share = np.mean(both <= value)
        gap = np.mean(np.asarray(x) <= value) - np.mean(np.asarray(y) <= value)
        expected += gap**2 / (share * (1 - share)) / len(both)
    found = anderson_darling.distance(histogram.numeric(x), histogram.numeric(y))

    assert found == pytest.approx(np.sqrt(expected), abs=1e-12)


@given(varied, varied)
def test_welch(x: list[int], y: list[int]) -> None:
    expected = abs(stats.ttest_ind(x, y, equal_var=False).statistic)

    assert welch.distance(histogram.numeric(x), histogram.numeric(y)) == pytest.approx(expected, abs=1e-9)


def test_welch_is_undefined_where_nothing_varies() -> None:
    assert welch.distance(histogram.numeric([3, 3]), histogram.numeric([4, 4])) is None
    assert welch.distance(histogram.numeric([3]), histogram.numeric([4, 5])) is None


def test_welch_p_value() -> None:
    rng = np.random.default_rng(5)
    for n, m in ((20, 8), (100, 30), (1000, 5000)):
        x, y = rng.integers(0, 50, n), rng.integers(3, 60, m)
        expected = stats.ttest_ind(x, y, equal_var=False).pvalue
        found = welch.p_value(histogram.numeric(x), histogram.numeric(y))
        assert found == pytest.approx(expected, rel=0.02)


@given(tables)
def test_chi2(rows: list[tuple[int, int]]) -> None:
    baseline, current = two(rows)
    expected = stats.chi2_contingency(np.array(rows), correction=False)
    found = chi2.distance(baseline, current)

    assert found is not None
    assert found / (1 / baseline.total + 1 / current.total) == pytest.approx(expected.statistic, abs=1e-9)
    assert chi2.p_value(baseline, current) == pytest.approx(expected.pvalue, abs=1e-6)


@given(tables)
def test_g(rows: list[tuple[int, int]]) -> None:
    baseline, current = two(rows)
    expected = stats.chi2_contingency(np.array(rows), correction=False, lambda_="log-likelihood")
    found = g_test.distance(baseline, current)

    assert found is not None
    assert found / (1 / baseline.total + 1 / current.total) == pytest.approx(expected.statistic, abs=1e-9)
    assert g_test.p_value(baseline, current) == pytest.approx(expected.pvalue, abs=1e-6)


@given(tables)
def test_jensen_shannon(rows: list[tuple[int, int]]) -> None:
    expected = spatial.distance.jensenshannon(*np.array(rows, float).T, base=2)

    assert jensen_shannon.distance(*two(rows)) == pytest.approx(np.nan_to_num(expected), abs=1e-7)


@given(tables)
def test_kl_and_psi_with_half_a_value_in_each_cell(rows: list[tuple[int, int]]) -> None:
    p, q = (np.array(rows) + 0.5).T
    there, back = stats.entropy(q, p), stats.entropy(p, q)

    assert kl.distance(*two(rows)) == pytest.approx(there, abs=1e-12)
    assert psi.distance(*two(rows)) == pytest.approx(there + back, abs=1e-12)


@given(tables)
def test_hellinger_tvd_and_linf(rows: list[tuple[int, int]]) -> None:
    p, q = (column / column.sum() for column in np.array(rows).T)

    assert hellinger.distance(*two(rows)) == pytest.approx(np.sqrt(1 - np.sum(np.sqrt(p * q))), abs=1e-7)
    assert tvd.distance(*two(rows)) == pytest.approx(np.maximum(p - q, 0).sum(), abs=1e-12)
    assert linf.distance(*two(rows)) == pytest.approx(np.abs(p - q).max(), abs=1e-12)


def test_bins_cost_wasserstein_less_than_a_32nd() -> None:
    rng = np.random.default_rng(6)
    x, y = rng.lognormal(0, 1, 20_000), rng.lognormal(0.3, 1, 20_000)
    found = wasserstein.distance(histogram.numeric(x), histogram.numeric(y))

    assert found == pytest.approx(stats.wasserstein_distance(x, y), rel=1 / 32)


def test_bins_cost_ks_at_most_the_share_of_one_bin() -> None:
    rng = np.random.default_rng(7)
    x, y = rng.normal(0, 1, 5_000), rng.normal(0.2, 1, 5_000)
    exact = stats.ks_2samp(x, y, method="asymp").statistic
    found = ks.distance(histogram.numeric(x), histogram.numeric(y))

    assert found is not None
    assert exact - 0.02 <= found <= exact


@pytest.mark.parametrize("measure", [ks, welch, chi2, g_test])
def test_there_is_no_p_value_without_values(measure: ModuleType) -> None:
    assert measure.p_value(Histogram(), Histogram()) is None
