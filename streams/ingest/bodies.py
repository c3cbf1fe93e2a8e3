"""What the body of a request holds: its events one by one, and where in it the others went wrong."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic

import msgspec
from msgspec import Struct

from monitor.events import Decoder, Event, Invalid
from monitor.events.batches import rows

MOST = 10_000
"""Events of one body, and lines of one with a line for each."""

UNFOLDED = 16_000_000
"""Bytes that the names of a batch's columns have together, once each of its events names its own."""

_SEVERAL = "several events in the place of one; allowed: one object"
_NOT_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class TooManyEventsError(ValueError):
    """A body of more than MOST events."""


class Columns(Struct):
    """A batch by columns whose values are not looked at."""

    columns: dict[str, list[msgspec.Raw]]
    model: str | None = None


class Events(Struct, Generic[Event]):
    """The good events of a body; `places[i]` is where `events[i]` stands, as an Invalid's `record` is."""

    events: list[Event]
    places: list[int]
    invalid: list[Invalid]
    unknown: dict[str, int]  # fields that we do not know, by name, of the first event


_items = msgspec.json.Decoder(list[msgspec.Raw])
_columns = msgspec.json.Decoder(Columns)


def read(body: bytes, lines: bool, decoder: Decoder[Any], latest: int) -> Events[Any]:
    r"""The events of a body: an object, an array, a batch by columns; or, with `lines`, one on each line.

    A place is the item's number in the array, the row's in the columns, the line's, from 0. A time after
    `latest` (ms since 1970) is out of range. Raises TooManyEventsError.

    >>> from monitor.events import Feedback
    >>> body = b'{"decision_id": "a", "time": 1}\n\n{"decision_id": "b"}'
    >>> found = read(body, True, Decoder(Feedback), latest=10_000)
    >>> len(found.events), found.invalid[0].record, found.invalid[0].reason
    (1, 2, 'missing_field')
    """
    items = _lines(body) if lines else _array(body)
    if items is None:
        return _by_columns(body, decoder, latest)
    several = [place for place, item in items.items() if _is_several(item)]
    for place in several:
        del items[place]
    return _decoded(items, [Invalid(place, "wrong_shape", _SEVERAL) for place in several], decoder, latest)


def _decoded(
    items: Mapping[int, bytes], invalid: list[Invalid], decoder: Decoder[Event], latest: int
) -> Events[Event]:
    """Each item as a message of its own, so that the decoder's numbers are theirs."""
    found = decoder.decode(list(items.values()), latest)
    places = list(items)
    invalid += [Invalid(places[bad.record], bad.reason, bad.detail) for bad in found.invalid]
    invalid.sort(key=lambda bad: bad.record)
    return Events(found.events, [places[record] for record in found.records], invalid, found.unknown)


def _lines(body: bytes) -> dict[int, bytes]:
    """What stands on each line; a blank one holds no event."""
    return {place: line for place, line in enumerate(_few(body.split(b"\n"))) if line.strip()}


def _array(body: bytes) -> dict[int, bytes] | None:
    """The items of an array; None if it is none."""
    if body.lstrip()[:1] != b"[":
        return None
    try:
        return dict(enumerate(map(bytes, _few(_items.decode(body)))))
    except _NOT_JSON:
        return None


def _by_columns(body: bytes, decoder: Decoder[Event], latest: int) -> Events[Event]:
    """Each row of a batch as an event; else the body: the decoder says what is wrong with it.

    Columns that are no field are left out before their names come once a row.
    """
    batch = _batch(body)
    if batch is None or len({len(column) for column in batch.columns.values()}) != 1:
        return _decoded({0: body}, [], decoder, latest)
    fields = decoder.kind.__struct_fields__
    known = {name: column for name, column in batch.columns.items() if name.partition(".")[0] in fields}
    count = len(_few(next(iter(batch.columns.values()))))
    if (size := count * len("".join(known))) > UNFOLDED:
        detail = f"columns: {size} bytes of names in {count} events; allowed: at most {UNFOLDED}"
        return Events([], [], [Invalid(0, "too_large", detail)], {})
    found = _decoded(dict(enumerate(_rows(known, count, batch.model))), [], decoder, latest)
    found.unknown = {name: 1 for name in batch.columns if name not in known}
    return found


def _rows(columns: Mapping[str, list[msgspec.Raw]], count: int, model: str | None) -> list[bytes]:
    """Each row as an object; what is null there is absent, as in a batch."""
    present = {n: [None if bytes(c) == b"null" else c for c in column] for n, column in columns.items()}
    outer = {} if model is None else {"model": model}
    encode = msgspec.json.Encoder().encode
    return [encode(outer | row) for row in rows(present, count)]


def _batch(body: bytes) -> Columns | None:
    try:
        return _columns.decode(body) if b'"columns"' in body else None
    except _NOT_JSON:
        return None


def _is_several(item: bytes) -> bool:
    return item.lstrip()[:1] == b"[" or _batch(item) is not None


def _few(found: Sequence[Any]) -> Sequence[Any]:
    if len(found) > MOST:
        raise TooManyEventsError
    return found
