"""Many hypotheses, one budget."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sequential.control import Budget, bonferroni, e_bh

E_VALUES = st.lists(st.floats(0, 1e9), max_size=40).map(np.array)


@given(E_VALUES, st.floats(0.001, 0.5))
def test_e_bh_lists_the_most_that_its_rule_allows(e, alpha: float) -> None:
    listed = e_bh(e, alpha)
    k = listed.sum()
    enough = [j for j in range(1, len(e) + 1) if np.sort(e)[::-1][j - 1] * j >= len(e) / alpha]
    assert k >= max(enough, default=0)
    assert not k or (e[listed].min() >= e[~listed].max(initial=0) and e[listed].min() * k >= len(e) / alpha)


@given(E_VALUES, st.floats(0.001, 0.5))
def test_what_bonferroni_calls_out_is_listed_too(e, alpha: float) -> None:
    assert (e_bh(e, alpha) | ~bonferroni(e, alpha)).all()


def test_no_hypotheses_make_no_list() -> None:
    assert e_bh(np.array([]), 0.05).shape == bonferroni(np.array([]), 0.05).shape == (0,)


@pytest.mark.parametrize(
    ("text", "per_year"),
    [("1 per year", 1), ("0.5 per month", 6), ("2 per week", 2 * 365.25 / 7), (" 1 per day ", 365.25)],
)
def test_a_budget_is_written_in_words(text: str, per_year: float) -> None:
    assert Budget.parse(text).per_year == pytest.approx(per_year)


@pytest.mark.parametrize(
    "text", ["1", "one per year", "0 per year", "-1 per year", "1 per hour", "1 per years"]
)
def test_other_words_are_refused(text: str) -> None:
    message = f'false_alarms = "{text}": allowed is a positive number "per" one of day, week, month, year'
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Budget.parse(text)


def test_the_expected_false_alarms_of_all_tests_add_up_to_the_budget() -> None:
    budget = Budget.parse("1 per year", calendar=0.2)
    sequential, changes, calendar = 100, 80, 30
    events = 500_000
    hypotheses = sequential + changes
    blocks = events / 100
    expected = sequential * budget.alpha(hypotheses) + changes * blocks / budget.threshold(hypotheses, events)
    expected += calendar * 12 * budget.calendar_alpha(calendar, periods_per_year=12)
    assert expected == pytest.approx(1)


def test_a_large_budget_buys_no_weak_proof() -> None:
    budget = Budget.parse("10 per day")
    assert budget.alpha(hypotheses=3) == 0.05
    assert budget.threshold(hypotheses=3, events_per_year=1_000) == 20


@pytest.mark.parametrize(
    ("per_year", "calendar", "message"),
    [
        (0, 0.0, "false_alarms = 0 per year: a positive number is needed"),
        (1, 1.5, "calendar = 1.5: allowed is 0 to 1"),
    ],
)
def test_wrong_budgets_are_refused(per_year: float, calendar: float, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Budget(per_year, calendar)
