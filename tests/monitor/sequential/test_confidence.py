"""Confidence sequences: right at all times, and no wider than they must be."""

import numpy as np
import pytest

from monitor.sequential.confidence import difference_bounds, increments, log_evidence, ratio_bounds
from monitor.sequential.eprocess import Cells
from tests.monitor.sequential.streams import counts

ALPHA = 0.1
RUNS = 400


def ever_wrong(cells: Cells, slices, truth: float) -> float:
    """The share of cells whose interval ever missed ``truth``, looked at after every tenth slice."""
    missed = np.zeros(len(cells), bool)
    for i, slice_ in enumerate(slices):
        cells.update(*slice_)
        if i % 10 == 9:
            low, high = cells.interval(ALPHA)
            missed |= (truth < low) | (truth > high)
    return float(missed.mean())


@pytest.mark.parametrize(("share", "p_a", "p_b"), [(0.5, 0.4, 0.3), (0.1, 0.3, 0.3), (0.3, 0.02, 0.03)])
def test_the_difference_is_missed_at_most_as_often_as_stated(share: float, p_a: float, p_b: float) -> None:
    slices = counts(20, RUNS, 300, share=share, p_a=p_a, p_b=p_b)
    assert ever_wrong(Cells(RUNS), slices, p_a - p_b) <= ALPHA


@pytest.mark.parametrize(("share", "p_a", "p_b"), [(0.5, 0.24, 0.3), (0.1, 0.6, 0.2)])
def test_the_ratio_is_missed_at_most_as_often_as_stated(share: float, p_a: float, p_b: float) -> None:
    slices = counts(21, RUNS, 300, share=share, p_a=p_a, p_b=p_b)
    assert ever_wrong(Cells(RUNS, "ratio", 0.8), slices, p_a / p_b) <= ALPHA


def test_base_rates_and_mix_may_drift_together() -> None:
    wave = np.sin(np.linspace(0, 6, 400)) ** 2
    slices = counts(22, RUNS, 400, share=0.2 + 0.6 * wave, p_a=0.2 + 0.4 * wave + 0.05, p_b=0.2 + 0.4 * wave)
    assert ever_wrong(Cells(RUNS), slices, 0.05) <= ALPHA


def test_the_width_is_less_than_twice_that_of_one_look() -> None:
    cells = Cells(RUNS)
    for slice_ in counts(23, RUNS, 600, share=0.5, p_a=0.4, p_b=0.3):
        cells.update(*slice_)
    low, high = cells.interval(0.05)
    pointwise = 1.96 * np.sqrt((0.4 * 0.6 + 0.3 * 0.7) / 15_000)
    assert np.median(high - low) / 2 < 1.95 * pointwise
    assert (np.abs((low + high) / 2 - 0.1) < 0.03).all()


def test_before_any_event_nothing_is_known() -> None:
    low, high = Cells(1).interval(0.05)
    assert (low[0], high[0]) == (-1, 1)
    low, high = Cells(1, "ratio", 0.8).interval(0.05)
    assert (low[0], high[0]) == (0, np.inf)


def test_groups_that_change_places_change_the_sign() -> None:
    one, two = Cells(1), Cells(1)
    for n_a, k_a, n_b, k_b in counts(24, 1, 100, share=0.3, p_a=0.5, p_b=0.4):
        one.update(n_a, k_a, n_b, k_b)
        two.update(n_b, k_b, n_a, k_a)
    low, high = one.interval(0.05)
    np.testing.assert_allclose(two.interval(0.05), (-high, -low), atol=1e-9)


def test_a_ratios_bounds_are_inverse_when_groups_change_places() -> None:
    one, two = Cells(1, "ratio", 0.8), Cells(1, "ratio", 0.8)
    for n_a, k_a, n_b, k_b in counts(25, 1, 200, share=0.4, p_a=0.2, p_b=0.5):
        one.update(n_a, k_a, n_b, k_b)
        two.update(n_b, k_b, n_a, k_a)
    low, high = one.interval(0.05)
    np.testing.assert_allclose(two.interval(0.05), (1 / high, 1 / low), rtol=1e-9)


def test_bounds_are_where_the_evidence_reaches_the_level() -> None:
    past = np.zeros((4, 1))
    sums = increments(np.array([[400], [200], [300], [90]]), past)
    low, high = difference_bounds(sums, 0.05)
    weight, a, b, var_a, var_b = sums
    for evidence in (a - b - weight * low, weight * high - (a - b)):
        assert log_evidence(evidence, var_a + var_b) == pytest.approx([np.log(40)], abs=1e-6)
    low, _ = ratio_bounds(sums, 0.05)
    evidence = log_evidence(a - low * b, var_a + low**2 * var_b, np.maximum(low, 1))
    assert evidence == pytest.approx([np.log(40)], abs=1e-6)


def test_expected_evidence_of_one_event_is_at_most_one() -> None:
    """The inequality that all rests on, for both outcomes of an event, any guess, weight and rate."""
    p, guess, weight = np.meshgrid(np.linspace(0, 1, 101), np.linspace(0, 1, 21), [0.1, 0.5, 1.0, 3.0])
    p, guess, weight = p.ravel(), guess.ravel(), weight.ravel()
    largest = np.maximum(weight, 1)
    hit, miss = (
        np.exp(log_evidence(weight * (x - p), weight**2 * (x - guess) ** 2, largest)) for x in (1.0, 0.0)
    )
    assert (p * hit + (1 - p) * miss).max() <= 1 + 1e-12
