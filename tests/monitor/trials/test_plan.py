"""What is asked before going live, of whom, at which level; and what comes out."""

import numpy as np
import pytest
from msgspec.structs import replace

from monitor import baseline
from monitor.baseline import Baseline
from monitor.config import Config, Rule
from monitor.evaluator import Evaluator
from monitor.trials.expected import Assumed, Past
from monitor.trials.plan import Planned, plan, questions
from tests.monitor.trials.streams import DAY, MODEL, advanced, at, decisions, learnt

EACH = {"F": 30, "M": 60, "X": 10}
RATIO = Rule(metric="selection_rate", compare="ratio", min=0.8, name="four fifths")


def past(days: int = 20) -> tuple[Past, Config]:
    rules = [*MODEL.rules, replace(RATIO, reference="highest")]
    model = replace(MODEL, rules=rules, baseline=100 * days)
    panes = learnt(model, decisions(range(days), {"F": 0.4, "M": 0.5, "X": 0.6}, each=EACH)).panes["m"]
    evaluator = Evaluator("m", model, panes)
    evaluator.read(int(at(days) * 1000))
    assert evaluator.baseline is not None
    return Past.of(evaluator.baseline, DAY), Config(models={"m": model})


def test_past_decisions_give_shares_rates_and_volume() -> None:
    known, _ = past()
    assert known.per_day == 100
    groups = known.groups("sex", "selection_rate")
    assert list(groups) == ["M", "F", "X"]
    assert [group.events for group in groups.values()] == [0.6, 0.3, 0.1]
    assert groups["M"].rate == pytest.approx(0.5, abs=0.05)
    assert known.groups("sex", "true_positive_rate") == {}  # no outcome came


def test_levels_are_those_of_the_tests_once_they_run() -> None:
    known, config = past()
    model = config.models["m"]
    asked = questions(config, {"m": known})
    panes = learnt(model, decisions(range(20), {"F": 0.4, "M": 0.5, "X": 0.6}, each=EACH)).panes["m"]
    trials = advanced(model, panes, 20)
    for question in asked:
        (running,) = trials.running[question.family.rule, "sex"]
        assert question.terms.room == running.terms.room
        single = running.terms.alpha, running.terms.monthly
        assert (question.terms.alpha, question.terms.monthly) == single
        assert question.terms.threshold == pytest.approx(running.terms.threshold)
    assert [(q.family.rule, q.group, q.reference) for q in asked] == [
        ("gap", "F", "M"),
        ("gap", "X", "M"),
        ("four fifths", "F", "M"),
        ("four fifths", "X", "M"),
    ]
    assert (asked[0].share, asked[0].per_day) == (pytest.approx(1 / 3), pytest.approx(90))


def planned(*rules: Rule, **people: float) -> list[Planned]:
    config = Config(models={"m": replace(MODEL, rules=list(rules), reference="largest")})
    known = Assumed(**{"per_day": 1000.0, "share": 0.1, "rate": 0.5} | people)
    return plan(questions(config, {"m": known}), {"m": known.per_day}, 50, 1, lambda _: None)


def test_larger_gaps_take_fewer_decisions_and_more_time_finds_smaller_gaps() -> None:
    (found,) = planned(*MODEL.rules)
    assert [size.value for size in found.sizes] == [-0.07, -0.1, -0.15, -0.25]
    assert [size.group_rate for size in found.sizes] == pytest.approx([0.43, 0.4, 0.35, 0.25])
    middle = [size.decisions_p50 or np.inf for size in found.sizes]
    assert middle == sorted(middle, reverse=True)
    assert all((s.decisions_p50 or 0) <= (s.decisions_p90 or np.inf) for s in found.sizes)
    assert found.sizes[2].days_p50 == pytest.approx((found.sizes[2].decisions_p50 or 0) / 1000, rel=0.01)
    soon, later, late = (found.detectable[name] or 0 for name in ("1 month", "3 months", "12 months"))
    assert -0.15 < soon < later < late < -0.05


def test_the_direction_is_the_limits() -> None:
    above, below = Rule(metric="tpr", max=0.1, name="a"), Rule(metric="tpr", min=-0.1, name="b")
    over = Rule(metric="selection_rate", compare="ratio", max=1.25, name="c")
    found = planned(above, below, over, rate=0.3)
    assert [round(each.sizes[1].value, 3) for each in found] == [0.15, -0.15, 1.471]
    assert [each.events_per_day for each in found] == [500, 500, 1000]
    assert [each.test for each in found] == ["sequential"] * 3


def test_impossible_rates_are_left_out_and_a_change_alone_is_never_proved() -> None:
    rule = Rule(metric="selection_rate", min=-0.1, name="b", test="change")
    (found,) = planned(rule, rate=0.2)
    assert [size.value for size in found.sizes] == [-0.12, -0.15]
    assert found.sizes[1].decisions_p50 is None
    assert found.sizes[1].noticed_days_p50 is not None
    assert set(found.detectable.values()) == {None}


def test_the_same_seed_gives_the_same_plan_and_what_is_alike_is_simulated_once() -> None:
    twice = [replace(MODEL.rules[0], name="a"), replace(MODEL.rules[0], name="b")]
    first, second = planned(*twice), planned(*twice)
    assert first == second
    assert first[0].sizes == first[1].sizes


def test_a_group_that_was_never_seen_is_not_asked_about() -> None:
    empty = Baseline(model="m", since=0, until=0, decisions=100, groups={"sex": {"M": {"tp": 100}}})
    assert baseline.from_json(baseline.to_json(empty)) == empty
    config = Config(models={"m": MODEL})
    assert questions(config, {"m": Past.of(empty, DAY)}) == []
