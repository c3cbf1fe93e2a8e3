"""A group's share of the decisions against its part of the population."""

import numpy as np
import pytest

from monitor.config import Model, Rule
from monitor.fairness import intervals, read
from monitor.readings import Comparison, Verdict
from tests.monitor.tables import table

GROUPS = table({"F": {"up": 30, "un": 270}, "M": {"up": 170, "un": 530}, "unknown": {"un": 50}})
POPULATION = {"sex": {"F": 0.5, "M": 0.5}}


def answers(**rule: object) -> dict[str, Comparison]:
    asked = Rule(reference="population", **rule)  # type: ignore[arg-type]
    model = Model(positive=[True], attributes=["sex"], population=POPULATION, rules=[asked])
    found = read(GROUPS, attribute="sex", model=model, window="all").comparisons
    return {c.group: c for c in found if c.rule}


def test_a_share_is_held_against_the_populations() -> None:
    found = answers(metric="group_share", min=-0.1)
    women = found["F"]
    low, high = intervals.wilson(np.array(300), np.array(1050))
    assert (women.value, women.low, women.high) == pytest.approx(
        (300 / 1050 - 0.5, float(low) - 0.5, float(high) - 0.5)
    )
    assert (women.reference, women.reference_rate, women.verdict) == ("population", 0.5, Verdict.OUT)
    assert found["M"].verdict is Verdict.WITHIN


def test_as_a_ratio_and_of_positives() -> None:
    women = answers(metric="share_of_positives", compare="ratio", min=0.8)["F"]
    low, high = intervals.wilson(np.array(30), np.array(200))
    assert (women.value, women.low, women.high) == pytest.approx((0.3, 2 * float(low), 2 * float(high)))


def test_a_group_that_the_population_does_not_name_is_undefined() -> None:
    unknown = answers(metric="group_share", min=-0.1)["unknown"]
    assert (unknown.value, unknown.verdict) == (None, Verdict.UNDEFINED)
