"""JSON of other shapes: an agent that reads whose topic a model names, and sends on events of ours.

Each record holds one object, and the model's columns say what of it is which field. Its decision and, if
it holds one, its feedback go to the topics that `collect` reads, by their id: what is read twice counts once.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from monitor.config import Columns, Config
from monitor.events import DAY_MS, Decision, Decoder, Feedback, Invalid, InvalidEventError
from streams import refusals
from streams.bundles import Bundle
from streams.files import mapping
from streams.ingest.records import Record, record
from streams.process import App
from streams.tables import send
from streams.topics import Topics


def named(config: Config) -> dict[str, str]:
    """The topics that models name, each with the model's name."""
    return {model.topic: name for name, model in config.models.items() if model.topic is not None}


class Translated(Struct):
    """What a bundle becomes: keyed records by kind, and what of it cannot count."""

    decisions: list[Record]
    feedback: list[Record]
    invalid: list[Invalid]  # by the number of its record


class Foreign:
    """Consumes the topics that models name. `counts` takes what is invalid, as `Collect.counts` does."""

    def __init__(self, app: App, config: Config, topics: Topics, counts: Counter[str]) -> None:
        self._app, self._topics, self._counts = app, topics, counts
        self._payload = config.broker.invalid_payload
        self._decision, self._feedback = Decoder(Decision), Decoder(Feedback)
        theirs, models = named(config), config.models
        self._models = {topic: (name, models[name].columns or Columns()) for topic, name in theirs.items()}
        if theirs:
            app.consume(self._pass_on, *theirs, name="foreign")

    async def _pass_on(self, bundle: Bundle) -> None:
        found = self.translate(bundle, time.time())
        app, topics = self._app, self._topics
        reports = self.reports(found, bundle)
        await asyncio.gather(
            *(send(app, topics.decisions, value, key=key) for key, value in found.decisions),
            *(send(app, topics.feedback, value, key=key) for key, value in found.feedback),
            *(send(app, topics.invalid, report) for report in reports),
        )

    def reports(self, found: Translated, bundle: Bundle) -> list[bytes]:
        """What is wrong with a bundle, for the topic of invalid events."""
        return refusals.reports(found.invalid, bundle, payload=self._payload)

    def translate(self, bundle: Bundle, now: float) -> Translated:
        """The events of a bundle at `now` (Unix seconds)."""
        found = Translated([], [], [])
        latest = int(now * 1000) + DAY_MS
        for number, each in enumerate(bundle.records):
            if each.value is not None:  # a tombstone says nothing
                self._row(bundle, number, latest, found)
        self._counts.update(f"invalid.{invalid.reason}" for invalid in found.invalid)
        return found

    def _row(self, bundle: Bundle, number: int, latest: int, found: Translated) -> None:
        row = bundle.records[number]
        name, columns = self._models[bundle.topic]
        place = f"{bundle.topic}/{bundle.partition}/{row.offset}"
        try:
            cells = {**_cells(row.value or b""), mapping.ROW: place}
        except InvalidEventError as error:
            found.invalid.append(Invalid(number, error.reason, str(error)))
            return
        parts: list[tuple[Decoder[Any], mapping.Fields | None, list[Record]]] = [
            (self._decision, mapping.decision(cells, columns, name), found.decisions),
            (self._feedback, mapping.feedback(cells, columns), found.feedback),
        ]
        for decoder, fields, into in parts:
            try:
                into.extend([] if fields is None else [_event(decoder, fields, latest)])
            except InvalidEventError as error:
                found.invalid.append(Invalid(number, error.reason, str(error)))


def _cells(value: bytes) -> Mapping[str, object]:
    try:
        found: dict[str, Any] = msgspec.json.decode(value, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEventError("malformed", f"not a JSON object: {str(error)[:120]}") from None
    return found


def _event(decoder: Decoder[Any], fields: Mapping[str, object], latest: int) -> Record:
    """The event as Kafka holds it; raises InvalidEventError."""
    decoded = decoder.decode([msgspec.json.encode(fields)], latest)
    for bad in decoded.invalid:
        raise InvalidEventError(bad.reason, bad.detail)
    return record(decoded.events[0])
