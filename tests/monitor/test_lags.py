"""How long outcomes take: counted exactly with the facts, whatever comes in which order."""

import itertools

from monitor.config import Model, Rule
from monitor.events import Decision, Feedback
from monitor.monitor import Monitor
from monitor.readings import Reading

DAY = 86_400.0
MODEL = Model(positive=["yes"], attributes=["sex"], windows=["all"])


def events(days: dict[str, list[float]]) -> tuple[list[Decision], list[Feedback]]:
    decisions, feedback = [], []
    for sex, taken in days.items():
        for number, lag in enumerate(taken):
            name = f"{sex}{number}"
            decisions.append(
                Decision(id=name, model="m", time=number * 60.0, decision="yes", attributes={"sex": sex})
            )
            feedback.append(Feedback(decision_id=name, time=number * 60.0 + lag * DAY, outcome=True))
    return decisions, feedback


def rate(reading: Reading, group: str, name: str) -> float | None:
    return reading.attributes["sex"].groups[group].rates[name].value


def test_lags_are_in_days_by_group() -> None:
    decisions, feedback = events({"F": [2.0] * 40 + [30.0] * 10, "M": [7.0] * 40})
    monitor = Monitor("m", MODEL)
    monitor.observe(decisions)
    monitor.learn(feedback)
    [reading] = monitor.advance(40 * DAY)
    assert [rate(reading, "F", f"outcome_lag.{q}") for q in ("p50", "p90")] == [2.0, 30.0]
    assert [rate(reading, "M", f"outcome_lag.{q}") for q in ("p50", "mean")] == [7.0, 7.0]
    assert [c.group for c in reading.cautions] == ["M"]  # against F, the larger


def test_feedback_first_twice_or_corrected_is_one_outcome() -> None:
    decisions, feedback = events({"F": [2.0] * 12})
    corrections = [Feedback(decision_id="F0", time=5 * DAY, outcome=False)]
    for order in itertools.permutations([feedback, corrections, feedback]):
        monitor = Monitor("m", MODEL)
        monitor.learn(order[0])
        monitor.observe(decisions)
        for some in order[1:]:
            monitor.learn(some)
        [reading] = monitor.advance(40 * DAY)
        lag = reading.attributes["sex"].groups["F"].rates["outcome_lag.mean"]
        assert (lag.n, lag.value) == (12, (11 * 2.0 + 5.0) / 12)


def test_an_outcome_dated_before_its_decision_took_no_time() -> None:
    monitor = Monitor("m", MODEL)
    monitor.observe([Decision(id="a", model="m", time=DAY, decision="yes", attributes={"sex": "F"})])
    monitor.learn([Feedback(decision_id="a", time=0.0, outcome=True)])
    assert rate(monitor.advance(2 * DAY)[0], "F", "outcome_lag.p50") == 0


def test_outcomes_that_are_not_mature_have_no_lag() -> None:
    decisions, feedback = events({"F": [2.0] * 12})
    monitor = Monitor("m", Model(positive=["yes"], attributes=["sex"], windows=["all"], mature_after="30d"))
    monitor.observe(decisions)
    monitor.learn(feedback)
    young, old = (monitor.advance(days * DAY)[0] for days in (10, 40))
    assert "outcome_lag.p50" not in young.attributes["sex"].groups["F"].rates
    assert rate(old, "F", "outcome_lag.p50") == 2.0


def test_rules_can_ask_for_lags() -> None:
    rule = Rule(metric="outcome_lag.p50", compare="ratio", max=1.5)
    monitor = Monitor("m", Model(positive=["yes"], attributes=["sex"], windows=["all"], rules=[rule]))
    decisions, feedback = events({"F": [4.0] * 50, "M": [2.0] * 60})
    monitor.observe(decisions)
    monitor.learn(feedback)
    [reading] = monitor.advance(40 * DAY)
    [asked] = [c for c in reading.attributes["sex"].comparisons if c.rule]
    assert (asked.value, asked.verdict.value) == (2.0, "out_of_limits")
