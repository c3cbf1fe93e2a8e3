"""Means of logarithms, where ordinary ones would overflow."""

import numpy as np
import pytest

from monitor.sequential.logs import exp, log_mean_exp


@pytest.mark.parametrize("shift", [0.0, 5_000.0, -5_000.0])
def test_the_mean_is_right_at_any_scale(shift: float) -> None:
    x = np.log([[1.0], [2.0], [6.0]]) + shift
    assert log_mean_exp(x) == pytest.approx([np.log(3) + shift])


def test_nothing_at_all_has_the_mean_nothing() -> None:
    assert log_mean_exp(np.full((2, 4, 3), -np.inf)).tolist() == [-np.inf] * 3


def test_of_no_cells_there_are_no_means() -> None:
    assert log_mean_exp(np.zeros((2, 4, 0))).tolist() == []


def test_the_last_bit_does_not_depend_on_the_number_of_cells() -> None:
    x = np.random.default_rng(1).normal(0, 30, (4, 2, 500))
    alone = [log_mean_exp(x[..., i : i + 1])[0] for i in range(500)]
    assert log_mean_exp(x).tolist() == alone


def test_large_numbers_stay_finite() -> None:
    assert np.isfinite(exp(np.array([1e6])))
    assert exp(np.array([-np.inf, 0.0])).tolist() == [0, 1]
