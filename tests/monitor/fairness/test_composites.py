import numpy as np
import pytest

from monitor.config import Model, Rule
from monitor.fairness import composites
from monitor.panes import histogram
from monitor.panes.table import Table
from monitor.readings import Comparison, Verdict
from tests.monitor.fairness.published import CLARIFY, COUNTS, FIGURES, labelled
from tests.monitor.tables import table

COMPAS = table(FIGURES["compas"]["published"]["race"])
COMPAS_SEX = table(FIGURES["compas"]["published"]["sex"])


def read(groups: Table, *rules: Rule, reference="Caucasian", **more) -> list[Comparison]:
    model = Model(positive=[True], reference=reference, rules=list(rules))
    return composites.read(groups, attribute="race", model=model, window="all", **more)


def asked(found: list[Comparison]) -> list[Comparison]:
    return [comparison for comparison in found if comparison.rule is not None]


def test_defaults_are_each_group_against_the_reference_and_everybody():
    found = read(COMPAS)
    pairs = [(c.metric, c.group, c.reference) for c in found]
    assert ("equalized_odds", "African-American", "Caucasian") in pairs
    assert ("generalized_entropy", "all groups", None) in pairs
    assert len(pairs) == 2 * 5 + 2
    assert {c.verdict for c in found} == {Verdict.UNDECIDED}


def test_a_rules_limits_decide():
    found = asked(read(COMPAS, Rule(metric="equalized_odds_difference", max=0.1)))
    black = next(c for c in found if c.group == "African-American")
    assert (black.metric, black.compare, black.verdict) == ("equalized_odds", "difference", Verdict.OUT)
    assert black.value == pytest.approx(805 / 1795 - 349 / 1488)
    assert (black.n, black.reference_n) == (1795, 966)
    assert black.rule == "equalized_odds_difference difference, all"


def test_a_composite_of_everybody_is_judged_by_its_value():
    [found] = asked(read(COMPAS, Rule(metric="theil", max=0.1)))
    assert (found.metric, found.compare, found.reference) == ("theil_index", "value", None)
    assert found.verdict is Verdict.OUT
    assert found.n == found.reference_n == 7214


def test_the_worst_group_is_named():
    [found] = asked(read(COMPAS, Rule(metric="worst_group", min=0.5)))
    assert (found.metric, found.group, found.verdict) == (
        "group_min.accuracy",
        "African-American",
        Verdict.WITHIN,
    )


def test_what_has_no_interval_is_never_decided():
    [found] = asked(read(COMPAS, Rule(metric="differential_fairness", max=0.01)))
    assert (found.low, found.verdict) == (None, Verdict.UNDECIDED)
    assert found.value > 0.01


def test_extremes_are_the_pair_furthest_apart():
    rules = [
        Rule(metric="equalized_odds", compare=how, reference="extremes") for how in ("difference", "ratio")
    ]
    groups = table(
        {name: FIGURES["compas"]["published"]["race"][name] for name in ("Caucasian", "Other", "Hispanic")}
    )
    difference, ratio = asked(read(groups, *rules))
    everyone = read(groups, reference="pairs")
    assert difference.value == max(c.value for c in everyone if c.metric == "equalized_odds")
    assert ratio.value < 1


def test_the_highest_is_by_selection_rate_and_overall_gives_way_to_the_largest():
    groups = table({"a": {"tp": 5, "tn": 5}, "b": {"tp": 9, "tn": 3}, "c": {"fn": 20, "tn": 20}})
    [highest, *_] = asked(read(groups, Rule(metric="class_imbalance", reference="highest")))
    [largest, *_] = asked(read(groups, Rule(metric="class_imbalance", reference="overall")))
    assert (highest.reference, largest.reference) == ("b", "c")


def test_label_divergences_of_german_credit():
    groups = labelled(COUNTS["german"]["foreign_worker by housing by risk"], "good", lambda parts: parts[0])
    [found] = asked(read(groups, Rule(metric="label_kl", max=0.5), reference="A202"))
    expected = FIGURES["german"]["smclarify_foreign_worker_A201"]["KL"]
    assert (found.group, found.value) == ("A201", pytest.approx(expected, abs=1e-12))


def test_conditional_demographic_disparity_needs_its_slice():
    rule = Rule(metric="conditional_demographic_disparity.region")
    [women, men] = asked(read(COMPAS_SEX, rule, slices={"region": [COMPAS_SEX, COMPAS_SEX]}))
    assert women.value == pytest.approx(-men.value)
    assert women.value > 0
    for missing in asked(read(COMPAS_SEX, rule)):
        assert (missing.value, missing.verdict) == (None, Verdict.UNDEFINED)


def test_a_metric_within_a_slice():
    easy = table({"women": {"up": 80, "un": 20}, "men": {"up": 640, "un": 160}})
    hard = table({"women": {"up": 160, "un": 640}, "men": {"up": 20, "un": 80}})
    whole = table({"women": {"up": 240, "un": 660}, "men": {"up": 660, "un": 240}})
    rule = Rule(metric="within.department.selection_rate", min=-0.1, max=0.1)
    [found] = asked(read(whole, rule, slices={"department": [easy, hard]}, reference="men"))
    assert (found.group, found.reference, found.verdict) == ("women", "men", Verdict.WITHIN)
    assert found.value == pytest.approx(0, abs=1e-12)
    [missing] = asked(read(whole, rule, reference="men"))
    assert (missing.value, missing.verdict) == (None, Verdict.UNDEFINED)


def test_where_no_pair_has_a_value_extremes_are_undefined():
    groups = table({"a": {"tp": 5}, "b": {"tp": 5}})
    [found] = asked(read(groups, Rule(metric="equalized_odds", reference="extremes", max=0.1)))
    assert found.verdict is Verdict.UNDEFINED


def test_a_rate_that_nobody_has_has_no_worst_group():
    assert asked(read(table({"a": {"up": 5}}), Rule(metric="group_min.accuracy", min=0.5))) == []


def test_scores_are_compared_between_groups():
    spread = [histogram.numeric(np.tile(np.arange(60), 10) + shift) for shift in (0, 30)]
    groups = Table(["a", "b"], {"up": np.array([600, 600])}, {"score.none": spread})
    found = asked(read(groups, Rule(metric="smd", max=0.2), Rule(metric="score.ks", max=0.2), reference="a"))
    assert [c.metric for c in found] == ["score.smd", "score.ks"]
    assert [c.verdict for c in found] == [Verdict.OUT, Verdict.OUT]
    assert found[1].value == 0.5
    assert (found[1].n, found[1].reference_n) == (600, 600)


def test_a_reference_that_has_not_come_compares_nothing():
    assert [c.metric for c in read(CLARIFY, reference="nobody")] == [
        "generalized_entropy",
        "differential_fairness",
    ]


def test_an_empty_table_has_no_composites():
    assert read(table({})) == []


def test_other_metrics_are_passed_over():
    assert asked(read(COMPAS, Rule(metric="selection_rate", max=0.1), Rule(metric="psi", max=0.1))) == []
