"""What `collect` tells `evaluate` through the topic of panes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Raw, Struct

from monitor.events.exposed import Exposure
from monitor.panes import packed
from monitor.panes.packed import Pane
from streams import parts
from streams.parts import LARGEST


class Clock(Struct, frozen=True, tag="clock"):
    """How far one partition of the events has come: all events up to `time` (ms) are in its panes.

    `idle`: it has been at the end of all its logs for some seconds, so `time` will stand still.
    `arrived` is the wall time (ms) at which the oldest event since the last clock reached Kafka, 0 if
    none came. `holder` numbers its words; the one that is `seen` was in this log before Kafka was asked
    where the logs end that hold nobody back: see streams/clocks.py.
    """

    partition: int
    partitions: int
    time: int | None
    idle: bool
    arrived: int = 0
    holder: str = ""
    number: int = 0
    seen: int = 0


class PaneMessage(Struct, frozen=True, tag="panes"):
    """Panes of one model as records; see monitor/panes/packed.py."""

    panes: list[Raw]


class Part(Struct, frozen=True, tag="part"):
    """A part of a pane that is too large for one message, to be laid under `key`; see streams/parts.py."""

    key: bytes
    data: bytes


class Found(Struct, frozen=True, tag="found"):
    """What one partition of the events found in those of a model that should not be there."""

    model: str
    partition: int
    exposures: list[Exposure]


Message = Clock | PaneMessage | Part | Found
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)
KINDS = ("clock", "panes", "part", "found")
PANE = b"pane/"  # keys of panes in the table begin so


def encode(message: Message) -> bytes:
    """The message as bytes.

    >>> decode(encode(Clock(0, 4, None, True))).idle
    True
    """
    return msgspec.msgpack.encode(message)


def decode(record: bytes) -> Message:
    """The message. Raises ValueError for one of a kind that a newer Fairlead sends."""
    try:
        return _decoder.decode(record)
    except msgspec.ValidationError as error:
        raise ValueError(
            f"message: {error}: allowed are {', '.join(KINDS)} as this Fairlead knows them: upgrade it"
        ) from None


def pane_key(pane: Pane) -> bytes:
    """The key of a pane in the table.

    >>> pane_key(Pane(model="loans", partition=3, slot=9, shape="", phi="1", counted=b""))
    b'pane/3/9/loans'
    """
    return place_key(pane.model, pane.partition, pane.slot)


def place_key(model: str, partition: int, slot: int) -> bytes:
    """The key of whatever pane is of this place."""
    return b"%s%d/%d/%s" % (PANE, partition, slot, model.encode())


def bundles(panes: Iterable[Pane]) -> Iterator[tuple[str, bytes]]:
    """The panes in few messages, each with the model that it is about; a large pane in several."""
    waiting: dict[str, list[Raw]] = defaultdict(list)
    sizes: Counter[str] = Counter()
    for pane in panes:
        (record,) = packed.dump([pane])
        _, cut = parts.split(pane_key(pane), record)
        for part in cut.items():
            yield pane.model, encode(Part(*part))
        if cut:
            continue
        if sizes[pane.model] + len(record) > LARGEST:
            yield pane.model, encode(PaneMessage(waiting.pop(pane.model)))
            del sizes[pane.model]
        waiting[pane.model].append(Raw(record))
        sizes[pane.model] += len(record)
    for model, rest in waiting.items():
        yield model, encode(PaneMessage(rest))
