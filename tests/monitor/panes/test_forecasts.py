"""MAE and MSE by group: of numeric decisions whose truth comes back as the feedback value `actual`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error

from monitor.config import Model, Rule
from monitor.events import Decision, Feedback
from monitor.monitor import Monitor

MODEL = Model(
    positive=["yes"],
    attributes=["sex"],
    windows=["all"],
    rules=[Rule(metric="mae", max=0.5, min=-0.5), Rule(metric="mse", compare="ratio", max=2)],
)
NUMBERS = st.integers(-4000, 4000).map(lambda n: n / 8)  # that 32 bits hold exactly


def decided(number: int, value: float | None) -> Decision:
    return Decision(
        id=str(number), model="m", time=float(number), decision="yes", value=value,
        attributes={"sex": "FM"[number % 2]},
    )  # fmt: skip


def came(number: int, actual: float) -> Feedback:
    return Feedback(decision_id=str(number), time=float(number + 1), values={"actual": actual})


@settings(max_examples=25)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=30), st.booleans())
def test_errors_are_sklearns(pairs: list[tuple[float, float]], feedback_first: bool) -> None:
    monitor = Monitor("m", MODEL)
    decisions = [decided(n, value) for n, (value, _) in enumerate(pairs)]
    feedback = [came(n, actual) for n, (_, actual) in enumerate(pairs)]
    steps = [lambda: monitor.observe(decisions), lambda: monitor.learn(feedback)]
    for step in reversed(steps) if feedback_first else steps:
        step()
    groups = monitor.advance(1000.0)[0].attributes["sex"].groups
    for place, group in enumerate("FM"):
        value, actual = np.array(pairs[place::2]).T
        rates = groups[group].rates
        assert rates["abs_error.mean"].value == pytest.approx(mean_absolute_error(actual, value), abs=1e-6)
        assert rates["squared_error.mean"].value == pytest.approx(mean_squared_error(actual, value), abs=1e-6)


def test_a_truth_that_is_corrected_counts_once_and_one_that_is_missing_not_at_all() -> None:
    monitor = Monitor("m", MODEL)
    monitor.observe([decided(0, 5.0), decided(2, 7.0), decided(4, None)])
    monitor.learn([came(0, 1.0), came(4, 1.0)])
    monitor.learn([Feedback(decision_id="0", time=9.0, values={"actual": 3.0})])
    found = monitor.advance(1000.0)[0].attributes["sex"].groups["F"].rates["abs_error.mean"]
    assert (found.value, found.n) == (2.0, 1)


def test_rules_ask_for_them_by_the_names_that_people_use() -> None:
    monitor = Monitor("m", MODEL)
    monitor.observe([decided(n, 1.0 + n % 7) for n in range(200)])
    monitor.learn([came(n, (1.0 + n % 7) + (2.0 if n % 2 else 1.0)) for n in range(200)])
    asked = {c.metric: c for c in monitor.advance(1000.0)[0].attributes["sex"].comparisons if c.rule}
    assert {name: c.value for name, c in asked.items()} == {"abs_error.mean": 1.0, "squared_error.mean": 4.0}
    assert {c.verdict.value for c in asked.values()} == {"out_of_limits"}
