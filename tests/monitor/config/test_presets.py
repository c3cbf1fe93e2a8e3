"""Presets are sensible rules to start from, and own rules come on top."""

from typing import get_args

import pytest

from monitor import validate
from monitor.config import presets
from monitor.config.config import Model, Preset, Rule, rule_name

NAMES: tuple[Preset, ...] = get_args(Preset)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_has_five_different_rules_that_can_be_asked(name: Preset) -> None:
    model = presets.apply(Model(positive=["yes"], attributes=["sex"], preset=name))
    validate.check("m", model)
    assert len({rule_name(rule, model) for rule in model.rules}) == 5


def test_every_preset_of_the_configuration_has_rules() -> None:
    assert set(presets.RULES) == set(NAMES)


def test_own_rules_come_last_and_replace_what_asks_the_same() -> None:
    own = [
        Rule(metric="selection_rate", compare="ratio", min=0.9, name="ours"),
        Rule(metric="selection_rate", min=-0.1),
        Rule(metric="psi", stream="score", max=0.3, window="24h"),
    ]
    rules = presets.apply(Model(positive=["yes"], preset="credit", rules=own)).rules
    assert rules[-3:] == own
    assert [rule.metric for rule in rules[:-3]] == [
        "positive_predictive_value",
        "override_rate",
        "psi",
        "adwin",
    ]


def test_without_a_preset_nothing_changes() -> None:
    model = Model(positive=["yes"])
    assert presets.apply(model) is model
