"""The river metric against fairlearn at every prefix, and river's own checks."""

import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from fairlearn import metrics as fairlearn
from hypothesis import given, settings
from hypothesis import strategies as st
from river import linear_model, utils
from river.checks import common
from sklearn.metrics import accuracy_score, precision_score

from monitor.fairness import population, quotients
from monitor.river_metric import GroupFairness

Event = tuple[bool, bool, str]  # outcome, decision, group
events = st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from("abc")), min_size=1, max_size=15)

RATES: dict[str, Callable[..., float]] = {
    "selection_rate": fairlearn.selection_rate,
    "true_positive_rate": fairlearn.true_positive_rate,
    "false_positive_rate": fairlearn.false_positive_rate,
    "true_negative_rate": fairlearn.true_negative_rate,
    "false_negative_rate": fairlearn.false_negative_rate,
    "positive_predictive_value": precision_score,
    "accuracy": accuracy_score,
}
AMONG: dict[str, Callable[[bool, bool], bool]] = {  # which events a rate's denominator counts
    "true_positive_rate": lambda outcome, _: outcome,
    "false_negative_rate": lambda outcome, _: outcome,
    "false_positive_rate": lambda outcome, _: not outcome,
    "true_negative_rate": lambda outcome, _: not outcome,
    "positive_predictive_value": lambda _, decision: decision,
}

ODDS = ("true_positive_rate", "false_positive_rate")


def fed(found: list[Event], **settings_: object) -> GroupFairness:
    metric = GroupFairness(**settings_)  # type: ignore[arg-type]
    for event in found:
        metric.update(*event)
    return metric


def frame(found: list[Event], rate: str) -> fairlearn.MetricFrame:
    outcomes, decisions, groups = (list(column) for column in zip(*found, strict=True))
    return fairlearn.MetricFrame(
        metrics=RATES[rate], y_true=outcomes, y_pred=decisions, sensitive_features=groups
    )


def defined(found: list[Event], rate: str) -> bool:
    """Whether every group has a rate: fairlearn calls an empty one 0, we leave it out."""
    counts = AMONG.get(rate, lambda *_: True)
    return {g for o, d, g in found if counts(o, d)} == {g for *_, g in found}


@pytest.mark.parametrize("rate", RATES)
@settings(max_examples=20)
@given(events)
def test_gaps_equal_fairlearns_at_every_prefix(rate: str, found: list[Event]) -> None:
    gaps = {
        (compare, to): GroupFairness(rate, compare, to)
        for compare in ("difference", "ratio")
        for to in ("extremes", "overall")
    }
    for count, event in enumerate(found, start=1):
        for gap in gaps.values():
            gap.update(*event)
        if not defined(found[:count], rate):
            continue
        theirs = frame(found[:count], rate)
        assert gaps["difference", "extremes"].by_group() == pytest.approx(theirs.by_group.to_dict())
        for (compare, to), gap in gaps.items():
            expected = getattr(theirs, compare)(method="between_groups" if to == "extremes" else "to_overall")
            alone = len({group for *_, group in found[:count]}) == 1 and to == "extremes"
            assert math.isnan(gap.get()) if alone else gap.get() == pytest.approx(expected, nan_ok=True)


@settings(max_examples=30)
@given(events)
def test_composites_equal_fairlearns_at_every_prefix(found: list[Event]) -> None:
    odds = [GroupFairness("equalized_odds", compare) for compare in ("difference", "ratio")]
    for count, event in enumerate(found, start=1):
        for metric in odds:
            metric.update(*event)
        some = found[:count]
        if not all(defined(some, rate) for rate in ODDS) or len({group for *_, group in some}) < 2:
            continue
        outcomes, decisions, groups = (list(column) for column in zip(*some, strict=True))
        for metric, theirs in zip(
            odds, (fairlearn.equalized_odds_difference, fairlearn.equalized_odds_ratio), strict=True
        ):
            if metric is odds[0] or not any(math.isnan(frame(some, rate).ratio()) for rate in ODDS):
                assert metric.get() == pytest.approx(theirs(outcomes, decisions, sensitive_features=groups))


ALL = ["selection_rate", "f1", "equalized_odds", "average_odds", "class_imbalance", "label_kl"]


@pytest.mark.parametrize("name", [*ALL, *quotients.METRICS, *population.WHOLE])
@settings(max_examples=15)
@given(events, st.integers(1, 8))
def test_rolling_is_the_metric_of_the_last_events(name: str, found: list[Event], size: int) -> None:
    rolling = utils.Rolling(GroupFairness, window_size=size, metric=name)
    for count, event in enumerate(found, start=1):
        rolling.update(*event)
        expected = fed(found[max(0, count - size) : count], metric=name).get()
        assert rolling.get() == pytest.approx(expected, nan_ok=True)


@settings(max_examples=30)
@given(events, st.tuples(st.sampled_from([True, False, None]), st.booleans(), st.sampled_from("abcd")))
def test_update_then_revert_is_the_identity(found: list[Event], more: Event) -> None:
    metric = fed(found)
    before = pickle.dumps(metric._counts), metric.by_group()
    metric.update(*more)
    metric.revert(*more)
    assert metric.by_group() == before[1]
    assert metric._counts == pickle.loads(before[0])


CHECKS = [
    common.check_repr,
    common.check_str,
    common.check_clone_same_class,
    common.check_clone_is_idempotent,
    common.check_init_has_default_params_for_tests,
    common.check_init_default_params_are_not_mutable,
    common.check_doc,
    common.check_clone_changes_memory_addresses,
    common.check_mutate_can_be_idempotent,
    common.check_pickling_supports_roundtrip,
    common.check_repr_roundtrips_clone,
    common.check_clone_with_new_params_applies,
    common.check_get_params_matches_signature,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("parameters", [{}, {"metric": "disparate_impact", "to": "overall"}])
def test_river_s_own_checks(check: Callable[[GroupFairness], None], parameters: dict[str, str]) -> None:
    check(GroupFairness(**parameters))  # type: ignore[arg-type]


def test_a_named_group_is_what_others_are_held_against() -> None:
    found = [
        (True, decided, group) for group, decided in [("a", True), ("b", False), ("b", True), ("c", True)]
    ]
    assert fed(found, to="b").get() == 0.5
    assert fed(found, to="b", compare="ratio").get() == 0.5
    assert math.isnan(fed(found, to="nobody").get())


def test_weights_count() -> None:
    metric = GroupFairness()
    metric.update(True, True, "a", w=3)
    metric.update(True, False, "a")
    metric.update(True, False, "b", w=0.5)
    assert metric.by_group() == {"a": 0.75, "b": 0.0}
    metric.revert(True, False, "b", w=0.5)
    assert metric.by_group() == {"a": 0.75}


def test_an_outcome_that_has_not_come_is_none() -> None:
    found = [(None, True, "a"), (None, False, "b")]
    metric, selected = fed(found, metric="accuracy"), fed(found)
    assert (math.isnan(metric.get()), selected.get()) == (True, 1.0)


def test_decisions_of_any_kind_and_which_is_positive() -> None:
    metric = GroupFairness(pos_val="approved")
    metric.update("approved", "approved", 1)
    metric.update("approved", "refused", 2)
    assert metric.get() == 1.0


def test_a_composite_has_no_value_by_group() -> None:
    assert fed([(True, True, "a"), (True, False, "b")], metric="equalized_odds").by_group() == {}


def test_it_says_what_is_better() -> None:
    assert not GroupFairness().bigger_is_better
    assert GroupFairness("disparate_impact").bigger_is_better
    assert not GroupFairness("theil_index", "ratio").bigger_is_better
    equal, unequal = fed([(True, True, "a"), (True, True, "b")]), fed([(True, True, "a"), (True, False, "b")])
    assert equal.is_better_than(unequal)


def test_a_pipeline_of_river_is_watched() -> None:
    model, metric = linear_model.LogisticRegression(), GroupFairness("accuracy")
    assert metric.works_with(model)
    chance = np.random.default_rng(7)
    for x in chance.normal(size=(200, 2)).tolist():
        features, outcome = dict(enumerate(x)), x[0] > 0
        metric.update(outcome, model.predict_one(features), "left" if x[1] < 0 else "right")
        model.learn_one(features, outcome)
    assert sum(metric.by_group().values()) > 1.6
    assert metric.get() < 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("selection_rat",), "metric: 'selection_rat' is not allowed; .* such as selection_rate"),
        (("final_selection_rate",), "'final_selection_rate' is not allowed"),
        (("group_share",), "'group_share' is not allowed"),
        (("average_odds", "ratio"), "that has a ratio"),
        (("accuracy", "value"), "compare: 'value' is not allowed; allowed: difference, ratio"),
    ],
)
def test_what_cannot_be_counted_from_decisions_and_outcomes(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GroupFairness(*arguments)  # type: ignore[arg-type]
