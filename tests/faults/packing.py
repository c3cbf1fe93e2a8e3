"""How events lie in messages: one by one, several in an array, or by columns."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

MOST = {"one": 1, "array": 8, "columns": 60}  # events in a message
MAPS = ("attributes", "flags", "values")


def packed(values: Sequence[bytes], chance: random.Random) -> Iterator[bytes]:
    """The events of one log as messages, in their order."""
    start = 0
    while start < len(values):
        kind = chance.choice([*MOST])
        some = values[start : start + chance.randint(1, MOST[kind])]
        start += len(some)
        yield some[0] if kind == "one" else _array(some) if kind == "array" else _columns(some)


def unpacked(message: bytes) -> list[dict[str, Any]]:
    """The events of a message, as they were; workers send on arrays in which what was not said is null.

    >>> events = [b'{"id":"a","flags":{"x":true}}', b'{"id":"b"}']
    >>> unpacked(_columns(events)) == unpacked(_array(events)) == [msgspec.json.decode(e) for e in events]
    True
    """
    found = msgspec.json.decode(message)
    if isinstance(found, list):
        return found
    return [*_rows(found["columns"])] if "columns" in found else [found]


def _array(values: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(values) + b"]"


def _columns(values: Sequence[bytes]) -> bytes:
    rows = [_flat(msgspec.json.decode(value)) for value in values]
    names = dict.fromkeys(name for row in rows for name in row)
    return msgspec.json.encode({"columns": {name: [row.get(name) for row in rows] for name in names}})


def _flat(event: Mapping[str, Any]) -> dict[str, Any]:
    inner = {f"{field}.{name}": v for field in MAPS for name, v in event.get(field, {}).items()}
    return {name: value for name, value in event.items() if name not in MAPS} | inner


def _rows(columns: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for place in range(len(next(iter(columns.values())))):
        event: dict[str, Any] = {}
        for name, column in columns.items():
            field, _, entry = name.partition(".")
            if column[place] is not None:
                (event.setdefault(field, {}) if entry else event)[entry or field] = column[place]
        yield event
