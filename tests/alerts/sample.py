"""Alerts and what they are made of, for the tests of this folder."""

from typing import Any

import msgspec
from hypothesis import settings

from alerts.alert import Alert, State
from monitor.config import Config, Model, Rule, convert, rule_name
from monitor.readings import Attribute, Comparison, Drift, Reading, Verdict

steady = settings(derandomize=True, deadline=None)  # the same examples each time, however slow
NOW = 1_388_534_400_000  # 2014-01-01, event time
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
GAP = Comparison(
    metric="false_positive_rate",
    compare="difference",
    attribute="race",
    group="African-American",
    reference="Caucasian",
    value=0.2138,
    low=0.1801,
    high=0.2466,
    n=1795,
    reference_n=1488,
    group_rate=0.4485,
    reference_rate=0.2347,
    min=None,
    max=0.1,
    verdict=Verdict.OUT,
    window="all",
    rule=rule_name(RULE, MODEL),
)
DRIFT = Drift(
    measure="psi",
    stream="score",
    window="30d",
    value=0.31,
    n=4000,
    baseline_n=1000,
    max=0.2,
    verdict=Verdict.OUT,
    rule="psi of score",
)
CONFIG = convert(
    {"models": {"compas": msgspec.to_builtins(MODEL)}, "alerts": {"link": "https://fair.example.com/"}},
    Config,
    "",
)


def config(**sections: Any) -> Config:
    """The sample's configuration with other sections."""
    return msgspec.structs.replace(CONFIG, **sections)


def gap(**changes: Any) -> Comparison:
    """The sample's comparison, changed."""
    return msgspec.structs.replace(GAP, **changes)


def drift(**changes: Any) -> Drift:
    """The sample's drift, changed."""
    return msgspec.structs.replace(DRIFT, **changes)


def reading(*comparisons: Comparison, drifts: tuple[Drift, ...] = (), **changes: Any) -> Reading:
    """A reading that holds these comparisons and drifts."""
    attributes: dict[str, Attribute] = {}
    for comparison in comparisons:
        found = attributes.setdefault(comparison.attribute, Attribute("Caucasian", {}, []))
        found.comparisons.append(comparison)
    plain = Reading(
        model="compas",
        window="all",
        as_of=NOW,
        decisions=6172,
        feedback=6172,
        attributes=attributes,
        composites=[],
        drift=list(drifts),
    )
    return msgspec.structs.replace(plain, **changes)


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
