"""Forecasts of how many decisions a proof takes, against simulation."""

import numpy as np
import pytest

from monitor.sequential.bounded import Gap, Means
from monitor.sequential.eprocess import Cells
from monitor.sequential.nulls import Null
from monitor.sequential.plan import decisions_left, decisions_to_prove, values_to_prove
from monitor.sequential.steps import sums
from tests.monitor.sequential.streams import counts


def simulated(null: Null, p_a: float, p_b: float, share: float, alpha: float) -> float:
    cells = Cells(200, null.kind, null.limit)
    first = np.full(200, np.inf)
    for i, slice_ in enumerate(counts(50, 200, 400, share=share, p_a=p_a, p_b=p_b)):
        cells.update(*slice_)
        first[np.isinf(first) & (cells.peak >= 1 / alpha)] = 50 * (i + 1)
    return float(np.median(first))


@pytest.mark.parametrize(
    ("null", "p_a", "p_b", "share", "alpha"),
    [
        (Null("difference", 0.02), 0.4, 0.3, 0.1, 0.05),
        (Null("difference", 0.05), 0.3, 0.5, 0.5, 0.0005),
        (Null("excess", 0.0), 0.15, 0.05, 0.3, 0.01),
        (Null("ratio", 0.8), 0.3, 0.5, 0.3, 0.05),
    ],
)
def test_the_forecast_is_near_the_simulated_median(null, p_a, p_b, share, alpha) -> None:
    forecast = decisions_to_prove(null, p_a, p_b, share, alpha)
    assert forecast == pytest.approx([simulated(null, p_a, p_b, share, alpha)], rel=0.25, abs=100)


def test_what_complies_can_never_be_proved_out() -> None:
    assert decisions_to_prove(Null("difference", 0.1), 0.35, 0.3, [0.5, 0.1], 0.05).tolist() == [
        np.inf,
        np.inf,
    ]


def test_a_smaller_share_and_a_smaller_alpha_take_longer() -> None:
    null = Null("difference", 0.05)
    few = decisions_to_prove(null, 0.5, 0.3, [0.5, 0.1, 0.01], 0.05)
    assert (np.diff(few) > 0).all()
    assert (decisions_to_prove(null, 0.5, 0.3, [0.5, 0.1, 0.01], 0.0001) > few).all()


def test_what_is_left_shrinks_to_nothing_as_evidence_comes() -> None:
    cells, left = Cells(3, limit=0.05), []
    for i in range(150):
        if i % 10 == 0:
            left.append(decisions_left(cells, 0.05))
        cells.update([50, 50, 0], [30, 20, 0], [50, 50, 0], [15, 20, 0])
    out, kept, never = np.transpose(left)
    assert np.isinf(never).all()
    for path in (out, kept):
        assert np.isinf(path[0])  # nothing is known at first
        assert (np.diff(path[1:]) <= 1e-6).all()
        assert path[-1] == 0
    assert cells.peak[0] > 20
    assert cells.within(0.05)[1]


# means


@pytest.mark.parametrize(
    ("kind", "limit", "difference", "share"),
    [("difference", 2.0, 12.0, 0.5), ("excess", 0.0, 20.0, 0.1), ("difference", 5.0, 40.0, 0.3)],
)
def test_the_forecast_of_means_is_near_the_simulated_median(kind, limit, difference, share) -> None:
    """Values from 0 to 100 with a standard deviation of 20, uniform."""
    rng, first, b = np.random.default_rng(60), np.full(100, np.inf), round(50 * share)
    means, half = Means(100, kind, limit, 0, 100), 20 * np.sqrt(3)
    for i in range(300):
        above, below = (
            rng.uniform(c - half, c + half, (100, n)) for c, n in ((35 + difference, 50 - b), (35, b))
        )
        means.update(sums(above, 0, 100), sums(below, 0, 100))
        first[np.isinf(first) & (means.peak >= 1000)] = 50 * (i + 1)
    forecast = values_to_prove(means.null, difference, 20, share, 0.001)
    assert forecast == pytest.approx(np.median(first), rel=0.25, abs=150)


def test_compliant_means_and_rare_groups_take_for_ever() -> None:
    gap = Gap("excess", 0.1, 0, 1)
    assert values_to_prove(gap, 0.1, 0.2, 0.5, 0.05) == np.inf
    assert values_to_prove(gap, -0.5, 0.2, 0.5, 0.05) == np.inf
    assert values_to_prove(gap, 0.2, 0.2, 0.5, 0.05) < values_to_prove(gap, 0.2, 0.2, 0.05, 0.05)


def test_what_is_left_of_means_shrinks_to_nothing_as_evidence_comes() -> None:
    means, left = Means(3, "difference", 0.05, 0, 1), []
    rows = np.array([[0.5, 0.7] * 25, [0.4, 0.6] * 25, [0.4, 0.6] * 25])
    for i in range(100):
        if i % 10 == 0:
            left.append(decisions_left(means, 0.05))
        a, b = sums(rows, 0, 1), sums(rows[[1, 1, 1]], 0, 1)
        n = np.array([50, 50, 0])
        means.update(*(each._replace(n=n, **_only(each, n > 0)) for each in (a, b)))
    out, kept, never = np.transpose(left)
    assert np.isinf(never).all()
    for path in (out, kept):
        assert np.isinf(path[0])  # nothing is known at first
        assert (np.diff(path[1:]) <= 1e-6).all()
        assert path[-1] == 0
    assert means.peak[0] > 20
    assert means.within(0.05)[1]


def _only(found, there):
    return {name: np.where(there, getattr(found, name), 0) for name in ("total", "squares", "outside")}
