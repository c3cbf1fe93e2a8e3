"""Which measures are read of which streams, and what their limits prove."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import baseline, drift
from monitor.baseline import Baseline, Part
from monitor.config import Rule
from monitor.drift._reading import verdict
from monitor.panes import histogram
from monitor.panes.histogram import Histogram
from monitor.readings import Drift, Verdict

RNG = np.random.default_rng(9)
BEFORE = {
    "score": histogram.numeric(RNG.beta(2, 3, 1000)),
    "features.region": histogram.from_counts({"north": 600, "south": 400}),
    "volume": histogram.numeric(RNG.poisson(40, 48)),
}
SAME = {
    "score": histogram.numeric(RNG.beta(2, 3, 800)),
    "features.region": histogram.from_counts({"north": 480, "south": 320}),
    "volume": histogram.numeric(RNG.poisson(40, 48)),
}
MOVED = {
    "score": histogram.numeric(RNG.beta(4, 2, 800)),
    "features.region": histogram.from_counts({"north": 100, "south": 700}),
    "volume": histogram.numeric(RNG.poisson(12, 48)),
}


def known() -> Baseline:
    return baseline.of("credit", [Part(start=0, decisions=1000, streams=BEFORE)])


def read(current: dict[str, Histogram], *rules: Rule, streams: tuple[str, ...] = ("score",)) -> list[Drift]:
    return drift.read(known(), current, streams=streams, rules=rules, window="24h")


def only(current: dict[str, Histogram], rule: Rule, stream: str = "score") -> Drift:
    (found,) = (each for each in read(current, rule, streams=(stream,)) if each.measure == rule.metric)
    return found


def test_psi_and_ks_are_shown_without_being_asked_for() -> None:
    found = read(SAME, streams=("score", "features.region"))

    assert [(each.stream, each.measure, each.max, each.rule) for each in found] == [
        ("score", "psi", 0.2, None),
        ("score", "ks", None, None),
        ("features.region", "psi", 0.2, None),
    ]


def test_a_reading_carries_its_sample_sizes_and_window() -> None:
    found = read(SAME)[0]

    assert (found.n, found.baseline_n, found.window) == (800, 1000, "24h")
    assert found.value == drift.measures()["psi"].distance(BEFORE["score"], SAME["score"])


def test_no_drift_is_within_limits_and_drift_is_out_of_them() -> None:
    assert read(SAME)[0].verdict is Verdict.WITHIN
    assert read(MOVED)[0].verdict is Verdict.OUT
    assert read(MOVED, streams=("features.region",))[0].verdict is Verdict.OUT


def test_a_measure_without_a_limit_proves_nothing() -> None:
    assert read(MOVED)[1].verdict is Verdict.UNDECIDED


def test_noise_of_a_small_sample_is_not_called_drift() -> None:
    small = {"score": histogram.numeric(np.random.default_rng(4).beta(2, 3, 40))}
    found = read(small)[0]

    assert found.value is not None
    assert found.value > 0.2
    assert found.verdict is Verdict.UNDECIDED


def test_a_rule_replaces_the_default_of_its_measure() -> None:
    found = read(SAME, Rule(metric="ks", max=0.1, name="score drift"))

    assert [(each.measure, each.max, each.rule) for each in found] == [
        ("ks", 0.1, "score drift"),
        ("psi", 0.2, None),
    ]


def test_a_rule_without_a_stream_holds_for_all_that_its_measure_fits() -> None:
    rules = [Rule(metric="chi2", max=0.1, name="chi2"), Rule(metric="volume", max=0.5, name="volume")]
    found = read(MOVED, *rules, streams=tuple(BEFORE))

    assert [(each.stream, each.rule) for each in found if each.rule] == [
        ("features.region", "chi2"),
        ("volume", "volume"),
    ]
    assert all(each.verdict is Verdict.OUT for each in found if each.rule)


def test_volume_has_no_other_readings_by_itself() -> None:
    assert read(SAME, streams=("volume",)) == []
    assert only(SAME, Rule(metric="volume", max=0.5, stream="volume"), "volume").verdict is Verdict.WITHIN


def test_rules_of_other_windows_streams_and_metrics_are_passed_over() -> None:
    rules = (
        Rule(metric="psi", max=9, window="30d"),
        Rule(metric="psi", max=9, stream="features.age"),
        Rule(metric="selection_rate", max=9),
        Rule(metric="adwin", stream="score"),
    )

    assert read(SAME, *rules) == read(SAME)


def test_two_rules_for_one_measure_are_both_read() -> None:
    found = read(MOVED, Rule(metric="psi", max=0.1, name="watch"), Rule(metric="psi", max=20, name="act"))

    assert [(each.rule, each.verdict) for each in found if each.measure == "psi"] == [
        ("watch", Verdict.OUT),
        ("act", Verdict.WITHIN),
    ]


@pytest.mark.parametrize("stream", ["score", "features.unseen"])
def test_without_a_baseline_drift_is_undefined(stream: str) -> None:
    for before in (None, Baseline(model="credit", since=0, until=0, decisions=9)):
        found = drift.read(before, SAME, streams=[stream], rules=[], window="all")
        assert {(each.value, each.baseline_n, each.verdict) for each in found} == {
            (None, 0, Verdict.UNDEFINED)
        }


def test_a_stream_that_dries_up_is_undefined() -> None:
    found = read({})[0]

    assert (found.value, found.n, found.verdict) == (None, 0, Verdict.UNDEFINED)


def test_a_stream_that_is_missing_altogether_is_seen_by_its_missing_share() -> None:
    found = only({"score": Histogram(missing=500)}, Rule(metric="missing", max=0.05, stream="score"))

    assert (found.value, found.n, found.baseline_n, found.verdict) == (1, 500, 1000, Verdict.OUT)


def test_a_changed_type_is_undefined_for_distances_and_seen_by_its_own_measure() -> None:
    named = {"score": histogram.from_counts({"high": 400, "low": 400})}

    assert read(named)[0].verdict is Verdict.UNDEFINED
    assert only(named, Rule(metric="type_changed", max=0)).verdict is Verdict.OUT
    assert only(SAME, Rule(metric="type_changed", max=0)).verdict is Verdict.WITHIN


def test_below_the_minimum_sample_nothing_is_proved() -> None:
    assert only(MOVED, Rule(metric="psi", max=0.2, minimum_sample=801)).verdict is Verdict.UNDECIDED
    assert only(MOVED, Rule(metric="psi", max=0.2, minimum_sample=800)).verdict is Verdict.OUT


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_verdict_is_what_the_limits_prove(a: float, b: float, limit: float) -> None:
    low, high = sorted((a, b))
    found = verdict((low, high), Rule(metric="ks", max=limit), 1000)

    assert (found is Verdict.OUT) == (low > limit)
    assert (found is Verdict.WITHIN) == (high <= limit)
