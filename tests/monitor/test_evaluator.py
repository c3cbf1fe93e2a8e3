"""From panes to readings: windows and the clock, silence, drift from the first decisions, detectors."""

import numpy as np
import pytest
from msgspec.structs import replace

from monitor.config import Model, Rule
from monitor.events import Decision, Feedback
from monitor.monitor import Monitor
from monitor.readings import Drift, Reading, Verdict

DAY = 86_400
MODEL = Model(
    positive=["yes"],
    attributes=["sex"],
    reference={"sex": "M"},
    windows=["1d", "all"],
    baseline=100,
    features=["income"],
    rules=[
        Rule(metric="selection_rate", min=-0.5, max=0.5, test="threshold"),
        Rule(metric="psi", stream="score", max=0.2),
    ],
)


def decision(number: int, time: float, **fields: object) -> Decision:
    said = {"decision": ["yes", "no"][number % 2], "score": 0.5, "attributes": {"sex": "FM"[number // 2 % 2]}}
    return Decision(id=f"d{number}", model="loans", time=time, **(said | fields))  # type: ignore[arg-type]


def drift(reading: Reading, measure: str, stream: str) -> Drift:
    (found,) = [d for d in reading.drift if (d.measure, d.stream) == (measure, stream)]
    return found


def test_a_window_slides_with_the_clock() -> None:
    monitor = Monitor("loans", MODEL)
    monitor.observe([decision(n, n * DAY / 24) for n in range(96)])  # one an hour, four days
    seen = {}
    for hour in (24, 36, 95, 200):
        day, whole = monitor.advance(hour * 3600 + 1800)
        seen[hour] = day.decisions, whole.decisions
    assert seen == {24: (95, 96), 36: (83, 96), 95: (24, 96), 200: (0, 96)}


def test_readings_follow_the_configured_order() -> None:
    assert [r.window for r in Monitor("loans", MODEL).advance(DAY)] == ["1d", "all"]


def test_at_a_glance_windows_end_with_the_newest_decision_and_nothing_is_decided_or_fed() -> None:
    monitor, same = Monitor("loans", MODEL), Monitor("loans", MODEL)
    for each in (monitor, same):
        each.observe([decision(n, n * DAY / 24) for n in range(96)])
    day, whole = monitor._evaluator.glance()
    assert (day.decisions, whole.decisions, whole.as_of) == (24, 96, 342_000_000)
    assert {c.verdict for c in whole.attributes["sex"].comparisons} <= {Verdict.UNDECIDED, Verdict.UNDEFINED}
    found = same.advance(4 * DAY)
    assert Verdict.WITHIN in {c.verdict for c in found[1].attributes["sex"].comparisons if c.rule}
    assert monitor.advance(4 * DAY) == found


def test_at_a_glance_there_may_be_nothing() -> None:
    assert [r.decisions for r in Monitor("loans", MODEL)._evaluator.glance()] == [0, 0]


def test_silence_makes_every_verdict_stale_and_no_number() -> None:
    monitor = Monitor("loans", MODEL)
    monitor.observe([decision(n, n * 60.0) for n in range(400)])
    fresh, stale = (monitor._evaluator.read(DAY * 1000, silent)[1] for silent in (False, True))
    assert {c.verdict for c in stale.attributes["sex"].comparisons} == {Verdict.STALE}
    assert {d.verdict for d in stale.drift} == {Verdict.STALE}
    assert stale.attributes["sex"].groups == fresh.attributes["sex"].groups
    assert Verdict.STALE not in {c.verdict for c in fresh.attributes["sex"].comparisons}


def test_drift_is_measured_against_the_first_decisions() -> None:
    monitor, chance = Monitor("loans", MODEL), np.random.default_rng(1)
    old = chance.normal(0, 1, 500)
    monitor.observe([decision(n, n * 600.0, score=float(score)) for n, score in enumerate(old)])
    before = drift(monitor.advance(4.0 * DAY)[1], "psi", "score")
    new = chance.normal(3, 1, 2000)
    monitor.observe(
        [decision(1000 + n, 4 * DAY + n * 60.0, score=float(score)) for n, score in enumerate(new)]
    )
    after = drift(monitor.advance(6.0 * DAY)[1], "psi", "score")
    assert before.verdict is not Verdict.OUT
    assert (after.verdict, after.baseline_n) == (Verdict.OUT, before.baseline_n)
    assert before.baseline_n >= MODEL.baseline


def test_before_there_is_a_baseline_drift_is_undefined() -> None:
    monitor = Monitor("loans", MODEL)
    monitor.observe([decision(n, float(n)) for n in range(50)])
    found = drift(monitor.advance(3.0 * DAY)[1], "psi", "score")
    assert (found.value, found.verdict) == (None, Verdict.UNDEFINED)


def outcome(number: int, time: float, right: bool) -> Feedback:
    return Feedback(decision_id=f"d{number}", time=time, outcome=(number % 2 == 0) is right)


def erring(monitor: Monitor, numbers: range, right: bool) -> None:
    """Decisions with outcomes that prove them right or wrong, one a minute."""
    monitor.observe([decision(n, n * 60.0) for n in numbers])
    monitor.learn([outcome(n, n * 60.0 + 1, right) for n in numbers])


def test_detectors_see_each_finished_slice_once() -> None:
    monitor = Monitor("loans", MODEL)
    erring(monitor, range(2_000), right=True)
    calm = drift(monitor.advance(2_000 * 60.0)[1], "adwin", "error")
    erring(monitor, range(2_000, 4_000), right=False)
    for _ in range(3):
        changed = drift(monitor.advance(4_000 * 60.0)[1], "adwin", "error")
    assert (calm.value, changed.value) == (0, 1)
    assert changed.n == 66 * 60  # the hour that the clock is in is not finished
    assert changed.at is not None
    assert 1_900 * 60 < changed.at / 1000 < 2_500 * 60


@pytest.mark.parametrize("steps", [1, 7])
def test_the_steps_of_the_clock_do_not_matter_to_detectors(steps: int) -> None:
    monitor = Monitor("loans", MODEL)
    erring(monitor, range(2_000), right=True)
    erring(monitor, range(2_000, 4_000), right=False)
    for clock in np.linspace(0, 4_000 * 60.0, steps + 1)[1:].tolist():
        readings = monitor.advance(clock)
    found = drift(readings[1], "adwin", "error")
    whole = Monitor("loans", MODEL)
    erring(whole, range(2_000), right=True)
    erring(whole, range(2_000, 4_000), right=False)
    assert found == drift(whole.advance(4_000 * 60.0)[1], "adwin", "error")


def test_streams_are_in_the_order_of_their_names() -> None:
    monitor = Monitor("loans", MODEL)
    erring(monitor, range(200), right=True)
    streams = [d.stream for d in monitor.advance(5.0 * DAY)[1].drift if d.measure == "adwin"]
    assert streams == sorted(streams)
    assert {"error", "selection", "selection.sex.F", "selection.sex.M"} <= set(streams)


VOLUME = replace(MODEL, rules=[Rule(metric="volume", max=0.6, window="1d", minimum_sample=10)], baseline=160)


def volume(monitor: Monitor, hour: float) -> Drift:
    return drift(monitor.advance(hour * 3600)[0], "volume", "volume")


def test_volume_is_decisions_a_finished_slice() -> None:
    monitor = Monitor("loans", VOLUME)
    monitor.observe([decision(n, n * 900.0) for n in range(4 * 72)])  # four an hour, three days
    steady = volume(monitor, 71.5)
    assert (steady.value, steady.n, steady.verdict) == (0, 23, Verdict.WITHIN)  # of a day; the last goes on
    assert steady.baseline_n == 40  # hours


def test_silence_is_volume_too() -> None:
    monitor = Monitor("loans", VOLUME)
    monitor.observe([decision(n, n * 900.0) for n in range(4 * 72)])
    half, none = volume(monitor, 84.5), volume(monitor, 150)
    assert half.value == pytest.approx(0.5, abs=0.05)
    assert (none.value, none.verdict) == (1, Verdict.OUT)


def test_before_the_first_decision_there_was_no_volume_to_miss() -> None:
    monitor = Monitor("loans", replace(VOLUME, baseline=40))
    monitor.observe([decision(n, 36_000 + n * 900.0) for n in range(4 * 13)])
    assert (volume(monitor, 23.5).value, volume(monitor, 23.5).n) == (0, 13)


def test_volume_of_slices_of_another_width_is_not_compared() -> None:
    made = Monitor("loans", VOLUME)
    made.observe([decision(n, n * 900.0) for n in range(4 * 72)])
    made.advance(72 * 3600)
    before = made._evaluator.baseline
    assert before is not None
    for model, verdict in (
        (VOLUME, Verdict.WITHIN),
        (replace(VOLUME, windows=["1d", "1h"]), Verdict.UNDEFINED),
    ):
        monitor = Monitor("loans", model, before)
        monitor.observe([decision(n, n * 900.0) for n in range(4 * 72)])
        assert volume(monitor, 71.5).verdict is verdict


def test_without_a_rule_there_is_no_volume() -> None:
    monitor = Monitor("loans", MODEL)
    monitor.observe([decision(n, n * 600.0) for n in range(500)])
    assert "volume" not in {d.stream for d in monitor.advance(4.0 * DAY)[1].drift}


def test_drift_carries_the_limits_that_judge_it() -> None:
    monitor, chance = Monitor("loans", MODEL), np.random.default_rng(1)
    monitor.observe([decision(n, n * 600.0, score=float(chance.normal())) for n in range(500)])
    found = drift(monitor.advance(4.0 * DAY)[1], "psi", "score")
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert 0 <= found.low <= found.high


def test_an_undecided_comparison_says_about_when() -> None:
    rule = Rule(metric="selection_rate", min=-0.1, max=0.1, test="threshold", window="all")
    monitor = Monitor("loans", replace(MODEL, rules=[rule]))
    monitor.observe([decision(n, n * 3600.0) for n in range(96)])
    [_, whole] = monitor.advance(4.0 * DAY)
    [asked] = [c for c in whole.attributes["sex"].comparisons if c.rule]
    assert asked.verdict is Verdict.UNDECIDED
    assert asked.needed
    assert asked.due
    assert asked.detectable
    # in the longest sliding window: 11 women in the last 23 of 24 hours
    assert asked.due / 1000 == pytest.approx(4 * DAY + asked.needed / 11 * DAY, rel=0.01)


def test_a_sequential_test_says_what_it_would_prove() -> None:
    rule = Rule(metric="selection_rate", min=-0.2, max=0.2, window="all")
    monitor = Monitor("loans", replace(MODEL, rules=[rule]))
    monitor.observe([decision(n, n * 360.0) for n in range(960)])
    [asked] = [c for c in monitor.advance(4.0 * DAY)[1].attributes["sex"].comparisons if c.rule]
    assert asked.test == "sequential"
    assert asked.cs_low is not None
    assert asked.cs_high is not None
    assert asked.detectable is not None
    assert abs(asked.detectable) == pytest.approx(0.2 + (asked.cs_high - asked.cs_low) / 2)
