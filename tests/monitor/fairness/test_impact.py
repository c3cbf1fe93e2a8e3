import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor import histogram
from monitor.fairness import impact
from monitor.table import Table
from tests.monitor.tables import table

# The example tables of the rule itself: category, applicants, selected, impact ratio as printed.
EXAMPLES = [
    [("Male", 1390, 667, "1.000"), ("Female", 1181, 555, "0.979")],
    [
        ("Hispanic or Latino", 408, 204, "0.97"),
        ("White", 797, 412, "1.00"),
        ("Black or African American", 390, 170, "0.84"),
        ("Native Hawaiian or Pacific Islander", 119, 52, "0.85"),
        ("Asian", 616, 302, "0.95"),
        ("Native American or Alaska Native", 41, 18, "0.85"),
        ("Two or More Races", 213, 96, "0.87"),
    ],
]
SEX = {"Male": {"up": 24, "un": 24}, "Female": {"up": 20, "un": 60}, "unknown": {"up": 3, "un": 4}}
SHARES = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def rows(found: impact.Impact) -> dict[str, impact.Category]:
    return {category.name: category for category in found.categories}


@pytest.mark.parametrize("example", EXAMPLES, ids=["sex", "race"])
def test_impact_ratios_are_the_rules_own(example):
    groups = table({name: {"up": selected, "un": n - selected} for name, n, selected, _ in example})
    found = rows(impact.selection(groups))
    for name, _, _, printed in example:
        places = len(printed) - 2
        assert f"{found[name].impact_ratio:.{places}f}" == printed


def test_impact_ratios_are_to_the_most_selected():
    found = impact.selection(table(SEX))
    assert (found.highest, found.unknown) == ("Male", 7)
    female, male = rows(found)["Female"], rows(found)["Male"]
    assert (female.rate, female.impact_ratio) == (0.25, 0.5)
    assert female.low < 0.5 < female.high
    assert (male.impact_ratio, male.low, male.p_value, male.deviations) == (1.0, None, None, None)


def test_categories_under_two_percent_are_marked_or_left_out():
    counts = {"a": {"up": 400, "un": 600}, "b": {"up": 200, "un": 790}, "c": {"up": 10}}
    kept, excluded = (rows(impact.selection(table(counts), exclude_small=choice)) for choice in (False, True))
    assert [category.small for category in kept.values()] == [False, False, True]
    assert kept["b"].impact_ratio == pytest.approx((200 / 990) / 1)
    assert excluded["b"].impact_ratio == pytest.approx((200 / 990) / 0.4)
    assert (excluded["c"].rate, excluded["c"].impact_ratio) == (1.0, None)


def test_where_nobody_is_selected_there_is_no_ratio():
    found = impact.selection(table({"a": {"un": 40}, "b": {"un": 30}}))
    assert [category.impact_ratio for category in found.categories] == [None, None]
    assert {category.deviations for category in found.categories} == {None}


def test_an_empty_category_and_an_empty_table():
    found = rows(impact.selection(table({"a": {"up": 4, "un": 4}, "b": {"up": 0}})))
    assert (found["b"].rate, found["b"].impact_ratio, found["b"].p_value) == (None, None, None)
    assert impact.selection(table({})).highest is None


def test_scoring_rates_are_shares_above_the_median_of_the_known():
    spread = {"a": [1, 2, 8, 9], "b": [3, 4, 5, 6, 7, 10], "unknown": [60] * 50}
    groups = Table(
        list(spread), {}, {"score.none": [histogram.numeric(values) for values in spread.values()]}
    )
    found = impact.scoring(groups)
    assert (found.median, found.unknown) == (5.5, 50)
    assert {name: row.selected for name, row in rows(found).items()} == {"a": 2, "b": 3}


@given(st.lists(st.integers(0, 60), min_size=1, max_size=50))
def test_the_median_is_numpys(values):
    groups = Table(["a"], {}, {"score.neg": [histogram.numeric(values)]})
    found = impact.scoring(groups)
    assert found.median == np.median(values)
    assert found.categories[0].selected == sum(value > found.median for value in values)


def test_without_scores_there_is_no_median():
    found = impact.scoring(table({"a": {"up": 3}}))
    assert (found.median, found.categories[0].rate) == (None, None)


@given(SHARES, SHARES)
def test_fishers_test_is_scipys(one, other):
    cells = [[one[0], one[1] - one[0]], [other[0], other[1] - other[0]]]
    assert impact.fisher(*one, *other) == pytest.approx(stats.fisher_exact(cells).pvalue, rel=1e-9)


@given(SHARES, SHARES)
def test_deviations_squared_are_pearsons_chi_square(one, other):
    found = impact.deviations(*one, *other)
    selected, n = one[0] + other[0], one[1] + other[1]
    if selected in (0, n):
        assert found is None
        return
    cells = [[one[0], one[1] - one[0]], [other[0], other[1] - other[0]]]
    assert found**2 == pytest.approx(stats.chi2_contingency(cells, correction=False).statistic, abs=1e-9)


def test_nobody_deviates_from_anybody():
    assert impact.deviations(0, 0, 3, 5) is None


def test_fishers_test_of_large_tables_stays_exact():
    found = impact.fisher(40_000, 100_000, 40_500, 100_000)
    normal = 2 * stats.norm.sf(abs(impact.deviations(40_000, 100_000, 40_500, 100_000)))
    assert math.log(found) == pytest.approx(math.log(normal), abs=0.05)
