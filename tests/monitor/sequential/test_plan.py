"""Forecasts of how many decisions a proof takes, against simulation."""

import numpy as np
import pytest

from monitor.sequential.eprocess import Cells
from monitor.sequential.nulls import Null
from monitor.sequential.plan import decisions_left, decisions_to_prove
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
