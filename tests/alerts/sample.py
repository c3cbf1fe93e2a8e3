"""Alerts and the configuration that they are about, for the tests of this folder."""

from typing import Any

import msgspec
from hypothesis import settings

from alerts.alert import Alert, State
from monitor.config import Config, Model, Rule, convert, rule_name
from tests.readings import GAP, NOW

steady = settings(derandomize=True)  # the same examples each time, however slow
RULE = Rule(metric="false_positive_rate", max=0.1, severity="critical")
MODEL = Model(
    positive=["high"],
    favourable=False,
    purpose="Estimates the risk of reoffending",
    owner="Ada",
    attributes=["race"],
    reference={"race": "Caucasian"},
    windows=["all"],
    rules=[RULE],
)
CONFIG = convert(
    {"models": {"compas": msgspec.to_builtins(MODEL)}, "alerts": {"link": "https://fair.example.com/"}},
    Config,
    "",
)


def config(**sections: Any) -> Config:
    """The sample's configuration with other sections."""
    return msgspec.structs.replace(CONFIG, **sections)


def alert(**changes: Any) -> Alert:
    """A firing alert about the sample's comparison, changed."""
    plain = Alert(
        id="0123456789abcdef0123",
        sequence=1,
        state=State.FIRING,
        model="compas",
        rule=rule_name(RULE, MODEL),
        severity="critical",
        since=NOW,
        changed=NOW,
        evidence=GAP,
        episode=1,
        fired=True,
    )
    return msgspec.structs.replace(plain, **changes)
