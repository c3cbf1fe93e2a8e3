"""Data quality: missing values, ranges, categories and volume, and what chance does to them."""

import math
from types import ModuleType

import numpy as np
import pytest

from monitor.drift.quality import missing, missing_categories, new_categories, out_of_range, volume
from monitor.panes import histogram
from monitor.panes.histogram import Histogram

RUNS = 300
AT_MOST = 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)


def named(shares: np.ndarray, n: int, rng: np.random.Generator) -> Histogram:
    return histogram.from_counts({f"c{i:03}": int(k) for i, k in enumerate(rng.multinomial(n, shares))})


def low(module: ModuleType, baseline: Histogram, current: Histogram) -> float:
    limits = module.interval(baseline, current, 0.05)
    assert limits is not None
    return float(limits[0])


def test_the_missing_share_may_rise_or_fall() -> None:
    some, many = histogram.numeric([1] * 95, missing=5), histogram.numeric([1] * 60, missing=40)

    assert missing.distance(some, many) == missing.distance(many, some) == pytest.approx(0.35)
    assert low(missing, some, many) > 0.2


def test_a_value_that_was_never_missing_needs_some_missing_to_prove_it() -> None:
    full = histogram.numeric([1] * 1000)

    assert low(missing, full, histogram.numeric([1] * 99, missing=1)) < 0.01
    assert low(missing, full, histogram.numeric([1] * 80, missing=20)) > 0.1


def test_missing_shares_of_one_population_are_not_called_drift() -> None:
    rng = np.random.default_rng(10)
    draws = [
        [
            histogram.numeric([1] * (n - k), missing=k)
            for n, k in ((n, int(rng.binomial(n, 0.1))) for n in (500, 80))
        ]
        for _ in range(RUNS)
    ]

    # The absolute value adds both sides' errors.
    assert sum(low(missing, a, b) > 0 for a, b in draws) / RUNS <= 2 * AT_MOST


def test_values_beyond_both_ends_of_the_baseline_count() -> None:
    baseline, current = histogram.numeric(range(18, 60)), histogram.numeric([-3, 20, 59, 60])

    assert out_of_range.distance(baseline, current) == 0.5


def test_the_range_of_one_population_is_not_called_drift() -> None:
    rng = np.random.default_rng(11)
    called = sum(
        low(out_of_range, histogram.numeric(rng.normal(size=200)), histogram.numeric(rng.normal(size=2000)))
        > 0
        for _ in range(RUNS)
    )

    assert called / RUNS <= AT_MOST


def test_a_new_range_is_proved() -> None:
    rng = np.random.default_rng(12)
    wider = histogram.numeric(rng.normal(size=2000) * 3)

    assert low(out_of_range, histogram.numeric(rng.normal(size=1000)), wider) > 0.1


@pytest.mark.parametrize("measure", [new_categories, missing_categories])
def test_rare_categories_of_one_population_are_not_called_drift(measure: ModuleType) -> None:
    rng = np.random.default_rng(13)
    shares = 1 / np.arange(1, 201)
    shares /= shares.sum()
    called = sum(low(measure, named(shares, 500, rng), named(shares, 800, rng)) > 0 for _ in range(RUNS))

    assert called / RUNS <= AT_MOST


def test_a_new_category_is_proved_and_a_lost_one_too() -> None:
    old, new = histogram.from_counts({"a": 500, "b": 500}), histogram.from_counts({"a": 450, "c": 50})

    assert new_categories.distance(old, new) == 0.1
    assert missing_categories.distance(old, new) == 0.5
    assert low(new_categories, old, new) > 0.05
    assert low(missing_categories, old, new) > 0.4


def test_volume_counts_empty_slices_between_as_zeros() -> None:
    assert histogram.slices({120: 7, 0: 5, 300: 9}, 60) == histogram.numeric([0, 0, 0, 5, 7, 9])
    assert histogram.slices({}, 60) == Histogram()


@pytest.mark.parametrize(("now", "change"), [(40, 0.0), (20, 0.5), (0, 1.0), (60, 0.5)])
def test_volume_is_the_relative_change_of_the_mean(now: int, change: float) -> None:
    found = volume.distance(histogram.numeric([40] * 24), histogram.numeric([now] * 24))

    assert found == pytest.approx(change)


def test_volume_of_one_population_is_not_called_drift() -> None:
    rng = np.random.default_rng(14)
    called = sum(
        low(volume, histogram.numeric(rng.poisson(30, 48)), histogram.numeric(rng.poisson(30, 24))) > 0
        for _ in range(RUNS)
    )

    assert called / RUNS <= 2 * AT_MOST


def test_a_dried_up_stream_of_decisions_is_proved() -> None:
    assert low(volume, histogram.numeric([30] * 48), histogram.numeric([0] * 24)) > 0.9


def test_volume_against_a_baseline_without_decisions_is_undefined() -> None:
    assert volume.distance(histogram.numeric([0, 0]), histogram.numeric([5])) is None
    assert volume.interval(histogram.numeric([0, 0]), histogram.numeric([5])) is None
