"""Gaps of means of bounded numbers: since the start, and as changes."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.sequential.bounded import Gap, Means
from monitor.sequential.shifts import Shifts
from monitor.sequential.steps import STEPS, Sums, stepped, sums

RUNS = 300
LOW, HIGH = 300, 850
Values = NDArray[np.float64]


def values(seed: int, mean_a: float, mean_b: float, slices: int) -> Iterator[tuple[Values, Values]]:
    """Scores from 300 to 850, beta distributed: 30 of a and 20 of b, (RUNS, 30) and (RUNS, 20), per slice."""
    rng = np.random.default_rng(seed)
    for _ in range(slices):
        a, b = ((mean - LOW) / (HIGH - LOW) for mean in (mean_a, mean_b))
        yield tuple(
            LOW + (HIGH - LOW) * rng.beta(3 * m, 3 * (1 - m), (RUNS, n)) for m, n in ((a, 30), (b, 20))
        )


def summed(x: Values) -> Sums:
    return sums(x, LOW, HIGH)


def fed(seed: int, mean_a: float, mean_b: float, slices: int, kind: str = "difference") -> Means:
    means = Means(RUNS, kind, limit=20.0, low=LOW, high=HIGH)
    for a, b in values(seed, mean_a, mean_b, slices):
        means.update(summed(a), summed(b))
    return means


@pytest.mark.parametrize("kind", ["difference", "excess"])
def test_a_gap_at_the_limit_is_rarely_called_out(kind: str) -> None:
    assert (fed(30, 620, 600, 400, kind).peak >= 20).mean() <= 0.05


def test_the_worst_distributions_are_called_out_no_more_often() -> None:
    """Values at the bounds alone, whose spread is the widest, and rare ones far from all others."""
    rng = np.random.default_rng(40)
    for far, often in ((1.0, 0.5), (1.0, 0.01), (0.2, 0.3)):
        means = Means(RUNS, "difference", limit=0.1 * far * often, low=0, high=1)
        for _ in range(400):
            a, b = (far * (rng.random((RUNS, 25)) < chance) for chance in (1.1 * often, often))
            means.update(sums(a, 0, 1), sums(b, 0, 1))
        assert (means.peak >= 20).mean() <= 0.05


def test_a_gap_beyond_the_limit_is_found_in_either_direction() -> None:
    assert (fed(31, 660, 600, 200).peak >= 20).mean() >= 0.95
    assert (fed(32, 600, 660, 200).peak >= 20).mean() >= 0.95


def test_an_excess_is_of_one_side() -> None:
    assert (fed(31, 660, 600, 200, "excess").peak >= 20).mean() >= 0.95
    assert (fed(32, 600, 660, 200, "excess").peak < 2).all()


def test_the_interval_holds_the_gap_in_the_values_unit() -> None:
    means = fed(33, 630, 600, 400)
    low, high = means.interval(0.1)
    assert ((low <= 30) & (high >= 30)).mean() >= 0.9
    assert np.median(high - low) < 25
    assert not means.within(0.1).any()
    assert fed(34, 600, 600, 400).within(0.1).mean() > 0.9
    assert fed(34, 540, 600, 400, "excess").within(0.1).mean() > 0.9


def test_the_unit_does_not_matter() -> None:
    scores = Means(RUNS, "difference", limit=55.0, low=LOW, high=HIGH)
    shares = Means(RUNS, "difference", limit=0.1, low=0, high=1)
    for a, b in values(35, 660, 600, 20):
        scores.update(summed(a), summed(b))
        shares.update(*(sums((x - LOW) / (HIGH - LOW), 0, 1) for x in (a, b)))
    np.testing.assert_allclose(scores.log_e, shares.log_e, atol=1e-8)


def test_shards_merge_to_the_last_bit() -> None:
    whole, merged = (Means(RUNS, "difference", limit=20.0, low=LOW, high=HIGH) for _ in range(2))
    for a, b in values(36, 650, 600, 20):
        whole.update(summed(a), summed(b))
        parts = [(summed(a[:, i::3]), summed(b[:, i::3])) for i in (2, 0, 1)]
        merged.update(*(Sums(*map(sum, zip(*group, strict=True))) for group in zip(*parts, strict=True)))
    assert merged.to_bytes() == whole.to_bytes()


def test_constant_values_at_the_ends_are_no_trouble() -> None:
    means = Means(1, "difference", limit=0.0, low=0, high=1)
    for _ in range(50):
        means.update(sums([1] * 50, 0, 1), sums([0] * 50, 0, 1))
    assert means.log_e[0] > 100
    assert means.interval(0.05)[0][0] > 0.9


def test_a_block_without_one_of_the_groups_says_nothing() -> None:
    means, shifts = (Means(1, "excess", 0.0, 0, 1), Shifts(1, "excess", 0.0, low=0, high=1, threshold=2))
    for time in range(20):
        means.update(sums([1.0] * 250, 0, 1), Sums(0, 0, 0, 0))
        assert shifts.update(sums([1.0] * 250, 0, 1), Sums(0, 0, 0, 0), time=time) == []
    assert (means.e.tolist(), shifts.sr.tolist()) == ([1.0], [0.0])


def test_values_outside_count_as_the_nearest_bound_and_are_counted() -> None:
    means = Means(1, "difference", limit=0.1, low=0, high=1)
    means.update(sums([-5, 0.5, 7], 0, 1), sums([0.5, 2], 0, 1))
    means.update(sums([0.5] * 60, 0, 1), sums([0.5] * 59 + [9], 0, 1))
    assert means.outside.tolist() == [4]


@pytest.mark.parametrize("bound", [0.1, 0.3, 0.7, 1e6 / 3])
def test_a_value_as_it_is_kept_is_not_outside_the_bound_that_it_is(bound: float) -> None:
    kept = np.float32(bound).astype(float)
    assert not stepped([kept], 0, bound).outside.any()
    assert not stepped([kept], bound, 2 * bound).outside.any()
    assert stepped([kept * 1.001], 0, bound) == ([STEPS], [True])


@pytest.mark.parametrize(
    ("a", "shown"),
    [
        ((2, 2 * STEPS + 1, STEPS**2, 0), "(2, 131073, 4294967296, 0)"),
        ((2, -1, 1, 0), "(2, -1, 1, 0)"),
        ((2, STEPS, 1, 0), "(2, 65536, 1, 0)"),
        ((2, 1, STEPS**2, 0), "(2, 1, 4294967296, 0)"),
        ((2, 1, 1, 3), "(2, 1, 1, 3)"),
    ],
)
def test_impossible_sums_are_refused(a: tuple[int, ...], shown: str) -> None:
    expected = (
        f"(n, total, squares, outside) of group a in cell 0 = {shown}:"
        " allowed is that of values from 0 to 65536 steps"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        Means(1, "difference", limit=0.1, low=0, high=1).update(Sums(*a), Sums(1, 1, 1, 0))


def test_sums_of_fractions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^sums = float64 numbers: whole numbers are needed$"):
        Means(1, "difference", limit=0.1, low=0, high=1).update(Sums(1, 0.5, 0.25, 0), Sums(1, 1, 1, 0))


@pytest.mark.parametrize(
    ("kind", "limit", "low", "high", "message"),
    [
        ("difference", 0.1, 1, 1, "low = 1, high = 1: two finite numbers with low < high are needed"),
        ("difference", 0.1, 0, np.inf, "low = 0, high = inf: two finite numbers with low < high are needed"),
        ("difference", 2.0, 0, 1, "limit = 2.0: allowed is 0 <= limit < high - low = 1"),
        ("difference", -0.1, 0, 1, "limit = -0.1: allowed is 0 <= limit < high - low = 1"),
        ("excess", -1, 0, 1, "limit = -1: allowed is -1 < limit < high - low = 1"),
        ("ratio", 0.8, 0, 1, "kind = 'ratio': allowed are difference, excess"),
    ],
)
def test_wrong_settings_are_refused(kind: str, limit: float, low: float, high: float, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Gap(kind, limit, low, high)


# changes


def noticed(seed: int, mean_a: float, mean_b: float, after: float, threshold: float) -> tuple[Values, Values]:
    """When the first alarm came after a change of a's mean at slice 200, and the onset that it named; NaN if
    there was none. (RUNS,)."""
    shifts = Shifts(RUNS, "difference", 20.0, low=LOW, high=HIGH, threshold=threshold)
    found, onset = np.full(RUNS, np.nan), np.full(RUNS, np.nan)
    fair = values(seed, mean_a, mean_b, 200)
    unfair = values(seed + 1, after, mean_b, 200)
    for time, (a, b) in enumerate([*fair, *unfair]):
        for alarm in shifts.update(summed(a), summed(b), time=time):
            if np.isnan(found[alarm.cell]):
                found[alarm.cell], onset[alarm.cell] = time, alarm.onset
    return found, onset


def test_a_change_of_means_is_found_and_dated() -> None:
    found, onset = noticed(50, 600, 600, 680, threshold=1000)
    assert (found >= 200).mean() > 0.99
    assert np.median(found) <= 220
    assert np.median(np.abs(onset - 200)) <= 3


def test_at_the_limit_alarms_are_as_rare_as_the_threshold_says() -> None:
    """At most blocks / A in expectation: here 200 blocks in each of 300 streams, of A = 1,000."""
    shifts, alarms = Shifts(RUNS, "difference", 20.0, low=LOW, high=HIGH, threshold=1000), 0
    for time, (a, b) in enumerate(values(52, 620, 600, 400)):
        alarms += len(shifts.update(summed(a), summed(b), time=time))
    assert alarms <= RUNS * 200 / 1000


def test_the_expected_sum_is_at_most_the_number_of_blocks() -> None:
    """E[SR] after n blocks is at most n, here of 5,000 streams at the limit; no alarm takes any away."""
    rng, cells = np.random.default_rng(54), 5_000
    shifts = Shifts(cells, "excess", 0.1, low=0, high=1, threshold=1e9)
    for blocks in range(1, 21):
        a, b = ((rng.random((cells, 50)) < chance).astype(float) for chance in (0.5, 0.4))
        shifts.update(sums(a, 0, 1), sums(b, 0, 1), time=blocks)
        assert shifts.sr.mean() <= blocks * (1 + 4 * shifts.sr.std() / shifts.sr.mean() / np.sqrt(cells))


def test_a_restart_from_bytes_in_the_middle_of_a_block_changes_nothing() -> None:
    running, stored = (Shifts(RUNS, "excess", 0.0, low=LOW, high=HIGH, threshold=50) for _ in range(2))
    for time, (a, b) in enumerate(values(53, 620, 600, 30)):
        parts = (summed(a[:, :13]), summed(b[:, :7]))
        assert running.update(*parts, time=time) == stored.update(*parts, time=time)
        stored = Shifts.from_bytes(stored.to_bytes())
    assert stored.to_bytes() == running.to_bytes()
