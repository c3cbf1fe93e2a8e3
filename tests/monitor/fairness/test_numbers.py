import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.fairness import numbers
from monitor.panes import histogram
from monitor.panes.table import Table

WHOLE = st.lists(st.integers(0, 60), min_size=1, max_size=60)


def spread(**groups) -> Table:
    return Table(list(groups), {}, {"value": [histogram.numeric(values) for values in groups.values()]})


@given(WHOLE)
def test_moments_of_small_integers_are_exact_from_the_histogram(values):
    n, total, squares = numbers.moments("value", spread(a=values))
    assert (n[0], total[0]) == (len(values), sum(values))
    assert squares[0] == pytest.approx(sum(value**2 for value in values))


def test_sums_are_exact_and_the_histogram_lends_its_spread():
    values = np.array([1000.3, 1001.1, 1999.2, 2500.7])
    counts = {"value.n": np.array([4]), "value.sum": np.array([round(values.sum() * 1e6)])}
    table = Table(["a"], counts, {"value": [histogram.numeric(values)]})
    n, total, squares = numbers.moments("value", table)
    assert total[0] == pytest.approx(values.sum(), abs=1e-6)
    variance = squares[0] / n[0] - (total[0] / n[0]) ** 2
    assert values.var() < variance < 1.15 * values.var()


def test_values_that_share_a_bin_are_not_taken_for_equal():
    values = np.linspace(993.0, 1007.0, 50)
    counts = {"value.n": np.array([50]), "value.sum": np.array([round(values.sum() * 1e6)])}
    table = Table(["a"], counts, {"value": [histogram.numeric(values)]})
    n, total, squares = numbers.moments("value", table)
    assert squares[0] / n[0] - (total[0] / n[0]) ** 2 >= values.var()


@given(WHOLE, st.integers(1, 99))
def test_quantiles_are_numpys_inverted_cdf(values, percent):
    found = numbers.quantiles("value", percent / 100, spread(a=values))
    assert found.value[0] == np.quantile(values, percent / 100, method="inverted_cdf")
    assert found.n[0] == len(values)


def test_the_medians_interval_is_of_order_statistics():
    found = numbers.quantiles("value", 0.5, spread(a=range(1, 51)))
    # Ranks 25 ± 1.96 · √12.5, outwards: of 1, 2, …, 50 they are the values.
    assert (found.value[0], found.low[0], found.high[0]) == (25, 18, 33)
    covered = stats.binom.cdf(33 - 1, 50, 0.5) - stats.binom.cdf(18 - 1, 50, 0.5)
    assert covered >= 0.95


def test_a_small_group_has_no_interval_for_an_outer_quantile():
    found = numbers.quantiles("value", 0.9, spread(a=range(10), b=[]))
    assert found.value[0] == 8
    assert np.isnan(found.high[0])
    assert np.isnan(found.value[1])


def test_only_percentages_are_quantiles():
    assert numbers.quantile("values.csat.p25") == ("values.csat", 0.25)
    assert numbers.quantile("value.p100") is None
    assert numbers.quantile("value.p") is None
