"""Simulated times until a gap is found, against the forecast and against the tests themselves."""

import numpy as np
import pytest

from monitor.sequential.eprocess import Cells
from monitor.sequential.nulls import Null
from monitor.sequential.plan import decisions_to_prove
from monitor.sequential.power import Pair, events_to_notice, events_to_prove


@pytest.mark.parametrize(
    ("null", "pair", "alpha"),
    [
        (Null("difference", 0.05), Pair(0.35, 0.5, 0.1), 0.001),
        (Null("excess", 0.0), Pair(0.15, 0.05, 0.3), 0.01),
        (Null("ratio", 0.8), Pair(0.3, 0.5, 0.7), 0.05),
    ],
)
def test_the_median_is_near_the_forecast(null: Null, pair: Pair, alpha: float) -> None:
    rng = np.random.default_rng(1)
    found = events_to_prove(rng, null, [pair], alpha, runs=200, horizon=1e6)
    forecast = decisions_to_prove(null, pair.rate_a, pair.rate_b, pair.share_b, alpha)
    assert np.median(found) == pytest.approx(float(forecast[0]), rel=0.15, abs=100)


def test_blocks_that_grow_find_a_gap_as_soon_as_the_products() -> None:
    null, pair, rng = Null("difference", 0.05), Pair(0.41, 0.5, 0.3), np.random.default_rng(2)
    cells, first = Cells(200), np.full(200, np.inf)
    for i in range(1, 500):
        n_b = rng.binomial(100, pair.share_b, 200)
        k_a, k_b = rng.binomial(100 - n_b, pair.rate_a), rng.binomial(n_b, pair.rate_b)
        cells.update(100 - n_b, k_a, n_b, k_b)
        first[np.isinf(first) & (cells.peak >= 1000)] = 100 * i
    found = events_to_prove(rng, null, [pair], 0.001, runs=200, horizon=5e4)
    for part in (0.5, 0.8):
        ours, theirs = (np.quantile(x, part, method="higher") for x in (found, first))
        assert ours == pytest.approx(theirs, rel=0.15)


def test_larger_gaps_are_found_sooner_and_compliant_ones_never() -> None:
    rng, null = np.random.default_rng(3), Null("difference", 0.05)
    pairs = [Pair(0.5 - gap, 0.5, 0.2) for gap in (0.0, 0.1, 0.2, 0.3)]
    proved = events_to_prove(rng, null, pairs, 0.001, runs=100, horizon=30_000)
    noticed = events_to_notice(rng, null, pairs, 50_000, runs=50, horizon=20_000)
    for found in (proved, noticed):
        medians = np.quantile(found, 0.5, axis=1, method="higher")
        assert np.isinf(medians[0])
        assert (medians[1:-1] > medians[2:]).all()


def test_beyond_the_horizon_nothing_is_found() -> None:
    rng, pair = np.random.default_rng(4), Pair(0.1, 0.9, 0.5)
    assert np.isinf(events_to_prove(rng, Null("difference", 0.05), [pair], 1e-9, runs=5, horizon=50)).all()
