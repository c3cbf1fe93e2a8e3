"""Records of any size in a table whose records are small.

A large record lies beside its key as parts, under keys that name the record's digest; under its own key lies
a head that names digest and number. Parts are durable before the head is, and those of the record before go
only then: whenever a worker ends, the head names a whole record. Parts that no head names are of a record
that somebody has begun to write; they change nothing.
"""

import asyncio
import hashlib
import logging
from collections.abc import Iterable, Mapping
from typing import Protocol

log = logging.getLogger(__name__)

LARGEST = 400_000  # bytes of a record that is written as it is, and of a part
PART = b"part/"
_HEAD = b"\xc1parts/"  # no record of msgpack or JSON begins so


class Store(Protocol):
    """What is needed of a table."""

    def items(self, partition: int) -> Mapping[bytes, bytes]: ...
    async def put(self, partition: int, key: bytes, value: bytes | None) -> None: ...


def split(key: bytes, record: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """What is written under the key itself, and the parts by theirs; none for a record that is not large.

    >>> head, parts = split(b"k", bytes(900_000))
    >>> len(parts), joined({b"k": head, **parts}) == {b"k": bytes(900_000)}
    (3, True)
    """
    if len(record) <= LARGEST:
        return record, {}
    chunks = [record[start : start + LARGEST] for start in range(0, len(record), LARGEST)]
    name = b"%s.%d" % (hashlib.blake2b(record, digest_size=12).hexdigest().encode(), len(chunks))
    return _HEAD + name, dict(zip(_keys(key, name), chunks, strict=True))


def _keys(key: bytes, name: bytes) -> list[bytes]:
    """The keys of the parts of the record that is named so: digest, dot, number of parts."""
    return [b"%s%s.%d/%s" % (PART, name, number, key) for number in range(int(name.rpartition(b".")[2]))]


def together(items: Mapping[bytes, bytes], part: bytes) -> tuple[list[bytes], bytes | None]:
    """The keys of all parts of the record that the part with this key is of; the record if all are there."""
    name, _, key = part.removeprefix(PART).partition(b"/")
    keys = _keys(key, name.rpartition(b".")[0])
    return keys, _record(items, keys)


def joined(items: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """A table's records, whole."""
    found: dict[bytes, bytes] = {}
    for key, record in items.items():
        if key.startswith(PART):
            continue
        whole = _record(items, of(key, record)) if record.startswith(_HEAD) else record
        if whole is None:
            log.error("%r: parts of the record are missing; it is left out", key)
        else:
            found[key] = whole
    return found


def of(key: bytes, record: bytes | None) -> list[bytes]:
    """The keys of the parts that the record under a key is made of."""
    return _keys(key, record.removeprefix(_HEAD)) if record and record.startswith(_HEAD) else []


def _record(items: Mapping[bytes, bytes], keys: Iterable[bytes]) -> bytes | None:
    found = [items.get(key) for key in keys]
    return None if None in found else b"".join(part for part in found if part is not None)


async def put(table: Store, partition: int, records: Mapping[bytes, bytes]) -> None:
    """Writes records of any size, and returns when all are durable."""
    items = table.items(partition)
    before = [part for key in records for part in of(key, items.get(key))]
    written = {key: split(key, record) for key, record in records.items()}
    parts = {key: part for _, parts in written.values() for key, part in parts.items() if key not in items}
    await _write(table, partition, parts)
    await _write(table, partition, {key: head for key, (head, _) in written.items()})
    named = {part for _, parts in written.values() for part in parts}
    await _write(table, partition, {part: None for part in before if part not in named})


async def remove(table: Store, partition: int, keys: Iterable[bytes]) -> None:
    """Removes records with all of their parts, also with those that were begun only."""
    gone = set(keys)
    if not gone:
        return
    parts = [key for key in table.items(partition) if key.startswith(PART)]
    await _write(table, partition, dict.fromkeys(gone))
    await _write(table, partition, {part: None for part in parts if part.split(b"/", 2)[2] in gone})


async def refuse(table: Store, partition: int, key: bytes, parts: Iterable[bytes]) -> None:
    """Removes the parts of a record that is not wanted, unless it is the one that the key has."""
    items = table.items(partition)
    ours = of(key, items.get(key))
    await _write(table, partition, {part: None for part in parts if part not in ours and part in items})


async def _write(table: Store, partition: int, items: Mapping[bytes, bytes | None]) -> None:
    await asyncio.gather(*(table.put(partition, *item) for item in items.items()))
