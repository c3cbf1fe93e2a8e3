"""HTTP for apps without a Kafka client: `POST /v1/decisions` and `POST /v1/feedback`.

An answer of 202 says that Kafka has the events: all in-sync replicas have acknowledged them. What an
app sends twice counts once, so after any other answer it may send the whole body again.
"""

import asyncio
import hmac
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from monitor.arrays.personal import shown
from monitor.config import Config, Secret
from monitor.events import DAY_MS, Decision, Decoder, Feedback, InvalidEventError
from monitor.events.exposed import UnknownFields
from streams.ingest import bodies, openapi
from streams.ingest.backlog import AwayError, Backlog, BusyError
from streams.ingest.openapi import DECISIONS, DOCUMENT, FEEDBACK, JSON, NDJSON, PATHS, Answer, Error
from streams.ingest.records import Record, record

MOST_REQUESTS = 64
"""Requests that are worked on at once: their bodies are in memory."""

READ_SECONDS = 30.0
"""For how long a body may take to arrive."""

log = logging.getLogger("fairlead.ingest")


class RefusedError(Exception):
    """A request that is not taken at all; keywords are headers of the answer."""

    def __init__(self, status: int, reason: str, detail: str, **headers: str) -> None:
        super().__init__(reason)
        self.status, self.answer = status, Answer(0, [Error(None, reason, detail)])
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Ingest:
    """The two doors. `counts` takes what is invalid or unknown, as `Collect.counts` does.

    `requests` is how many may be worked on at once, `reading` how many seconds a body may take to arrive,
    `now` gives Unix seconds.
    """

    def __init__(
        self,
        config: Config,
        token: Secret,
        backlog: Backlog,
        counts: Counter[str],
        *,
        requests: int = MOST_REQUESTS,
        reading: float = READ_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._config, self._token, self._backlog, self._counts = config, token.value.encode(), backlog, counts
        self._free, self._reading, self._now = requests, reading, now
        self._unknown = UnknownFields()

    def routes(self) -> list[web.RouteDef]:
        """For the worker's application."""
        broker = self._config.broker
        return [
            web.post(DECISIONS, self._door(broker.decisions, Decoder(Decision))),
            web.post(FEEDBACK, self._door(broker.feedback, Decoder(Feedback))),
            web.get(DOCUMENT, self._document),
        ]

    def _door(self, topic: str, decoder: Decoder[Any]) -> Handler:
        async def take(request: web.Request) -> web.Response:
            try:
                return await self._take(request, topic, decoder)
            except RefusedError as refused:
                return answer(refused.status, refused.answer, refused.headers)

        return take

    async def _document(self, _: web.Request) -> web.Response:
        return web.Response(body=openapi.document(), content_type=JSON)

    async def _take(self, request: web.Request, topic: str, decoder: Decoder[Any]) -> web.Response:
        authorise(request, self._token)
        lines = _lines(request)
        with self._place():
            body = await body_of(request, self._config.ingest.max_body, self._reading)
            records, errors = self._records(body, lines, decoder)
            if records:  # what is no event is told also while Kafka is away
                await self._send(topic, records)
        return answer(202 if records or not errors else 400, Answer(len(records), errors))

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._free <= 0:
            raise RefusedError(429, "busy", "too many requests at once; try again", Retry_After="1")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    def _records(self, body: bytes, lines: bool, decoder: Decoder[Any]) -> tuple[list[Record], list[Error]]:
        """The good events as records of Kafka, and what is wrong with the others."""
        try:
            found = bodies.read(body, lines, decoder, int(self._now() * 1000) + DAY_MS)
        except bodies.TooManyEventsError:
            raise RefusedError(413, "too_many", f"the body: allowed: at most {bodies.MOST} events") from None
        records, errors = [], [Error(bad.record, bad.reason, bad.detail) for bad in found.invalid]
        for event, place in zip(found.events, found.places, strict=True):
            try:
                records.append(self._record(event))
            except InvalidEventError as error:
                errors.append(Error(place, error.reason, str(error)))
        self._counts.update(f"invalid.{error.reason}" for error in errors)
        self._counts.update(self._unknown.counted(found.unknown))
        return records, sorted(errors, key=lambda error: error.index or 0)

    def _record(self, event: Decision | Feedback) -> Record:
        if isinstance(event, Decision) and event.model not in self._config.models:
            detail = f"model: {shown(event.model)}; allowed: {', '.join(self._config.models)}"
            raise InvalidEventError("unknown_model", detail)
        return record(event)

    async def _send(self, topic: str, records: list[Record]) -> None:
        try:
            await self._backlog.send(topic, records)
        except BusyError:
            raise RefusedError(429, "busy", "Kafka is slow; send it again later", Retry_After="1") from None
        except AwayError:
            detail = "Kafka has not acknowledged; send it again: what has arrived counts once"
            raise RefusedError(503, "kafka_away", detail, Retry_After="5") from None


async def body_of(request: web.Request, most: int, seconds: float) -> bytes:
    """The body. Raises RefusedError for one of more bytes, or one that takes longer to come."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > most:
                    raise RefusedError(413, "too_large", f"the body: allowed: at most {most} bytes")
    except TimeoutError:
        raise RefusedError(408, "slow", f"the body: allowed: {seconds:g} seconds") from None
    return bytes(body)


def authorise(request: web.Request, token: bytes) -> None:
    """Raises RefusedError for a request that does not bear the token."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        asked = {"WWW_Authenticate": 'Bearer realm="fairlead"'}
        raise RefusedError(401, "no_token", "Authorization: Bearer and the token are required", **asked)
    if not hmac.compare_digest(given.strip().encode(errors="surrogateescape"), token):
        raise RefusedError(403, "wrong_token", "Authorization: the token is not ours")


def beside(login: Middleware, others: Set[str] = frozenset()) -> Middleware:
    """The page's login for all but ingest and `others`, which ask for a token in the same header."""

    @web.middleware
    async def ask(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await (handler(request) if request.path in PATHS | others else login(request, handler))

    return ask


def _lines(request: web.Request) -> bool:
    """Whether each line is an event."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise RefusedError(415, "encoded", "Content-Encoding: allowed: none")
    charset = (request.charset or "utf-8").lower()
    if request.content_type not in (JSON, NDJSON) or charset not in ("utf-8", "utf8"):
        raise RefusedError(415, "media_type", f"Content-Type: allowed: {JSON} or {NDJSON}, in UTF-8")
    return request.content_type == NDJSON


def answer(status: int, answer: Answer, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(answer), content_type=JSON, headers=headers)


def discreet(record: logging.LogRecord) -> bool:
    """A filter of logs: of an exception it keeps the kind and the place, for its words may be a person's."""
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        trace, place = error.__traceback__, ""
        while trace is not None:
            place = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"
            trace = trace.tb_next
        record.msg, record.exc_info = f"{record.msg}: {type(error).__name__}{place}", None
    return True


log.addFilter(discreet)
