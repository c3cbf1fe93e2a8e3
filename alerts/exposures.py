"""Alerts on what events hold that they should not: undeclared fields, values that look personal. Pure.

There is one for each model, field and kind of finding. It fires when a field comes, and is resolved when it
has not come for a day of event time, or when the configuration expects it by now.
"""

import hashlib
from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from alerts.alert import Alert, State
from alerts.lifecycle import resolve
from monitor.config import Model, Severity
from monitor.events.exposed import UNDECLARED, Exposure, is_unexpected

QUIET_MS = 86_400_000  # after which what does not come any more is over
RULES: dict[bool, tuple[str, Severity]] = {
    True: ("undeclared fields", "info"),
    False: ("personal values", "warning"),
}  # by whether nobody declared the field: the alert's rule, and its severity
OVER = "it has not come for a day"
EXPECTED = "the configuration expects it now"


def step(
    model: Model, name: str, found: Iterable[Exposure], alerts: Mapping[str, Alert], now: int
) -> list[Alert]:
    """The alerts of the model `name` that change by all that was found in its events, as of `now` (ms)."""
    wanted = {alert_id(name, exposure): exposure for exposure in found if is_unexpected(model, exposure)}
    changes = [_advance(name, id, exposure, alerts.get(id), now) for id, exposure in wanted.items()]
    opened = (alert for alert in alerts.values() if _is_firing(alert) and alert.id not in wanted)
    return [*filter(None, changes), *(resolve(alert, now, EXPECTED) for alert in opened)]


def alert_id(model: str, exposure: Exposure) -> str:
    """The alert's name for ever."""
    data = msgspec.json.encode([model, RULES[exposure.kind == UNDECLARED][0], *exposure.key])
    return hashlib.blake2b(data, digest_size=10).hexdigest()


def _is_firing(alert: Alert) -> bool:
    return alert.state is State.FIRING and isinstance(alert.evidence, Exposure)


def _advance(model: str, id: str, exposure: Exposure, alert: Alert | None, now: int) -> Alert | None:
    """The alert after a finding, or None when nothing changed."""
    over = now - exposure.last > QUIET_MS
    if alert is not None and _is_firing(alert):
        return resolve(replace(alert, evidence=exposure), now, OVER) if over else None
    if over or (alert is not None and exposure.last <= alert.changed):
        return None
    return _fire(model, id, exposure, alert, now)


def _fire(model: str, id: str, exposure: Exposure, alert: Alert | None, now: int) -> Alert:
    rule, severity = RULES[exposure.kind == UNDECLARED]
    return Alert(
        id=id,
        sequence=alert.sequence + 1 if alert else 1,
        state=State.FIRING,
        model=model,
        rule=rule,
        severity=severity,
        since=now,
        changed=now,
        evidence=exposure,
        episode=alert.episode + 1 if alert else 1,
        fired=True,
    )
