"""Events to Kafka messages: one message holds many events of one topic, partition and model, by columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fairlead_client.events import Row
from fairlead_client.partition import partition_of

MAX_EVENTS = 1000  # of one message


class Event(NamedTuple):
    """One event on its way. `number` counts what the queue has taken; `model` is None for feedback."""

    number: int
    topic: str
    model: str | None
    id: str
    row: Row


class Message(NamedTuple):
    """One Kafka record. `key` is the first event's id, so any murmur2 producer would put it there."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    events: Sequence[Event]


def messages(events: Iterable[Event], partitions: Mapping[str, int], max_bytes: int) -> Iterator[Message]:
    """Batches the events; `partitions` is the number of partitions of each topic.

    A message's value stays under `max_bytes` unless a single event is larger.

    >>> rows = [{"id": "a", "decision": True, "score": 0.5}, {"id": "b", "decision": False}]
    >>> events = [Event(n, "decisions", "credit", row["id"], row) for n, row in enumerate(rows)]
    >>> [message] = messages(events, {"decisions": 1}, max_bytes=1000)
    >>> message.value
    b'{"model":"credit","columns":{"id":["a","b"],"decision":[true,false],"score":[0.5,null]}}'
    """
    groups: dict[tuple[str, int, str | None], list[Event]] = {}
    for event in events:
        partition = partition_of(event.id, partitions[event.topic])
        groups.setdefault((event.topic, partition, event.model), []).append(event)
    for (topic, partition, _), group in groups.items():
        for start in range(0, len(group), MAX_EVENTS):
            yield from _fitting(topic, partition, group[start : start + MAX_EVENTS], max_bytes)


def _fitting(topic: str, partition: int, events: Sequence[Event], max_bytes: int) -> Iterator[Message]:
    """One message, or, when that is too large, those of its two halves."""
    value = _encode(events)
    if len(value) <= max_bytes or len(events) == 1:
        yield Message(topic, partition, events[0].id.encode(), value, events)
        return
    half = len(events) // 2
    yield from _fitting(topic, partition, events[:half], max_bytes)
    yield from _fitting(topic, partition, events[half:], max_bytes)


def _encode(events: Sequence[Event]) -> bytes:
    body: dict[str, Any] = {} if events[0].model is None else {"model": events[0].model}
    body["columns"] = _columns([event.row for event in events])
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}
