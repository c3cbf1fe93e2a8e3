"""Alerts and their deliveries as rows: what `fairlead alerts list` and `history` print."""

from collections.abc import Iterable

from msgspec import Struct

from alerts.alert import Alert, Evidence, State
from alerts.outbox import Delivery, Progress
from monitor.config import Severity
from monitor.events.exposed import Exposure
from monitor.readings import Drift
from monitor.words import clean

_URGENCY = {State.FIRING: 0, State.PENDING: 1, State.RESOLVED: 2}


class Row(Struct, frozen=True, kw_only=True):
    """One alert. `since` and `changed` are event times in ms."""

    id: str
    state: State
    severity: Severity
    model: str
    rule: str
    subject: str
    since: int
    changed: int
    episode: int


class Event(Struct, frozen=True, kw_only=True):
    """One notification on its way to one destination. `at`: when it was told, or else queued (wall, ms)."""

    id: str
    sequence: int
    state: State
    model: str
    rule: str
    subject: str
    destination: str
    progress: Progress
    attempts: int
    at: int
    reason: str


def rows(alerts: Iterable[Alert]) -> list[Row]:
    """The alerts, firing ones first, the newest change first."""
    ordered = sorted(alerts, key=lambda alert: (_URGENCY[alert.state], -alert.changed, alert.id))
    return [
        Row(
            id=alert.id,
            state=alert.state,
            severity=alert.severity,
            model=alert.model,
            rule=alert.rule,
            subject=subject(alert.evidence),
            since=alert.since,
            changed=alert.changed,
            episode=alert.episode,
        )
        for alert in ordered
    ]


def events(deliveries: Iterable[Delivery]) -> list[Event]:
    """The deliveries, the newest first."""
    found = [
        Event(
            id=delivery.alert.id,
            sequence=delivery.alert.sequence,
            state=delivery.alert.state,
            model=delivery.alert.model,
            rule=delivery.alert.rule,
            subject=subject(delivery.alert.evidence),
            destination=delivery.destination,
            progress=delivery.state,
            attempts=delivery.attempts,
            at=delivery.told or delivery.created,
            reason=delivery.reason,
        )
        for delivery in deliveries
    ]
    return sorted(found, key=lambda event: (-event.at, event.id, -event.sequence, event.destination))


def subject(evidence: Evidence) -> str:
    """What the alert is about: groups, values or a field. For eyes that may see small groups."""
    if isinstance(evidence, Exposure):
        return clean(f"{evidence.event}: {evidence.field}")
    if isinstance(evidence, Drift):
        return clean(evidence.stream)
    against = "" if evidence.reference is None else f" against {clean(evidence.reference)}"
    return f"{clean(evidence.attribute)}: {clean(evidence.group)}{against}"
