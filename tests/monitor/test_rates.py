import numpy as np
import pytest
from fairlearn import metrics as fairlearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from monitor import rates
from monitor.fairness.composites import is_composite
from monitor.fairness.estimates import is_metric
from monitor.panes.table import DECISION, Table
from tests.monitor.tables import counted, table

STREAMS = st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.booleans()), min_size=1, max_size=25)
COUNTS = st.fixed_dictionaries({atom: st.integers(0, 50) for atom in DECISION})

THEIRS = {
    "selection_rate": fairlearn.selection_rate,
    "true_positive_rate": fairlearn.true_positive_rate,
    "false_positive_rate": fairlearn.false_positive_rate,
    "true_negative_rate": fairlearn.true_negative_rate,
    "false_negative_rate": fairlearn.false_negative_rate,
    "accuracy": sklearn.accuracy_score,
    "error_rate": sklearn.zero_one_loss,
}
ON_A_DEFINED_DENOMINATOR = {
    "positive_predictive_value": sklearn.precision_score,
    "f1": sklearn.f1_score,
}


@settings(max_examples=20)
@given(STREAMS)
def test_rates_are_fairlearns_at_every_prefix(stream):
    for end in range(1, len(stream) + 1):
        ours = counted(stream[:end])
        for place, group in enumerate(ours.groups):
            rows = [(outcome, decided) for name, decided, outcome in stream[:end] if name == group]
            check_against_theirs(ours, place, *np.array(rows, int).T)


def check_against_theirs(ours, place, truth, decided):
    for name, theirs in {**THEIRS, **ON_A_DEFINED_DENOMINATOR}.items():
        numerator, denominator = (part[place] for part in rates.rate(name, ours))
        if denominator:
            expected = (
                theirs(truth, decided, pos_label=1) if name in fairlearn.__dict__ else theirs(truth, decided)
            )
            assert numerator / denominator == pytest.approx(expected, abs=1e-12), name


COMPLEMENTS = [
    ("true_positive_rate", "false_negative_rate"),
    ("false_positive_rate", "true_negative_rate"),
    ("positive_predictive_value", "false_discovery_rate"),
    ("negative_predictive_value", "false_omission_rate"),
    ("accuracy", "error_rate"),
]


@pytest.mark.parametrize(("one", "other"), COMPLEMENTS)
@given(counts=COUNTS)
def test_complements_sum_to_one(one, other, counts):
    (k, n), (rest, same) = rates.rate(one, table({"a": counts})), rates.rate(other, table({"a": counts}))
    assert n[0] == same[0] == k[0] + rest[0]


@given(COUNTS)
def test_a_rate_is_a_part_of_its_denominator(counts):
    groups = table({"a": counts, "b": dict.fromkeys(DECISION, 1)})
    for name in rates.RATES:
        numerator, denominator = rates.rate(name, groups)
        assert (numerator >= 0).all()
        assert (numerator <= denominator).all(), name


def test_final_rates_are_of_the_final_decision():
    groups = table({"a": {"tp": 1, "fn": 3, "final_tp": 3, "final_fn": 1}})
    assert [part.tolist() for part in rates.rate("final_true_positive_rate", groups)] == [[3], [4]]


def test_overrides_by_direction():
    groups = table({"a": {"up": 10, "overridden_up": 1, "overridden_down": 2, "upheld": 5}})
    asked = ["override_rate", "override_up_rate", "override_down_rate", "review_rate"]
    found = {name: tuple(int(part[0]) for part in rates.rate(name, groups)) for name in asked}
    assert found == {
        "override_rate": (3, 8),
        "override_up_rate": (1, 8),
        "override_down_rate": (2, 8),
        "review_rate": (8, 10),
    }


def test_flags_and_reasons_are_rates_like_any_other():
    groups = table({"a": {"un": 4, "flags.explained=true": 3, "flags.explained=false": 1, "reasons.R01": 2}})
    assert [part.tolist() for part in rates.rate("flags.explained", groups)] == [[3], [4]]
    assert [part.tolist() for part in rates.rate("reasons.R01", groups)] == [[2], [4]]


def test_shares_of_the_whole_sum_to_one():
    groups = table({"a": {"up": 1, "un": 9}, "b": {"up": 3, "un": 2}})
    assert [part.tolist() for part in rates.rate("group_share", groups)] == [[10, 5], [15, 15]]
    assert [part.tolist() for part in rates.rate("share_of_positives", groups)] == [[1, 3], [4, 4]]


def test_an_alias_leads_to_a_metric_and_a_comparison():
    for alias, (name, compare) in rates.ALIASES.items():
        assert is_metric(name) or is_composite(name), alias
        assert not is_metric(alias), alias
        assert not is_composite(alias), alias
        assert compare in (None, "difference", "ratio", "value")


def test_rates_take_aliases_too():
    groups = table({"a": {"tp": 1, "fn": 1}})
    assert [part.tolist() for part in rates.rate("recall", groups)] == [[1], [2]]


def test_an_unknown_rate_is_an_error():
    with pytest.raises(KeyError, match="no_such_rate"):
        rates.rate("no_such_rate", Table(["a"], {}))
