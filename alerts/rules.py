"""Which readings breach which rules. Pure.

A rule fires on proof and resolves on sight: a breach needs the whole interval beyond the limit, or what a
sequential test proves (monitor/trials/); the way back needs only the value inside the limits again. Whatever
is undecided in between leaves the alert as it is. A sequential proof is never taken back, so an alert that
was told and resolved needs a newer one to fire again: that of a change found since.
"""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec
from msgspec import Struct

from monitor import trials
from monitor.config import Config, ConfigError, Model, Rule, Severity, durations, rule_name
from monitor.fairness import population, reference
from monitor.readings import Comparison, Drift, Reading, Verdict

Evidence = Comparison | Drift


class Finding(Struct, frozen=True, kw_only=True):
    """What a reading says about one alert: in breach, or back inside the limits."""

    id: str
    model: str
    rule: str
    severity: Severity
    hold_ms: int  # for how long, in event time, a breach must last before the alert fires
    breached: bool
    evidence: Evidence


def breaches(model: Model, name: str, readings: Iterable[Reading]) -> list[Finding]:
    """What the readings of the model `name` say about its rules' alerts, where they say anything."""
    rules = named(model)
    return [
        Finding(
            id=alert_id(model, name, evidence, rule),
            model=name,
            rule=evidence.rule,
            severity=rule.severity,
            hold_ms=durations.milliseconds(rule.for_),
            breached=breached,
            evidence=evidence,
        )
        for evidence in judged(readings)
        if evidence.rule is not None
        and (rule := rules.get(evidence.rule)) is not None
        and (breached := is_breached(rule, evidence)) is not None
    ]


def named(model: Model) -> dict[str, Rule]:
    """The model's rules by the names that readings and alerts carry."""
    return {rule_name(rule, model): rule for rule in model.rules}


def judged(readings: Iterable[Reading]) -> Iterator[Evidence]:
    """Every comparison and drift of the readings that belongs to a rule."""
    for reading in readings:
        comparisons = (attribute.comparisons for attribute in reading.attributes.values())
        measured: Iterator[Evidence] = chain(*comparisons, reading.composites, reading.drift)
        yield from (evidence for evidence in measured if evidence.rule is not None)


def is_breached(rule: Rule, evidence: Evidence) -> bool | None:
    """True: proved to be out of limits. False: the value is inside them. None: neither can be said."""
    if not _enough(rule, evidence) or evidence.verdict in (Verdict.UNDEFINED, Verdict.STALE):
        return None
    if evidence.verdict is Verdict.OUT:
        return True
    return False if evidence.verdict is Verdict.WITHIN or _inside(evidence) else None


def alert_id(model: Model, name: str, evidence: Evidence, rule: Rule | None) -> str:
    """The alert's name for ever: a hash of the model, the rule and what the rule is asked about.

    `rule` is the evidence's; None when the model no longer has it.
    """
    if isinstance(evidence, Drift):
        subject: list[str | None] = [evidence.measure, evidence.stream]
    else:
        subject = [evidence.attribute, *_sides(model, evidence, rule)]
    data = msgspec.json.encode([name, evidence.rule, *subject])
    return hashlib.blake2b(data, digest_size=10).hexdigest()


def check(config: Config) -> None:
    """Two rules of one name would share their alerts, and some tests cannot be made: raises ConfigError."""
    trials.check(config)
    for model_name, model in config.models.items():
        seen: set[str] = set()
        for index, rule in enumerate(model.rules):
            name = rule_name(rule, model)
            if name in seen:
                key = f"models.{model_name}.rules[{index}].name"
                raise ConfigError(key, name, "a name that no other rule of the model has")
            seen.add(name)


def _enough(rule: Rule, evidence: Evidence) -> bool:
    if isinstance(evidence, Drift):
        return min(evidence.n, evidence.baseline_n) >= rule.minimum_sample
    alone = evidence.reference is None
    return evidence.n >= rule.minimum_sample and (alone or evidence.reference_n >= rule.minimum_sample)


def _inside(evidence: Evidence) -> bool:
    if evidence.value is None:
        return False
    low = None if isinstance(evidence, Drift) else evidence.min
    has_limit = low is not None or evidence.max is not None
    over = evidence.max is not None and evidence.value > evidence.max
    return has_limit and not over and not (low is not None and evidence.value < low)


def _sides(model: Model, comparison: Comparison, rule: Rule | None) -> tuple[str | None, str | None]:
    """The group and the reference, each only where it stays what it is while the alert is the same.

    The group with the highest rate is not always the same one, nor are the two groups furthest apart.
    """
    word = reference.word(model, comparison.attribute, rule)
    if word == "extremes" or population.extreme(comparison.metric):
        return None, None
    return comparison.group, comparison.reference if word == "pairs" else None
