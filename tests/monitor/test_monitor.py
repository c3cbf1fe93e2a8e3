"""The library's face: the stream's core without the stream."""

import random

import pytest

from monitor.config import Model, Rule
from monitor.events import Decision, Feedback, InvalidEventError
from monitor.monitor import Monitor
from monitor.readings import Verdict

DAY = 86_400
RULE = Rule(metric="true_positive_rate", min=-0.1, max=0.1, test="threshold")
MODEL = Model(
    positive=["yes"], attributes=["sex"], reference={"sex": "M"}, windows=["1d", "all"], rules=[RULE]
)


def crowd(count: int, start: int = 0) -> list[Decision]:
    return [
        Decision(
            id=str(n),
            model="loans",
            time=float(n),
            decision=["yes", "no"][n % 2],
            attributes={"sex": "FM"[n % 2]},
        )
        for n in range(start, start + count)
    ]


def outcomes(count: int) -> list[Feedback]:
    return [Feedback(decision_id=str(n), time=float(n + 1), outcome=True) for n in range(count)]


def test_it_reads_what_it_was_told() -> None:
    monitor = Monitor("loans", MODEL)
    monitor.observe(crowd(200))
    monitor.learn(outcomes(150))
    day, whole = monitor.advance(DAY / 2)
    assert (day.window, whole.window) == ("1d", "all")
    assert (whole.decisions, whole.feedback, whole.as_of) == (200, 150, DAY * 500)
    groups = whole.attributes["sex"].groups
    assert groups["F"].coverage == 0.75
    assert groups["F"].rates["true_positive_rate"].value == 1.0
    (gap,) = [c for c in whole.attributes["sex"].comparisons if c.rule]
    assert (gap.value, gap.verdict) == (1.0, Verdict.OUT)


def test_the_order_of_calls_does_not_matter() -> None:
    calls = [
        ("observe", crowd(100)),
        ("observe", crowd(100, 100)),
        ("learn", outcomes(120)),
        ("learn", outcomes(200)),
    ]
    found = []
    for seed in range(4):
        monitor = Monitor("loans", MODEL)
        for name, events in random.Random(seed).sample(calls * 2, 8):
            getattr(monitor, name)(events)
        found.append(monitor.advance("1970-01-01T10:00:00Z"))
    assert found == [found[0]] * 4


def test_nothing_is_undefined_not_zero() -> None:
    for reading in Monitor("loans", MODEL).advance(DAY):
        assert (reading.decisions, reading.feedback) == (0, 0)
        groups = reading.attributes["sex"].groups
        assert {rate.value for group in groups.values() for rate in group.rates.values()} == {None}
        assert {c.verdict for c in reading.attributes["sex"].comparisons} <= {Verdict.UNDEFINED}


@pytest.mark.parametrize("time", [-1.0, "yesterday", float("nan")])
def test_a_bad_time_is_refused(time: float | str) -> None:
    with pytest.raises(InvalidEventError, match="time"):
        Monitor("loans", MODEL).observe([Decision(id="1", model="loans", time=time, decision="yes")])
