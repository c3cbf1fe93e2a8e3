"""For the tests of apps that emit: a transport that keeps what it is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fairlead_client.batch import Message
from fairlead_client.transport import Failure

NESTED = ("attributes", "slices", "features", "flags", "values")


class Recorder:
    """Takes the place of Kafka: `Emitter(connect=recorder.connect)`; flush or close before looking.

    While `error` is set every delivery fails with it. `messages` are those that were acknowledged.
    """

    def __init__(self, partitions: int = 4) -> None:
        self.messages: list[Message] = []
        self.connections = 0
        self.closed = 0
        self.error: Exception | None = None
        self._partitions = partitions

    def connect(self) -> Recorder:
        """A new connection."""
        self.connections += 1
        return self

    def partitions(self, topic: str, seconds: float) -> int:  # noqa: ARG002 - all topics have as many
        """See Transport."""
        return self._partitions

    def deliver(self, messages: Sequence[Message], left: Callable[[], float]) -> list[Failure]:  # noqa: ARG002
        """See Transport."""
        if self.error is not None:
            return [Failure(message, self.error) for message in messages]
        self.messages += messages
        return []

    def close(self) -> None:
        """See Transport."""
        self.closed += 1

    def abandon(self) -> None:
        """See Transport."""

    def events(self, topic: str) -> list[dict[str, Any]]:
        """The events of a topic as single objects, in the order of their arrival."""
        bodies = (json.loads(message.value) for message in self.messages if message.topic == topic)
        return [event for body in bodies for event in _events(body)]


def _events(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The batch by columns, event by event, without what is missing."""
    model = {"model": body["model"]} if "model" in body else {}
    columns = body["columns"]
    for cells in zip(*columns.values()):
        present = {name: cell for name, cell in zip(columns, cells) if cell is not None}
        yield {**model, **_nested(present)}


def _nested(row: Mapping[str, Any]) -> dict[str, Any]:
    event: dict[str, Any] = {}
    for column, value in row.items():
        field, dot, name = column.partition(".")
        if dot and field in NESTED:
            event.setdefault(field, {})[name] = value
        else:
            event[column] = value
    return event
