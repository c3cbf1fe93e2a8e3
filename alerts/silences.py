"""Silences: what people asked not to hear about, until when. Pure."""

from collections.abc import Iterable

from msgspec import Struct

from alerts.alert import Alert
from monitor.readings import Comparison


class Silence(Struct, frozen=True, kw_only=True):
    """Mutes the alerts that match until a wall time (ms); what is None matches all."""

    id: str
    until: int
    by: str = ""
    comment: str = ""
    model: str | None = None
    rule: str | None = None
    group: str | None = None


def mutes(silence: Silence, alert: Alert, now: int) -> bool:
    """Whether the silence keeps the alert quiet at `now` (wall time, ms)."""
    group = alert.evidence.group if isinstance(alert.evidence, Comparison) else None
    return (
        now < silence.until
        and silence.model in (None, alert.model)
        and silence.rule in (None, alert.rule)
        and silence.group in (None, group)
    )


def muting(silences: Iterable[Silence], alert: Alert, now: int) -> Silence | None:
    """The silence that lasts longest among those that mute the alert; None when there is none."""
    found = (silence for silence in silences if mutes(silence, alert, now))
    return max(found, key=lambda silence: silence.until, default=None)
