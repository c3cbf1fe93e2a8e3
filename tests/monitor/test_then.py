"""Groups against themselves in a baseline period: fairness drift."""

import numpy as np
import pytest
from msgspec.structs import replace

from monitor import baseline
from monitor.config import ConfigError, Model, Rule
from monitor.events import Decision, Feedback
from monitor.fairness import intervals
from monitor.monitor import Monitor
from monitor.readings import Comparison, Reading, Verdict
from monitor.trials.asked import test_of as how
from monitor.validate import check

DAY = 86_400.0
MODEL = Model(
    positive=["yes"],
    attributes=["sex"],
    reference="baseline",
    windows=["2d", "all"],
    baseline=200,
    rules=[
        Rule(metric="selection_rate", min=-0.1, max=0.1, window="2d"),
        Rule(metric="true_positive_rate", compare="ratio", min=0.8, window="2d"),
        Rule(metric="average_odds", max=0.2, min=-0.2, window="2d"),
    ],
)


def made(number: int, selected: dict[str, int]) -> Decision:
    """One decision every ten minutes, the sexes in turn; `selected` of ten of each sex get a yes."""
    sex = "FM"[number % 2]
    decision = "yes" if number // 2 % 10 < selected[sex] else "no"
    return Decision(
        id=str(number), model="m", time=600.0 * number, decision=decision, attributes={"sex": sex}
    )


def watched(model: Model = MODEL) -> Monitor:
    """Until day 5 half of all are selected; then two of ten women."""
    monitor = Monitor("m", model)
    monitor.observe([made(n, {"F": 5, "M": 5}) for n in range(720)])
    monitor.observe([made(n, {"F": 2, "M": 5}) for n in range(720, 1440)])
    return monitor


def asked(reading: Reading, metric: str) -> dict[str, Comparison]:
    found = [*reading.attributes["sex"].comparisons, *reading.composites]
    return {c.group: c for c in found if c.metric == metric and c.rule}


def test_a_group_is_held_against_itself() -> None:
    monitor = watched()
    before = asked(monitor.advance(4 * DAY)[0], "selection_rate")
    after = asked(monitor.advance(10 * DAY)[0], "selection_rate")
    assert {c.reference for c in after.values()} == {"baseline"}
    assert [found["M"].value for found in (before, after)] == pytest.approx([0, 0], abs=0.05)
    women = after["F"]
    assert (women.group_rate, women.verdict) == (pytest.approx(0.2, abs=0.03), Verdict.OUT)
    [n, then] = [women.n, women.reference_n]
    k = [round((women.group_rate or 0) * n), round((women.reference_rate or 0) * then)]
    one, other = (intervals.shares(np.array([a]), np.array([b])) for a, b in zip(k, (n, then), strict=True))
    gap = intervals.difference(one, other)
    assert (women.value, women.low, women.high) == pytest.approx(
        (gap.value[0], gap.low[0], gap.high[0]), abs=1e-12
    )


def test_outcomes_of_the_baseline_count_when_they_come() -> None:
    monitor = watched()
    assert asked(monitor.advance(10 * DAY)[0], "true_positive_rate")["F"].verdict is Verdict.UNDEFINED
    monitor.learn([Feedback(decision_id=str(n), time=11 * DAY, outcome=n % 4 < 2) for n in range(1440)])
    [reading, _] = monitor.advance(11 * DAY)
    for metric in ("true_positive_rate", "average_odds"):
        found = asked(reading, metric)["F"]
        assert found.value is not None
        assert found.reference == "baseline"
        assert found.reference_n > 0


def test_what_was_counted_of_the_baseline_is_kept_when_its_panes_are_summed_up() -> None:
    monitor = watched()
    monitor.learn([Feedback(decision_id=str(n), time=11 * DAY, outcome=n % 4 < 2) for n in range(1440)])
    found = asked(monitor.advance(11 * DAY)[0], "true_positive_rate")
    kept = monitor._evaluator.baseline
    assert kept is not None
    again = Monitor("m", MODEL, baseline.from_json(baseline.to_json(kept)))
    again.facts, again._evaluator.panes = monitor.facts, monitor._evaluator.panes
    again._evaluator.panes.rolled = 10**6  # as if the slices of the baseline were gone
    assert kept.groups["sex"]["F"]["tp"] > 0
    assert again._evaluator._before("sex").counts["tp"].sum() == sum(
        counts["tp"] for counts in kept.groups["sex"].values()
    )
    assert found["F"].reference_n == kept.groups["sex"]["F"]["tp"] + kept.groups["sex"]["F"]["fn"]


def test_before_there_is_a_baseline_comparisons_are_undefined() -> None:
    monitor = Monitor("m", MODEL)
    monitor.observe([made(n, {"F": 5, "M": 5}) for n in range(40)])
    found = asked(monitor.advance(DAY / 3)[0], "selection_rate")
    assert {c.verdict for c in found.values()} == {Verdict.UNDEFINED}


def test_needed_grows_the_group_alone() -> None:
    model = replace(
        MODEL, baseline=60, windows=["all"], rules=[Rule(metric="selection_rate", min=-0.1, max=0.1)]
    )
    monitor = Monitor("m", model)
    monitor.observe([made(n, {"F": 5, "M": 5}) for n in range(720)])
    found = asked(monitor.advance(5 * DAY)[0], "selection_rate")["F"]
    assert found.verdict is Verdict.UNDECIDED
    assert found.needed is None  # thirty women in the baseline say too little, however many come


def test_it_is_judged_by_its_interval() -> None:
    assert {how(rule, MODEL, "sex") for rule in MODEL.rules} == {"threshold"}


@pytest.mark.parametrize("metric", ["value.mean", "auc", "score.ks", "within.region.selection_rate"])
@pytest.mark.parametrize("own", [True, False])
def test_metrics_that_no_baseline_keeps_are_refused(metric: str, own: bool) -> None:
    rule = Rule(metric=metric, max=0.1, reference="baseline" if own else None)
    model = replace(MODEL, reference="largest" if own else "baseline", rules=[rule])
    if metric.startswith("within"):
        rule = replace(rule, max=None)
    with pytest.raises(ConfigError, match=r"rules\[0\]"):
        check("m", model)


def test_metrics_of_counts_pass() -> None:
    check("m", MODEL)
    check("m", replace(MODEL, rules=[Rule(metric="value.mean", max=0.1, reference="largest")]))
