"""When numbers that rest on outcomes mislead: said where it is proved, and only there."""

import pytest

from monitor.config import Model
from monitor.fairness import cautions, read
from monitor.panes.histogram import numeric
from monitor.panes.table import LAG, Table
from monitor.readings import Attribute, Caution
from tests.monitor.tables import table

SEEN = {"tp": 300, "fp": 100, "fn": 30, "tn": 10, "up": 20, "un": 380}  # 95 % and 10 %
ALIKE = {"tp": 200, "fp": 200, "fn": 100, "tn": 300, "up": 100, "un": 100}  # 80 % each


def attribute(groups: Table) -> Attribute:
    return read(groups, attribute="sex", model=Model(positive=[True]), window="all")


def found(groups: Table) -> list[Caution]:
    return cautions.read({"sex": attribute(groups)})


def test_selective_outcomes_of_everybody_are_said_once() -> None:
    [caution] = found(table({"F": SEEN, "M": SEEN}))
    assert (caution.kind, caution.attribute, caution.group) == ("selective_outcomes", None, None)
    assert caution.value == pytest.approx(400 / 420 - 40 / 420)
    assert 0.05 < caution.low < caution.value < (caution.high or 0)
    assert "95 % of positive and 10 % of negative decisions" in caution.text


def test_selective_outcomes_of_one_group_name_it() -> None:
    many = {atom: 100 * n for atom, n in ALIKE.items()}
    [caution] = found(table({"F": SEEN, "M": many}))
    assert (caution.kind, caution.attribute, caution.group) == ("selective_outcomes", "sex", "F")
    assert "Outcomes of F come selectively" in caution.text


def test_fewer_outcomes_of_positives_are_as_selective() -> None:
    swapped = {"tp": 10, "fp": 30, "up": 380, "fn": 300, "tn": 100, "un": 20}
    [caution] = found(table({"F": swapped, "M": swapped}))
    assert caution.value < -0.05


@pytest.mark.parametrize(
    "counts",
    [
        ALIKE,
        {"tp": 4, "un": 4, "fn": 4},  # too few for an interval
        {"up": 400, "un": 400},  # none has come
        {},
    ],
)
def test_what_is_not_proved_is_not_said(counts: dict[str, int]) -> None:
    assert found(table({"F": counts, "M": counts})) == []


def test_a_small_difference_that_is_significant_is_not_large() -> None:
    counts = {"tp": 810_000, "up": 190_000, "fn": 790_000, "un": 210_000}
    assert found(table({"F": counts, "M": counts})) == []


def test_without_attributes_nothing_is_said() -> None:
    assert cautions.read({}) == []


def lagging(**days: list[float]) -> Table:
    counts = {group: {"tp": len(taken), "tn": 2 * len(taken)} for group, taken in days.items()}
    found = table(counts)
    return Table(found.groups, found.counts, {LAG: [numeric(taken) for taken in days.values()]})


def test_outcomes_that_take_much_longer_are_said() -> None:
    [caution] = found(lagging(F=[40.0] * 50, M=[20.0] * 90))
    assert (caution.kind, caution.group, caution.reference) == ("outcome_lag", "F", "M")
    assert (caution.value, caution.low) == (2.0, 2.0)
    assert "come later than those of M: after 40 days in the median, against 20 days" in caution.text


def test_outcomes_that_come_sooner_are_said_too() -> None:
    [caution] = found(lagging(F=[6 / 24] * 50, M=[1.0] * 90))
    assert "come sooner than those of M: after 6.1 hours in the median, against 24 hours" in caution.text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([25.0] * 50, [20.0] * 90),  # not much longer
        ([0.01] * 50, [0.001] * 90),  # minutes
        ([40.0] * 9, [20.0] * 90),  # too few
        ([10.0] * 25 + [60.0] * 25, [20.0] * 90),  # the median may be either
        ([0.0] * 50, [0.0] * 90),  # with the decision
    ],
)
def test_lags_that_are_alike_are_no_matter(one: list[float], other: list[float]) -> None:
    assert found(lagging(F=one, M=other)) == []
