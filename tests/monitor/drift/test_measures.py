"""What holds for every distance, whoever adds it: the checks find new files by themselves."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import drift
from monitor.drift import Measure
from monitor.panes import histogram
from monitor.panes.histogram import Histogram
from tests.monitor.drift.samples import Draw, populations

POPULATION = 2_000_000
QUALITY = {"missing", "missing_categories", "new_categories", "out_of_range", "type_changed", "volume"}
DISTANCES = sorted(set(drift.measures()) - QUALITY)
SYMMETRIC = sorted(
    set(DISTANCES) - {"kl", "psi", "hellinger", "jensen_shannon", "tvd"}
)  # cells are the baseline's
CASES = [
    pytest.param(drift.measures()[name], *draws, id=f"{name}-{population}")
    for name in DISTANCES
    for population, draws in populations(drift.measures()[name].kinds).items()
]

numbers = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=40).map(histogram.numeric)
names = st.lists(st.sampled_from("abcdef"), max_size=40).map(histogram.categorical)
histograms = numbers | names


def test_every_measure_is_found_by_its_file() -> None:
    assert set(drift.measures()) == QUALITY | {
        "anderson_darling",
        "chi2",
        "cramer_von_mises",
        "energy",
        "g_test",
        "hellinger",
        "jensen_shannon",
        "kl",
        "ks",
        "linf",
        "psi",
        "tvd",
        "wasserstein",
        "welch",
    }


@pytest.mark.parametrize("name", drift.measures())
@given(before=histograms, now=histograms)
@settings(max_examples=60)
def test_a_value_is_finite_or_none_and_so_are_its_limits(
    name: str, before: Histogram, now: Histogram
) -> None:
    measure = drift.measures()[name]
    value, limits = measure.distance(before, now), measure.interval(before, now)

    assert (value is None) == (limits is None)
    if value is not None and limits is not None:
        assert all(math.isfinite(number) for number in (value, *limits))
        assert 0 <= limits[0] <= limits[1]
        assert value >= 0


@pytest.mark.parametrize("name", sorted(set(drift.measures()) - {"volume", "missing"}))
def test_nothing_compares_with_an_empty_histogram(name: str) -> None:
    measure = drift.measures()[name]

    for full in (histogram.numeric([1, 2, 3]), histogram.categorical("abc")):
        assert measure.distance(Histogram(), full) is None
        assert measure.interval(full, Histogram()) is None


@pytest.mark.parametrize("name", DISTANCES)
def test_numbers_and_categories_do_not_compare(name: str) -> None:
    numeric, categorical = histogram.numeric([1, 2, 3]), histogram.categorical("abc")

    assert drift.measures()[name].distance(numeric, categorical) is None
    assert drift.measures()[name].distance(categorical, numeric) is None


@pytest.mark.parametrize(("measure", "before", "after"), CASES)
def test_a_histogram_is_at_distance_0_from_itself(measure: Measure, before: Draw, after: Draw) -> None:
    for draw in (before, after):
        found = draw(np.random.default_rng(1), 500)

        assert measure.distance(found, found) == pytest.approx(0, abs=1e-7)
        assert measure.interval(found, found)[0] == 0  # type: ignore[index]


@pytest.mark.parametrize(("measure", "before", "after"), CASES)
def test_a_drift_is_proved_with_enough_values(measure: Measure, before: Draw, after: Draw) -> None:
    rng = np.random.default_rng(2)

    assert measure.interval(before(rng, 2000), after(rng, 2000))[0] > 0  # type: ignore[index]


@pytest.mark.parametrize(("measure", "before", "after"), CASES)
@pytest.mark.parametrize(("n", "m"), [(40, 40), (1000, 60), (500, 500)])
def test_samples_of_one_population_are_not_called_drift(
    measure: Measure, before: Draw, after: Draw, n: int, m: int
) -> None:
    rng = np.random.default_rng(3)
    runs = 200
    called = sum(
        measure.interval(draw(rng, n), draw(rng, m), 0.05)[0] > 0  # type: ignore[call-arg]
        for draw in (before, after)
        for _ in range(runs // 2)
    )

    assert called / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize(("measure", "before", "after"), CASES)
def test_limits_hold_the_true_distance(measure: Measure, before: Draw, after: Draw) -> None:
    rng = np.random.default_rng(4)
    n, runs = 1000, 150
    truth = measure.distance(before(rng, POPULATION), after(rng, POPULATION))
    assert truth is not None
    if measure.name == "welch":  # t grows with the root of the sample
        truth *= math.sqrt(n / POPULATION)

    missed = 0
    for _ in range(runs):
        low, high = measure.interval(before(rng, n), after(rng, n), 0.05)  # type: ignore[call-arg,misc]
        missed += not low <= truth <= high

    assert missed / runs <= 0.10 + 3 * math.sqrt(0.1 * 0.9 / runs)


@pytest.mark.parametrize("name", SYMMETRIC)
@given(data=st.data())
@settings(max_examples=60)
def test_exchanging_the_samples_changes_nothing(name: str, data: st.DataObject) -> None:
    measure = drift.measures()[name]
    kind = numbers if "numeric" in measure.kinds else names
    first, second = data.draw(kind), data.draw(kind)
    there, back = measure.distance(first, second), measure.distance(second, first)

    assert there == (None if back is None else pytest.approx(back, rel=1e-9, abs=1e-12))
