"""Prometheus' Alertmanager, through its API v2: it then groups, inhibits and routes as it is set up to."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from alerts import posting
from alerts.alert import State
from alerts.message import Message
from alerts.notifier import Sender
from monitor.config import ConfigError, Secret, Section

_VARIABLE = frozenset({"group", "reference", "stream"})  # may change or be hidden while the alert is the same


class Settings(Section, frozen=True):
    """`url` is Alertmanager's own, without /api. Give `token`, or `username` and `password`, if it asks."""

    url: str
    token: Secret | None = None
    username: str | None = None
    password: Secret | None = None


class Notifier(Sender):
    """Posts the alert, again every minute while it fires: Alertmanager forgets what is not repeated."""

    repeat_ms = 60_000

    def __init__(self, settings: Settings, key: str, now: Callable[[], float] = time.time) -> None:
        self._url = posting.checked(settings.url, f"{key}.url").rstrip("/") + "/api/v2/alerts"
        self._headers = _authorization(settings, key)
        self._now = now

    async def send(self, message: Message) -> None:
        """Alertmanager takes alerts by their labels, so that a repeat is no second alert."""
        body = msgspec.json.encode([to_alert(message, int(self._now() * 1000), self.repeat_ms)])
        await posting.post(self._url, body, self._headers, self.timeout_s)


def to_alert(message: Message, now: int, repeat_ms: int) -> dict[str, Any]:
    """The message in Alertmanager's words. While firing it ends four repeats from `now`, else `now`."""
    start = min(message.since, now - 1)
    end = now if message.state is State.RESOLVED else now + 4 * repeat_ms
    stable = {name: value for name, value in message.labels.items() if name not in _VARIABLE}
    details = {name: value for name, value in message.labels.items() if name in _VARIABLE}
    return {
        "labels": {"alertname": "Fairlead", "id": message.id, "rule": message.rule, **stable},
        "annotations": {"title": message.title, "summary": message.summary, **details},
        "startsAt": _iso(start),
        "endsAt": _iso(end),
        "generatorURL": message.link,
    }


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def _authorization(settings: Settings, key: str) -> dict[str, str]:
    if (settings.username is None) != (settings.password is None):
        raise ConfigError(f"{key}.password", settings.username, "a username and a password, or neither")
    if settings.token is not None:
        return {"Authorization": posting.bearer(settings.token, f"{key}.token")}
    if settings.username is not None and settings.password is not None:
        return {"Authorization": posting.basic(settings.username, settings.password.value)}
    return {}
