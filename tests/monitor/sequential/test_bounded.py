"""Gaps of means of bounded numbers."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.sequential.bounded import Means

RUNS = 300


def values(seed: int, mean_a: float, mean_b: float, slices: int) -> Iterator[tuple[NDArray[np.float64], ...]]:
    """Scores from 300 to 850, beta distributed: 30 of a and 20 of b, (RUNS, 30) and (RUNS, 20), per slice."""
    rng = np.random.default_rng(seed)
    for _ in range(slices):
        shares = [((mean - 300) / 550, n) for mean, n in ((mean_a, 30), (mean_b, 20))]
        yield tuple(300 + 550 * rng.beta(3 * m, 3 * (1 - m), (RUNS, n)) for m, n in shares)


def sums(x: NDArray[np.float64]) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
    return x.shape[1], x.sum(axis=1), (x * x).sum(axis=1)


def fed(seed: int, mean_a: float, mean_b: float, slices: int) -> Means:
    means = Means(RUNS, limit=20.0, low=300, high=850)
    for a, b in values(seed, mean_a, mean_b, slices):
        means.update(sums(a), sums(b))
    return means


def test_a_gap_at_the_limit_is_rarely_called_out() -> None:
    assert (fed(30, 620, 600, 400).peak >= 20).mean() <= 0.05


def test_a_gap_beyond_the_limit_is_found_in_either_direction() -> None:
    assert (fed(31, 660, 600, 200).peak >= 20).mean() >= 0.95
    assert (fed(32, 600, 660, 200).peak >= 20).mean() >= 0.95


def test_the_interval_holds_the_gap_in_the_values_unit() -> None:
    means = fed(33, 630, 600, 400)
    low, high = means.interval(0.1)
    assert ((low <= 30) & (high >= 30)).mean() >= 0.9
    assert np.median(high - low) < 25
    assert not means.within(0.1).any()
    assert fed(34, 600, 600, 400).within(0.1).mean() > 0.9


def test_the_unit_does_not_matter() -> None:
    scores, shares = Means(RUNS, limit=55.0, low=300, high=850), Means(RUNS, limit=0.1, low=0, high=1)
    for a, b in values(35, 660, 600, 20):
        scores.update(sums(a), sums(b))
        shares.update(sums((a - 300) / 550), sums((b - 300) / 550))
    np.testing.assert_allclose(scores.log_e, shares.log_e, atol=1e-8)


def test_shards_of_rounded_values_merge_to_the_last_bit() -> None:
    whole, merged = Means(RUNS, limit=20.0, low=300, high=850), Means(RUNS, limit=20.0, low=300, high=850)
    for a, b in values(36, 650, 600, 20):
        a, b = np.round(a * 64) / 64, np.round(b * 64) / 64  # noqa: PLW2901
        whole.update(sums(a), sums(b))
        parts = [(sums(a[:, i::3]), sums(b[:, i::3])) for i in (2, 0, 1)]
        group_a, group_b = (
            tuple(sum(x) for x in zip(*group, strict=True)) for group in zip(*parts, strict=True)
        )
        merged.update(group_a, group_b)
    assert merged.to_bytes() == whole.to_bytes()


def test_constant_values_at_the_ends_are_no_trouble() -> None:
    means = Means(1, limit=0.0, low=0, high=1)
    for _ in range(50):
        means.update((50, 50.0, 50.0), (50, 0.0, 0.0))
    assert means.log_e[0] > 100
    assert means.interval(0.05)[0][0] > 0.9


@pytest.mark.parametrize(
    ("a", "message"),
    [
        ((2, 2.5, 2.0), "of group a in cell 0 = (2, 2.5, 2)"),
        ((2, -0.5, 0.5), "of group a in cell 0 = (2, -0.5, 0.5)"),
        ((2, 1.0, 0.1), "of group a in cell 0 = (2, 1, 0.1)"),
    ],
)
def test_impossible_sums_are_refused(a, message: str) -> None:
    expected = f"(n, sum, squares) {message}: allowed is that of values from 0 to 1"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        Means(1, limit=0.1, low=0, high=1).update(a, (1, 0.5, 0.25))


@pytest.mark.parametrize(
    ("limit", "low", "high", "message"),
    [
        (0.1, 1, 1, "low = 1, high = 1: two finite numbers with low < high are needed"),
        (0.1, 0, float("inf"), "low = 0, high = inf: two finite numbers with low < high are needed"),
        (2.0, 0, 1, "limit = 2.0: allowed is 0 <= limit < high - low = 1"),
    ],
)
def test_wrong_settings_are_refused(limit: float, low: float, high: float, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Means(1, limit, low, high)
