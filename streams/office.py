"""The officer's door: `GET /v1/alerts` shows all alerts and what was done about them, `POST` acts.

Small groups are not hidden here: it asks for the token of `[alerts]`. Every look and every action is
logged, and every action is kept, with who did it and when.
"""

import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec import Struct, ValidationError

from alerts import history
from alerts.actions import Action, Kind
from alerts.alert import Alert
from alerts.history import Event
from alerts.outbox import Delivery
from alerts.silences import Silence
from monitor.config import Secret
from monitor.words import clean
from streams.ingest.endpoints import READ_SECONDS, RefusedError, answer, authorise, body_of

ALERTS = "/v1/alerts"
PATHS = frozenset({ALERTS})
LONGEST_MS = 366 * 86_400_000  # of a silence
LARGEST = 10_000  # bytes of a request's body
WORDS = 500  # characters of a comment

log = logging.getLogger("fairlead.office")


class Wanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody wants to do: ack `about`, end the silence `about`, or begin one for `ms` from now."""

    kind: Kind
    by: str
    comment: str = ""
    about: str = ""
    ms: int = 0
    model: str | None = None
    rule: str | None = None
    group: str | None = None


class Affairs(Struct, frozen=True, kw_only=True):
    """The alerts that this worker evaluates, what it told of alerts, and what people did (newest first)."""

    alerts: list[Alert]
    deliveries: list[Event]
    actions: list[Action]
    silences: list[Silence]


class _Evaluates(Protocol):
    def alerts(self) -> list[Alert]: ...


class _Notifies(Protocol):
    def deliveries(self) -> list[Delivery]: ...
    def actions(self) -> list[Action]: ...
    def silences(self) -> list[Silence]: ...
    async def act(self, action: Action) -> None: ...


class Worker(Protocol):
    """What the office asks of a worker."""

    @property
    def evaluate(self) -> _Evaluates: ...
    @property
    def notify(self) -> _Notifies: ...


class Office:
    """The routes. `now` gives wall time in ms, `name` a new name for an action."""

    def __init__(
        self,
        worker: Worker,
        token: Secret,
        *,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        name: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._worker, self._token, self._now, self._name = worker, token.value.encode(), now, name

    def routes(self) -> list[web.RouteDef]:
        """For the worker's application."""
        return [web.get(ALERTS, self._door(self._look)), web.post(ALERTS, self._door(self._act))]

    def _door(self, handler: Callable[[web.Request], Awaitable[web.Response]]) -> Handler:
        async def take(request: web.Request) -> web.Response:
            try:
                authorise(request, self._token)
                return await handler(request)
            except RefusedError as refused:
                return answer(refused.status, refused.answer, refused.headers)

        return take

    async def _look(self, request: web.Request) -> web.Response:
        log.info("alerts were looked at from %s", request.remote)
        evaluate, notify = self._worker.evaluate, self._worker.notify
        now = self._now()
        found = Affairs(
            alerts=evaluate.alerts(),
            deliveries=history.events(notify.deliveries()),
            actions=notify.actions(),
            silences=[silence for silence in notify.silences() if now < silence.until],
        )
        return _json(found)

    async def _act(self, request: web.Request) -> web.Response:
        body = await body_of(request, LARGEST, READ_SECONDS)
        action = self._action(_wanted(body))
        await self._worker.notify.act(action)
        log.info("%s of %s by %s", action.kind.value, action.about, action.by)
        return _json(action, 202)

    def _action(self, wanted: Wanted) -> Action:
        """What is to be done. Raises RefusedError."""
        name, by, comment = self._name(), clean(wanted.by), clean(wanted.comment, WORDS)
        if not by:
            raise RefusedError(400, "invalid", "by: '' is not allowed; allowed: a name")
        about, episode, silence = wanted.about, 0, None
        if wanted.kind is Kind.SILENCE:
            about, silence = name, self._silence(wanted, name, by, comment)
        elif wanted.kind is Kind.ACK:
            episode = self._alert(about).episode
        elif about not in {silence.id for silence in self._worker.notify.silences()}:
            raise RefusedError(404, "unknown", f"{clean(about)!r}: no silence has this name")
        return Action(
            id=name,
            kind=wanted.kind,
            at=self._now(),
            by=by,
            about=about,
            comment=comment,
            episode=episode,
            silence=silence,
        )

    def _alert(self, about: str) -> Alert:
        found = next((alert for alert in self._worker.evaluate.alerts() if alert.id == about), None)
        if found is None:
            raise RefusedError(404, "unknown", f"{clean(about)!r}: this worker knows no such alert")
        return found

    def _silence(self, wanted: Wanted, name: str, by: str, comment: str) -> Silence:
        if not 0 < wanted.ms <= LONGEST_MS:
            raise RefusedError(400, "invalid", f"ms: {wanted.ms} is not allowed; allowed: 1 to {LONGEST_MS}")
        return Silence(
            id=name,
            until=self._now() + wanted.ms,
            by=by,
            comment=comment,
            model=wanted.model,
            rule=wanted.rule,
            group=wanted.group,
        )


def _wanted(body: bytes) -> Wanted:
    try:
        return msgspec.json.decode(body, type=Wanted)
    except (ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedError(400, "invalid", f"the body: {error}") from None


def _json(found: Struct, status: int = 200) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    body = msgspec.json.encode(found)
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)
