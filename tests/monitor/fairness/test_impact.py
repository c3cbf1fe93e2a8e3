import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.fairness import impact
from monitor.panes import histogram
from monitor.panes.table import Table
from monitor.readings import Attribute, Group
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
# The rule's table of both together, second-hand: its people and its selected add up to those by sex above.
# One of its ratios is that of rounded rates.
BOTH = {
    "Male & Hispanic or Latino": (205, 90, 0.841),
    "Male & White": (412, 215, 1.0),
    "Male & Black or African American": (226, 95, 0.805),
    "Male & Native Hawaiian or Pacific Islander": (87, 37, 0.815),
    "Male & Asian": (321, 167, 0.997),
    "Male & Native American or Alaska Native": (24, 11, 0.878),
    "Male & Two or More Races": (143, 65, 0.871),
    "Female & Hispanic or Latino": (190, 82, 0.827),
    "Female & White": (385, 197, 0.981),
    "Female & Black or African American": (164, 75, 0.876),
    "Female & Native Hawaiian or Pacific Islander": (32, 15, 0.898),
    "Female & Asian": (295, 135, 0.877),
    "Female & Native American or Alaska Native": (17, 7, 0.789),
    "Female & Two or More Races": (70, 31, 0.849),
}
# The rule's example of scores: category, applicants, those above the median, impact ratio as printed.
# The last two by race are second-hand: they add up to those by sex.
SCORED = [
    [("Male", 92, 50, "1.00"), ("Female", 76, 34, "0.82")],
    [
        ("Hispanic or Latino", 28, 18, "1.00"),
        ("White", 40, 15, "0.58"),
        ("Black or African American", 32, 16, "0.78"),
        ("Native Hawaiian or Pacific Islander", 8, 5, "0.97"),
        ("Asian", 24, 10, "0.65"),
        ("Native American or Alaska Native", 16, 10, "0.97"),
        ("Two or More Races", 20, 10, "0.78"),
    ],
]
SEX = {"Male": {"up": 24, "un": 24}, "Female": {"up": 20, "un": 60}, "unknown": {"up": 3, "un": 4}}
SHARES = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def by_sex() -> list[tuple[int, int]]:
    return [(n, selected) for _, n, selected, _ in EXAMPLES[0]]


def scored(values: dict[str, list[int]]) -> Table:
    return Table(list(values), {}, {"score.none": [histogram.numeric(found) for found in values.values()]})


def rows(found: impact.Impact) -> dict[str, impact.Category]:
    return {category.name: category for category in found.categories}


@pytest.mark.parametrize("example", EXAMPLES, ids=["sex", "race"])
def test_impact_ratios_are_the_rules_own(example):
    groups = table({name: {"up": selected, "un": n - selected} for name, n, selected, _ in example})
    found = rows(impact.selection(groups))
    for name, _, _, printed in example:
        places = len(printed) - 2
        assert f"{found[name].impact_ratio:.{places}f}" == printed


def test_impact_ratios_of_intersections_are_the_rules_own():
    totals = [[sum(column) for column in zip(*found, strict=True)][:2] for found in (BOTH.values(), by_sex())]
    assert totals[0] == totals[1] == [2571, 1222]
    found = impact.selection(table({name: {"up": up, "un": n - up} for name, (n, up, _) in BOTH.items()}))
    assert found.highest == "Male & White"
    for name, row in rows(found).items():
        assert row.impact_ratio == pytest.approx(BOTH[name][2], abs=0.0011)


@pytest.mark.parametrize("example", SCORED, ids=["sex", "race"])
def test_impact_ratios_of_scores_are_the_rules_own(example):
    found = rows(impact.scoring(scored({name: [20] * up + [10] * (n - up) for name, n, up, _ in example})))
    assert [(row.n, row.selected) for row in found.values()] == [(n, up) for _, n, up, _ in example]
    assert (sum(row.n for row in found.values()), sum(row.selected for row in found.values())) == (168, 84)
    assert [f"{row.impact_ratio:.2f}" for row in found.values()] == [printed for *_, printed in example]


def test_who_is_unknown_in_part_is_unknown():
    groups = {"F & A": 40, "M & A": 50, "F & unknown": 5, "unknown & A": 3, "unknown": 2}
    found = impact.selection(table({name: {"up": n // 2, "un": n - n // 2} for name, n in groups.items()}))
    assert (list(rows(found)), found.unknown) == (["F & A", "M & A"], 10)


def test_where_positive_is_bad_the_others_are_selected():
    groups = table({"a": {"tp": 3, "up": 6, "un": 1}, "b": {"fp": 2, "tn": 5, "un": 3}})
    found = rows(impact.selection(groups, favourable=False))
    assert [(row.selected, row.n) for row in found.values()] == [(1, 10), (8, 10)]
    scores = rows(impact.scoring(scored({"a": [9, 9, 9, 1], "b": [1, 1, 5, 5]}), favourable=False))
    assert [row.selected for row in scores.values()] == [1, 2]


def test_a_readings_counts_give_the_same_ratios():
    groups = {name: Group(sum(counts.values()), None, counts, {}) for name, counts in SEX.items()}
    assert impact.selection(impact.counted(Attribute("Male", groups, []))) == impact.selection(table(SEX))


def test_both_tables_of_every_attribute_but_proxies():
    tables = {"sex": table(SEX), "race": scored({"a": [1, 2], "b": [3]}), "race (proxy)": table(SEX)}
    found = impact.impacts(tables, exclude_small=True)
    assert [(name, both.scoring is None) for name, both in found.items()] == [("sex", True), ("race", False)]


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
    found = impact.scoring(scored(spread))
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
