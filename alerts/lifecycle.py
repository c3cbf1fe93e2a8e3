"""How an alert lives: pending → firing → resolved, and again. Pure; time is an argument, in event time."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from alerts.alert import Alert, State
from alerts.rules import Finding, alert_id, breaches, judged, named
from monitor.config import Model
from monitor.events.exposed import Exposure
from monitor.readings import Comparison, Drift, Reading


def step(
    model: Model, name: str, readings: Iterable[Reading], alerts: Mapping[str, Alert], now: int
) -> list[Alert]:
    """The alerts of the model `name` that change, given all its readings, one a window, as of `now` (ms).

    `alerts` are the present ones by id. The caller keeps what is returned, and emits it.
    """
    readings = list(readings)
    findings = breaches(model, name, readings)
    changes = [advance(alerts.get(finding.id), finding, now) for finding in findings]
    return [change for change in changes if change is not None] + _ended(model, name, readings, alerts, now)


def removed(models: Iterable[str], alerts: Iterable[Alert], now: int) -> list[Alert]:
    """Open alerts of models that the configuration no longer holds, resolved."""
    kept = set(models)
    note = "the model was removed from the configuration"
    gone = (alert for alert in alerts if alert.model not in kept and alert.state is not State.RESOLVED)
    return [resolve(alert, now, note) for alert in gone]


def advance(alert: Alert | None, finding: Finding, now: int) -> Alert | None:
    """The alert after the finding, or None when nothing changed."""
    if finding.breached:
        return _breached(alert, finding, now)
    if alert is None or alert.state is State.RESOLVED:
        return None
    return resolve(replace(alert, evidence=finding.evidence), now)


def _breached(alert: Alert | None, finding: Finding, now: int) -> Alert | None:
    if alert is None or alert.state is State.RESOLVED:
        if alert is not None and is_old(alert, finding):
            return None
        pending = _begin(alert, finding, now)
        return _fire(pending, now) if finding.hold_ms == 0 else pending
    if alert.state is State.FIRING or now - alert.since < finding.hold_ms:
        return None
    return _fire(replace(_next(alert, now), severity=finding.severity, evidence=finding.evidence), now)


def is_old(alert: Alert, finding: Finding) -> bool:
    """Whether a test's newest proof was there before the alert that it led to was resolved."""
    proved = finding.evidence.confirmed if isinstance(finding.evidence, Comparison) else None
    return proved is not None and alert.fired and proved <= alert.changed


def _begin(alert: Alert | None, finding: Finding, now: int) -> Alert:
    return Alert(
        id=finding.id,
        sequence=alert.sequence + 1 if alert else 1,
        state=State.PENDING,
        model=finding.model,
        rule=finding.rule,
        severity=finding.severity,
        since=now,
        changed=now,
        evidence=finding.evidence,
        episode=alert.episode if alert else 0,
    )


def _next(alert: Alert, now: int) -> Alert:
    return replace(alert, sequence=alert.sequence + 1, changed=now)


def _fire(alert: Alert, now: int) -> Alert:
    return replace(alert, state=State.FIRING, changed=now, episode=alert.episode + 1, fired=True)


def resolve(alert: Alert, now: int, note: str = "") -> Alert:
    """The alert, ended; `note` says why where no reading did."""
    return replace(_next(alert, now), state=State.RESOLVED, note=note)


def _ended(
    model: Model, name: str, readings: list[Reading], alerts: Mapping[str, Alert], now: int
) -> list[Alert]:
    """Open alerts that no reading will ever speak of again: they must not fire for ever."""
    opened = [alert for alert in alerts.values() if alert.model == name and _is_open(alert)]
    if not opened:
        return []
    rules, spoken = named(model), list(judged(readings))
    asked = {evidence.rule for evidence in spoken}
    present = {alert_id(model, name, each, rules.get(each.rule or "")) for each in spoken}

    def why(alert: Alert) -> str:
        if alert.rule not in rules:
            return "the rule was removed from the configuration"
        # That nothing at all was measured for the rule, or in a past that is gone by, says nothing.
        known = alert.rule in asked and alert.changed <= now
        return _why_unmeasured(alert) if known and alert.id not in present else ""

    return [resolve(alert, now, note) for alert in opened if (note := why(alert))]


def _is_open(alert: Alert) -> bool:
    """Whether it waits for a reading; of what events should not hold no reading speaks (exposures.py)."""
    return alert.state is not State.RESOLVED and not isinstance(alert.evidence, Exposure)


def _why_unmeasured(alert: Alert) -> str:
    if isinstance(alert.evidence, Drift):
        return "the stream of values is no longer measured"
    return "the group is no longer compared: it left the window, or became the reference"
