from pathlib import Path

import pytest

from monitor import fairness, rates
from monitor.config import ConfigError, Rule
from monitor.fairness import catalogue, composites, estimates

PAGES = Path(__file__).parents[3] / "docs" / "metrics"


def test_every_name_is_known_and_no_alias_hides_one():
    for name in fairness.names():
        assert fairness.known(name), name
        assert name not in rates.ALIASES


@pytest.mark.parametrize(
    "name",
    ["flags.explained", "reasons.R1", "value.p90", "score.qdd", "group_max.auc", "within.region.accuracy"],
)
def test_composed_names_are_known(name):
    assert fairness.known(name)


def test_a_name_is_a_metric_or_a_composite_not_both():
    for name in fairness.names():
        assert estimates.is_metric(name) != composites.is_composite(name), name


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            Rule(metric="true_positve_rate", max=0.1),
            "rules[0].metric: 'true_positve_rate' is not allowed; allowed: a metric of docs/metrics/, "
            "such as true_positive_rate or ",
        ),
        (Rule(metric="zzz", max=0.1), "a metric of docs/metrics/, such as selection_rate"),
        (Rule(metric="group_share", max=0.5), "rules[0].compare: 'difference'"),
        (Rule(metric="auc", max=0.1, reference="overall"), "rules[0].reference: 'overall'"),
        (Rule(metric="calibration_error", max=0.1), "rules[0].max: 0.1"),
        (Rule(metric="smoothed_edf", max=0.2), "rules[0].max: 0.2"),
        (Rule(metric="score.qdd", min=0.2), "rules[0].min: 0.2"),
        (Rule(metric="conditional_demographic_disparity.region", max=0.2), "has no interval to judge by"),
    ],
)
def test_a_rule_that_cannot_be_answered_is_an_error(rule, message):
    with pytest.raises(ConfigError) as error:
        fairness.check(rule, "rules[0]")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "rule",
    [
        Rule(metric="disparate_impact", min=0.8),
        Rule(metric="group_share", compare="value", min=0.1),
        Rule(metric="fpr", max=0.1, reference="overall"),
        Rule(metric="auc", compare="value", min=0.7, reference="overall"),
        Rule(metric="equalized_odds", compare="ratio", min=0.8),
        Rule(metric="worst_group", min=0.6),
        Rule(metric="theil", max=0.2),
        Rule(metric="score.ks", max=0.2),
        Rule(metric="score.qdd"),
    ],
)
def test_a_rule_that_can_be_answered_passes(rule):
    fairness.check(rule, "rules[0]")


def test_the_documentation_names_every_metric():
    pages = "\n".join(page.read_text() for page in PAGES.glob("*.md"))
    missing = [
        name for name in fairness.names() if not name.startswith("final_") and f"`{name}`" not in pages
    ]
    assert missing == []
    for pattern in catalogue.PATTERNS:
        assert f"`{pattern}`" in pages
    for alias in rates.ALIASES:
        assert f"`{alias}`" in pages, alias
