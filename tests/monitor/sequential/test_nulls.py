"""Bar 2: no compliant pair of rates expects a block's e-value to exceed 1."""

import re

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.sequential.nulls import Null

DRAWS = 400
NULLS = [Null("difference", tau) for tau in (0, 0.02, 0.05, 0.1)] + [Null("ratio", r) for r in (0.8, 0.9, 1)]
NULLS += [Null("excess", tau) for tau in (-0.1, 0, 0.05)]


def compliant(null: Null) -> NDArray[np.float64]:
    """Pairs of rates (2, pairs): a grid of 60 x 60, and 400 on the boundary."""
    grid = np.linspace(0, 1, 60)
    p_a, p_b = (x.ravel() for x in np.meshgrid(grid, grid))
    inside = p_a >= null.limit * p_b if null.kind == "ratio" else p_a - p_b <= null.limit
    if null.kind == "difference":
        inside &= p_b - p_a <= null.limit
    if null.kind == "ratio":
        edge = np.linspace(0, 1, 400)
        boundary = np.stack([null.limit * edge, edge])
    else:
        edge = np.linspace(max(0, -null.limit), min(1, 1 - null.limit), 400)
        boundary = np.stack([edge + null.limit, edge])
    other = [boundary[::-1]] if null.kind == "difference" else []
    return np.concatenate([np.stack([p_a, p_b])[:, inside], boundary, *other], axis=1)


def log_expectation(null: Null, n_a: int, n_b: int, rates, pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log of the e-value's expectation, (alternatives x sides, pairs): from the e-values of no positives and
    of one positive in either group it follows in closed form, a product of one term an event.
    """
    blocks = np.array([[n_a, n_a, n_a], [0, 1, 0], [n_b, n_b, n_b], [0, 0, 1]])
    wide = tuple(np.repeat(t.reshape(*null.shape, 1), 3, axis=2).reshape(null.shape[0], -1) for t in rates)
    none, one_a, one_b = (x.reshape(-1, 1) for x in np.moveaxis(null.log_e(blocks, wide), 2, 0))
    p_a, p_b = pairs
    with np.errstate(divide="ignore"):
        a = n_a * np.log1p(p_a * np.expm1(one_a - none))
        b = n_b * np.log1p(p_b * np.expm1(one_b - none))
    return none + a + b


@pytest.mark.parametrize("null", NULLS, ids=str)
def test_compliant_rates_expect_no_gain(null: Null) -> None:
    rng = np.random.default_rng(5)
    pairs = compliant(null)
    for _ in range(DRAWS):
        n_a, n_b = rng.integers(1, 250, 2)
        past_n = np.floor(np.exp(rng.uniform(0, 10, 2)))
        past_k = np.floor(past_n * rng.beta(0.5, 0.5, 2))
        rates = null.alternatives(np.array([[past_n[0]], [past_k[0]], [past_n[1]], [past_k[1]]]))
        assert log_expectation(null, n_a, n_b, rates, pairs).max() <= 1e-9


def test_a_rate_beyond_the_limit_expects_a_gain() -> None:
    null = Null("difference", 0.05)
    past = np.array([[1000], [400], [1000], [300]])
    gain = log_expectation(null, 50, 50, null.alternatives(past), np.array([[0.4], [0.3]]))
    assert gain.max() > 0.1


def test_a_block_without_one_of_the_groups_says_nothing() -> None:
    null = Null("difference", 0.0)
    rates = null.alternatives(np.array([[90], [80], [90], [10]]))
    assert not null.log_e(np.array([[250], [240], [0], [0]]), rates).any()


@pytest.mark.parametrize(
    ("kind", "low", "high", "complies"),
    [
        ("difference", -0.04, 0.04, True),
        ("difference", -0.06, 0.0, False),
        ("difference", 0.0, 0.06, False),
        ("excess", -0.9, 0.05, True),
        ("excess", 0.0, 0.06, False),
    ],
)
def test_an_interval_complies_if_all_of_it_does(kind: str, low: float, high: float, complies: bool) -> None:
    assert Null(kind, 0.05).contains(np.array([low]), np.array([high])).tolist() == [complies]


def test_a_ratio_complies_above_its_limit() -> None:
    kept = Null("ratio", 0.8).contains(np.array([0.81, 0.79]), np.array([3.0, 3.0]))
    assert kept.tolist() == [True, False]


@pytest.mark.parametrize(
    ("kind", "limit", "message"),
    [
        ("gap", 0.1, "kind = 'gap': allowed are difference, excess, ratio"),
        ("difference", -0.1, "limit = -0.1: allowed for 'difference' is 0 <= limit < 0.8"),
        ("difference", 0.8, "limit = 0.8: allowed for 'difference' is 0 <= limit < 0.8"),
        ("excess", -0.8, "limit = -0.8: allowed for 'excess' is -0.8 < limit < 0.8"),
        ("ratio", 0, "limit = 0: allowed for 'ratio' is 0 < limit <= 1"),
        ("ratio", float("nan"), "limit = nan: allowed for 'ratio' is 0 < limit <= 1"),
    ],
)
def test_wrong_limits_are_refused(kind: str, limit: float, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Null(kind, limit)
