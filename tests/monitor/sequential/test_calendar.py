"""The exact test of a calendar period."""

import numpy as np
import pytest
from scipy import stats

from monitor.sequential.calendar import Side, p_value, p_value_within
from monitor.sequential.nulls import Null

SIDES = [Side(1, 0.0), Side(1, 0.05), Side(1, -0.2), Side(0.8, 0), Side(1.25, 0)]


def largest_chance(side: Side, n_1: int, k_1: int, n_2: int, k_2: int) -> float:
    """By brute force: all outcomes as extreme as (k_1, k_2), at 400 points of the limit."""
    ones, twos = (x.ravel() for x in np.meshgrid(np.arange(n_1 + 1), np.arange(n_2 + 1), indexing="ij"))
    extreme = side.score(n_1, ones, n_2, twos) >= side.score(n_1, k_1, n_2, k_2) - 1e-9
    p_1, p_2 = (np.clip(p, 0, 1)[:, None] for p in side.limit(np.linspace(0, 1, 400)))
    chances = stats.binom.pmf(ones[extreme], n_1, p_1) * stats.binom.pmf(twos[extreme], n_2, p_2)
    return float(chances.sum(axis=1).max())


def p_of(side: Side, n_1: int, k_1: int, n_2: int, k_2: int) -> float:
    """The one-sided p-value of a side, by way of the public functions."""
    if side.slope == 1:
        return p_value(n_1, k_1, n_2, k_2, Null("excess", side.gap))
    if side.slope > 1:
        return p_value(n_2, k_2, n_1, k_1, Null("ratio", 1 / side.slope))
    return p_value_within(n_1, k_1, n_2, k_2, Null("ratio", side.slope))


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_the_p_value_is_the_largest_chance_and_bounds_it(side: Side) -> None:
    rng = np.random.default_rng(40)
    for _ in range(15):
        n_1, n_2 = rng.integers(1, 40, 2)
        k_1, k_2 = rng.integers(0, n_1 + 1), rng.integers(0, n_2 + 1)
        by_force = largest_chance(side, n_1, k_1, n_2, k_2)
        found = p_of(side, n_1, k_1, n_2, k_2)
        assert by_force * (1 - 1e-9) <= found <= by_force * 1.03 + 1e-9, (n_1, k_1, n_2, k_2)


@pytest.mark.parametrize("table", [(10, 7, 9, 2), (100, 50, 80, 33), (40, 30, 45, 20)])
def test_barnards_test_is_the_case_of_no_gap_allowed(table: tuple[int, int, int, int]) -> None:
    n_a, k_a, n_b, k_b = table
    barnard = stats.barnard_exact([[k_a, k_b], [n_a - k_a, n_b - k_b]], alternative="greater", n=256)
    found = p_value(*table, Null("excess", 0.0))
    assert barnard.pvalue * (1 - 1e-9) <= found <= barnard.pvalue * 1.03


@pytest.mark.parametrize(
    ("null", "p_a", "p_b"),
    [
        (Null("difference", 0.05), 0.35, 0.3),
        (Null("difference", 0.05), 0.05, 0.1),
        (Null("difference", 0.1), 1.0, 0.9),
        (Null("ratio", 0.8), 0.32, 0.4),
    ],
)
def test_a_model_at_the_limit_fails_at_most_as_often_as_stated(null: Null, p_a: float, p_b: float) -> None:
    """All outcomes of 25 and 18 decisions, weighted with their chances: no simulation."""
    n_a, n_b = 25, 18
    chance_a = stats.binom.pmf(np.arange(n_a + 1), n_a, p_a)
    chance_b = stats.binom.pmf(np.arange(n_b + 1), n_b, p_b)
    p = np.array([[p_value(n_a, a, n_b, b, null) for b in range(n_b + 1)] for a in range(n_a + 1)])
    for alpha in (0.01, 0.05, 0.2):
        assert ((p <= alpha) * np.outer(chance_a, chance_b)).sum() <= alpha


def test_sides_change_places_in_a_difference() -> None:
    null = Null("difference", 0.05)
    assert p_value(150, 90, 120, 40, null) == pytest.approx(p_value(120, 40, 150, 90, null), rel=0.02)


def test_within_limits_is_proved_by_enough_decisions() -> None:
    null = Null("difference", 0.1)
    assert p_value_within(800, 320, 700, 281, null) < 0.01
    assert p_value_within(80, 32, 70, 28, null) > 0.05
    assert p_value_within(800, 320, 700, 210, null) > 0.5


def test_a_period_without_one_of_the_groups_says_nothing() -> None:
    assert p_value(40, 30, 0, 0, Null("difference", 0.05)) == 1
    assert p_value_within(0, 0, 40, 30, Null("ratio", 0.8)) == 1


def test_it_has_power_at_a_few_hundred_decisions() -> None:
    assert p_value(200, 120, 100, 35, Null("difference", 0.05)) < 0.01
    assert p_value(100, 30, 200, 120, Null("ratio", 0.8)) < 0.01
