"""What `collect` tells `evaluate` through the topic of panes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from monitor.panes import Pane


class Clock(Struct, frozen=True, tag="clock"):
    """How far one partition of the events has come: all events up to `time` (ms) are in its panes.

    `idle`: it has been at the end of both its logs for some seconds, so `time` will stand still.
    `arrived` is the wall time (ms) at which the oldest event since the last clock reached Kafka, 0 if
    none came.
    """

    partition: int
    partitions: int
    time: int | None
    idle: bool
    arrived: int = 0


class PaneMessage(Struct, frozen=True, tag="panes"):
    """Panes of one model; see monitor/panes.py."""

    panes: list[Pane]


Message = Clock | PaneMessage
LARGEST = 400_000  # bytes of a message of panes, about; one pane may be larger
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """The message as bytes.

    >>> decode(encode(Clock(0, 4, None, True))).idle
    True
    """
    return msgspec.msgpack.encode(message)


def decode(record: bytes) -> Message:
    return _decoder.decode(record)


def bundles(panes: Iterable[Pane]) -> Iterator[tuple[str, bytes]]:
    """The panes in few messages: each with the model that it is about."""
    waiting: dict[str, list[Pane]] = defaultdict(list)
    sizes: Counter[str] = Counter()
    for pane in panes:
        size = 200 + len(pane.cells) + len(pane.counts) + len(pane.measures)
        if sizes[pane.model] + size > LARGEST and waiting[pane.model]:
            yield pane.model, encode(PaneMessage(waiting.pop(pane.model)))
            del sizes[pane.model]
        waiting[pane.model].append(pane)
        sizes[pane.model] += size
    for model, rest in waiting.items():
        yield model, encode(PaneMessage(rest))
