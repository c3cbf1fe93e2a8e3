import pytest

from alerts import rules
from monitor.config import ConfigError, Model, Rule
from monitor.readings import Comparison, Verdict
from tests.alerts.sample import MODEL, RULE, config
from tests.readings import DRIFT, GAP, drift, gap, reading


def alert_id(model: Model, name: str, evidence) -> str:
    return rules.alert_id(model, name, evidence, rules.named(model).get(evidence.rule))


DRIFT_RULE = Rule(metric="psi", compare="value", max=0.2, name="psi of score")
DRIFT_MODEL = Model(positive=["high"], rules=[DRIFT_RULE])


def only(model: Model, *comparisons: Comparison) -> rules.Finding:
    (finding,) = rules.breaches(model, "compas", [reading(*comparisons)])
    return finding


def test_a_proved_gap_is_a_breach():
    finding = only(MODEL, GAP)
    assert finding.breached
    assert (finding.model, finding.rule, finding.severity) == ("compas", GAP.rule, "critical")
    assert finding.evidence == GAP


@pytest.mark.parametrize(
    ("change", "breached"),
    [
        ({"verdict": Verdict.WITHIN, "value": 0.02}, False),
        ({"verdict": Verdict.UNDECIDED, "value": 0.08}, False),
        ({"verdict": Verdict.UNDECIDED, "value": 0.1}, False),
        ({"verdict": Verdict.UNDECIDED, "value": 0.12}, None),
        ({"verdict": Verdict.UNDEFINED, "value": None}, None),
        ({"verdict": Verdict.STALE, "value": 0.0}, None),
        ({"verdict": Verdict.OUT, "n": 29}, None),
        ({"verdict": Verdict.OUT, "reference_n": 29}, None),
        ({"verdict": Verdict.OUT, "n": 30, "reference_n": 30}, True),
        ({"verdict": Verdict.WITHIN, "value": 0.0, "n": 5}, None),
    ],
)
def test_fires_on_proof_and_resolves_on_sight(change, breached):
    assert rules.is_breached(RULE, gap(**change)) is breached


@pytest.mark.parametrize(
    ("low", "high", "value", "breached"),
    [(0.8, None, 0.79, None), (0.8, None, 0.8, False), (-0.1, 0.1, -0.11, None), (None, None, 0.0, None)],
)
def test_back_inside_looks_at_both_limits(low, high, value, breached):
    undecided = gap(min=low, max=high, value=value, verdict=Verdict.UNDECIDED)
    assert rules.is_breached(RULE, undecided) is breached


def test_a_limit_on_the_rate_itself_needs_no_reference():
    alone = gap(compare="value", reference=None, reference_n=0, reference_rate=None)
    assert rules.is_breached(RULE, alone) is True


@pytest.mark.parametrize(
    ("change", "breached"),
    [
        ({}, True),
        ({"n": 10}, None),
        ({"baseline_n": 10}, None),
        ({"verdict": Verdict.UNDECIDED, "value": 0.1}, False),
        ({"verdict": Verdict.UNDECIDED, "value": None}, None),
        ({"measure": "adwin", "max": None, "at": 7}, True),
        ({"measure": "adwin", "max": None, "verdict": Verdict.WITHIN, "value": 3}, False),
    ],
)
def test_drift(change, breached):
    assert rules.is_breached(DRIFT_RULE, drift(**change)) is breached


def test_finds_drift_and_composites():
    both = reading(drifts=(DRIFT,), composites=[GAP])
    found = rules.breaches(DRIFT_MODEL, "compas", [both])
    assert [finding.evidence for finding in found] == [DRIFT]
    found = rules.breaches(MODEL, "compas", [both])
    assert [finding.evidence for finding in found] == [GAP]


@pytest.mark.parametrize("rule", [None, "another rule"])
def test_readings_without_a_rule_of_the_model_are_not_judged(rule):
    assert rules.breaches(MODEL, "compas", [reading(gap(rule=rule))]) == []


def test_the_id_names_the_subject_and_nothing_that_moves():
    here = alert_id(MODEL, "compas", GAP)
    assert here == alert_id(MODEL, "compas", gap(value=0.5, n=7, reference="Other"))
    others = [
        alert_id(MODEL, "credit", GAP),
        alert_id(MODEL, "compas", gap(group="Asian")),
        alert_id(MODEL, "compas", gap(attribute="sex")),
        alert_id(MODEL, "compas", gap(rule="x")),
        alert_id(MODEL, "compas", DRIFT),
    ]
    assert len({here, *others}) == 6
    assert here == "309808dce2b61e1c4a5e", "an id must survive upgrades: alerts are kept under it"


@pytest.mark.parametrize("where", ["rule", "model"])
def test_where_all_pairs_are_compared_the_reference_is_part_of_the_id(where):
    rule = Rule(
        metric="false_positive_rate", max=0.1, name="r", reference="pairs" if where == "rule" else None
    )
    model = Model(positive=["high"], reference="pairs" if where == "model" else "largest", rules=[rule])
    ids = {alert_id(model, "compas", gap(rule="r", reference=group)) for group in ("Asian", "Other")}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("rule", "metric"),
    [
        (Rule(metric="accuracy", max=0.1, name="r", reference="extremes"), "accuracy"),
        (Rule(metric="group_min.accuracy", compare="value", min=0.8, name="r"), "group_min.accuracy"),
    ],
)
def test_where_the_groups_are_chosen_by_their_values_they_are_no_part_of_the_id(rule, metric):
    model = Model(positive=["high"], rules=[rule])
    pairs = [("Asian", "Other"), ("Other", "Asian"), ("Hispanic", None)]
    found = [gap(rule="r", metric=metric, group=a, reference=b) for a, b in pairs]
    assert len({alert_id(model, "compas", each) for each in found}) == 1


def test_two_rules_of_one_name_are_refused():
    rules.check(config())
    twice = Model(positive=["high"], rules=[RULE, Rule(metric="false_positive_rate", max=0.2)])
    with pytest.raises(
        ConfigError, match=r"^models\.m\.rules\[1\]\.name: 'false_positive_rate difference, all'"
    ):
        rules.check(config(models={"m": twice}))
