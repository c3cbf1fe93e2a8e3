"""What a configuration asks the tests about, at which level, and how `fairlead check` tells it."""

import pytest
from msgspec.structs import replace

from monitor.config import Alerts, Config, ConfigError, Rule
from monitor.trials import alone, check, families, levels, told
from monitor.trials import test_of as method
from tests.monitor.trials.streams import (
    FAIR,
    GAP,
    MODEL,
    RATIO,
    START,
    add,
    advanced,
    at,
    decisions,
    learnt,
    ruled,
)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (GAP, [("difference", 0.05, False)]),
        (replace(GAP, max=0.1), [("excess", 0.1, False), ("excess", 0.05, True)]),
        (RATIO, [("ratio", 0.8, False)]),
        (replace(RATIO, max=1.25), [("ratio", 0.8, False), ("ratio", 0.8, True)]),
        (replace(GAP, reference="highest"), [("excess", 0.05, True)]),
        (replace(GAP, reference="extremes"), [("excess", 0.05, False)]),
        (replace(GAP, reference="overall"), []),
        (replace(GAP, metric="f1"), []),
        (replace(GAP, metric="values.csat.mean"), []),
        (replace(GAP, compare="value"), []),
        (replace(RATIO, min=1.2), []),
        (replace(GAP, metric="override_rate"), []),
        (replace(GAP, test="threshold"), []),
    ],
)
def test_limits_become_hypotheses(rule: Rule, wanted: list[tuple[str, float, bool]]) -> None:
    found = [(f.side.null.kind, f.side.null.limit, f.side.flipped) for f in families(ruled(rule))]
    assert found == wanted


def test_what_feedback_completes_is_sequential_only_when_it_is_known_how_long_to_wait() -> None:
    rule = Rule(metric="override_rate", max=0.1)
    assert method(rule, MODEL, "sex") == "threshold"
    assert method(rule, replace(MODEL, mature_after="7d"), "sex") == "sequential"


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (
            Config(models={"m": ruled(replace(GAP, metric="auc", test="sequential"))}),
            "models.m.rules[0].test: 'sequential' is not allowed; allowed: threshold",
        ),
        (
            Config(models={"m": MODEL}, alerts=Alerts(false_alarms="rarely")),
            "alerts.false_alarms: 'rarely' is not allowed; allowed: a positive number",
        ),
    ],
)
def test_what_cannot_be_tested_is_refused(config: Config, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(config)
    assert str(caught.value).startswith(says)


def test_all_levels_together_spend_the_budget_once() -> None:
    model = ruled(GAP, RATIO, replace(GAP, metric="tpr", name="tpr", test="change"))
    share = levels(Config(models={"one": model, "two": model}, alerts=Alerts(false_alarms="0.05 per year")))
    room, blocks = 6, 1e5
    since_start = 4 * room * share.alpha(room)
    changes = 6 * room * blocks / share.threshold(room, blocks * 100)
    months = 4 * room * 12 * share.month(room)
    assert since_start + changes + months == pytest.approx(0.05)


def test_half_of_a_limit_is_kept_for_groups_that_come_later() -> None:
    facts = learnt(MODEL, decisions(range(10), FAIR))
    trials = advanced(MODEL, facts.panes["m"], 10)
    (running,) = trials.running["gap", "sex"]
    assert running.terms.room == 2
    assert running.terms.alpha == alone(MODEL).alpha(2)
    add(facts, decisions(range(10, 30), {"X": 0.5, "Y": 0.5, "Z": 0.5}))
    trials.advance(int(at(30) * 1000))
    assert running.pairs == [("F", "M"), ("X", "M")]  # there is no room for more
    assert running.marks.state["first"].tolist()[1] == START // 86400 + 10


def test_the_tests_are_told_in_words() -> None:
    words = "\n".join(told(Config(models={"m": replace(MODEL, events_per_day=1000.0)})))
    assert "1 model: 1 limit is tested" in words
    assert "which a compliant model ever reaches with a chance of at most 1 in 20" in words
    assert "m: a change is called at a detector's value of " in words
    assert "Rates of 50% and 35%, one of them in a group with a 10% share, take about " in words
    assert told(Config(models={"m": ruled()})) == []
