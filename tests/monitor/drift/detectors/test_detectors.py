"""What holds for every detector: exact counts in, the same changes out, few of them where nothing changes."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift.detectors import Detector, Kept, Slice, names, spread
from monitor.drift.detectors._adapter import LARGEST_SLICE, MOST

QUICK = sorted(set(names()) - {"kswin"})  # it tests at every value, and small windows see large changes only
RISING_ONLY = {"ddm", "eddm", "fhddm"}
INSENSITIVE = {"eddm", "hddm_w"}  # evenly spread ones hide what they look at


class Recorder:
    """An algorithm that remembers what it was fed."""

    def __init__(self) -> None:
        self.drift_detected = False
        self.fed: list[int] = []

    def update(self, x: int) -> None:
        self.fed.append(x)


def stream(seed: int, *rates: float, slices: int = 100, n: int = 100) -> list[Slice]:
    """So many slices of each of the rates, one after the other."""
    rng = np.random.default_rng(seed)
    ones = [int(rng.binomial(n, rate)) for rate in rates for _ in range(slices)]
    return [Slice(60_000 * index, n, k) for index, k in enumerate(ones)]


def fed(*slices: Slice) -> list[int]:
    recorder = Recorder()
    Detector("adwin", recorder).replay(slices)
    return recorder.fed


def test_every_detector_is_found_by_its_file() -> None:
    assert names() == (
        "adwin",
        "cusum",
        "ddm",
        "eddm",
        "ewma",
        "fhddm",
        "hddm_a",
        "hddm_w",
        "kswin",
        "page_hinkley",
    )


def test_an_unknown_detector_is_refused_with_those_allowed() -> None:
    with pytest.raises(ValueError, match=r"'adwn' is not allowed; allowed: adwin, cusum"):
        Detector("adwn")


@given(st.integers(0, 500), st.data())
def test_ones_are_spread_exactly_and_evenly(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    values = np.fromiter(spread(n, k), int)
    totals = np.cumsum(values)

    assert (len(values), values.sum()) == (n, k)
    assert set(values) <= {0, 1}
    assert (np.abs(totals - k * np.arange(1, n + 1) / max(n, 1)) <= 0.5 + 1e-9).all()


@given(st.lists(st.integers(0, LARGEST_SLICE).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))))
def test_slices_are_fed_with_their_exact_counts(counts: list[tuple[int, int]]) -> None:
    found = fed(*(Slice(start, n, k) for start, (n, k) in enumerate(counts)))

    assert (len(found), sum(found)) == (sum(n for n, _ in counts), sum(k for _, k in counts))


@given(st.lists(st.integers(0, 50_000), min_size=1, max_size=30))
def test_large_slices_are_scaled_down_without_losing_the_rate(ones: list[int]) -> None:
    found = fed(*(Slice(start, 50_000, k) for start, k in enumerate(ones)))

    assert len(found) == LARGEST_SLICE * len(ones)
    assert abs(sum(found) - LARGEST_SLICE * sum(ones) / 50_000) <= 0.5 + 1e-6


def test_rare_ones_of_large_slices_are_fed_in_the_long_run() -> None:
    found = fed(*(Slice(start, 10_000, 5) for start in range(100)))

    assert sum(found) == round(100 * 5 * LARGEST_SLICE / 10_000)


def test_n_counts_all_values_of_large_slices_too() -> None:
    detector = Detector("adwin")
    detector.replay([Slice(0, 10, 1), Slice(1, 100_000, 3), Slice(2, 0, 0)])

    assert detector.n == 100_010


def test_a_detector_without_changes_has_no_last_one() -> None:
    assert Detector("adwin").last_change_at is None


@pytest.mark.parametrize("name", sorted(set(QUICK) - INSENSITIVE))
def test_a_rise_is_found_and_dated(name: str) -> None:
    detector = Detector(name)
    detector.replay(stream(1, 0.2, 0.6))
    found = [at for at in detector.changes if at >= 100 * 60_000]

    assert found
    assert found[0] <= 115 * 60_000


@pytest.mark.parametrize("name", sorted(set(QUICK) - INSENSITIVE - RISING_ONLY))
def test_a_fall_is_found_and_dated(name: str) -> None:
    detector = Detector(name)
    detector.replay(stream(2, 0.6, 0.2))
    found = [at for at in detector.changes if at >= 100 * 60_000]

    assert found
    assert found[0] <= 115 * 60_000


def test_kswin_finds_what_no_one_could_miss() -> None:
    detector = Detector("kswin")
    detector.replay(stream(3, 0.05, 0.95, slices=4))

    assert detector.changes == [4 * 60_000]


@pytest.mark.parametrize("name", ["hddm_w", "eddm"])
def test_the_insensitive_find_a_rise_in_the_raw_stream(name: str) -> None:
    rng = np.random.default_rng(4)
    detector = Detector(name)
    for index, value in enumerate([*rng.binomial(1, 0.2, 2000), *rng.binomial(1, 0.7, 2000)]):
        detector.update([int(value)], index)

    assert any(2000 <= at <= 2500 for at in detector.changes)


@pytest.mark.parametrize("name", QUICK)
def test_a_steady_rate_gives_few_changes(name: str) -> None:
    found = [Detector(name) for _ in range(3)]
    for seed, detector in enumerate(found):
        detector.replay(stream(seed, 0.3, slices=200))

    assert sum(len(detector.changes) for detector in found) <= (12 if name == "page_hinkley" else 2)


@pytest.mark.parametrize("name", names())
def test_a_replay_gives_the_same_in_any_number_of_pieces(name: str) -> None:
    slices = stream(5, 0.1, 0.9, 0.2, slices=4, n=60)
    at_once, bit_by_bit = Detector(name), Detector(name)
    at_once.replay(slices)
    for each in slices:
        bit_by_bit.replay([each])

    assert at_once.changes == bit_by_bit.changes
    assert at_once.n == bit_by_bit.n == 720


@pytest.mark.parametrize("name", names())
def test_a_detector_that_was_kept_goes_on_as_if_nothing_had_been(name: str) -> None:
    """At any point of a stream with changes, and through the bytes that a record is made of."""
    slices = stream(3, 0.2, 0.6, 0.1, slices=4 if name == "kswin" else 40, n=50)
    kept, whole = Detector(name), Detector(name)
    for each in slices:
        kept.replay([each])
        whole.replay([each])
        kept = Detector.of(msgspec.msgpack.decode(msgspec.msgpack.encode(kept.keep()), type=Kept))
        assert (kept.changes, kept.n, kept.keep()) == (whole.changes, whole.n, whole.keep())


def test_only_the_newest_changes_are_remembered() -> None:
    class Nervous(Recorder):
        def update(self, x: int) -> None:
            self.drift_detected = x == 1

    detector = Detector("adwin", Nervous())
    detector.replay(Slice(start, 1, 1) for start in range(MOST + 5))

    assert detector.changes == list(range(5, MOST + 5))
