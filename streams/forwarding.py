"""Events that lie in another partition than their id's, on their way there: many in one message."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from monitor.arrays.hashing import partitions
from monitor.events import Invalid
from monitor.events.batches import Batch

MOST = 800_000  # bytes of an event that is sent on
LARGEST = 100_000  # bytes of a message of several events
TOO_LARGE = f"the event is for another partition, and too large to be sent on; allowed: {MOST} bytes"

Moved = tuple[int, bytes, bytes]  # partition, key, value


def forwarded(batch: Batch[Any], count: int, invalid: list[Invalid]) -> Iterator[Moved]:
    """The events as arrays for the partitions of `count` that their ids belong to, in their order.

    Those that are too large are added to `invalid`.
    """
    homes = partitions(batch.texts, count)
    for home in np.unique(homes).tolist():
        yield from _moved(home, batch.take(np.flatnonzero(homes == home)), invalid)


def _moved(home: int, batch: Batch[Any], invalid: list[Invalid]) -> Iterator[Moved]:
    key, events, size = b"", list[bytes](), 0
    for event, id, record in zip(batch.events, batch.ids, batch.records.tolist(), strict=True):
        again = msgspec.json.encode(event)
        if len(again) > MOST:
            invalid.append(Invalid(record, "too_large", TOO_LARGE))
            continue
        if events and size + len(again) > LARGEST:
            yield home, key, _message(events)
            events, size = [], 0
        key = key if events else str(id).encode()
        events.append(again)
        size += len(again)
    if events:
        yield home, key, _message(events)


def _message(events: list[bytes]) -> bytes:
    return events[0] if len(events) == 1 else b"[" + b",".join(events) + b"]"
