"""Plain data to versioned bytes and back: what alerts leave in Kafka outlives the program that wrote it."""

from typing import TypeVar

import msgspec
from msgspec import Struct

VERSION = 1

T = TypeVar("T", bound=Struct)


def encode(record: Struct) -> bytes:
    """One byte of version, then the record as MessagePack."""
    return bytes([VERSION]) + msgspec.msgpack.encode(record)


def decode(data: bytes, to: type[T]) -> T:
    """The record in `data`. Raises ValueError when it is damaged or of a newer version.

    >>> class Note(Struct):
    ...     text: str
    >>> decode(encode(Note("hello")), Note)
    Note(text='hello')
    >>> decode(b"\\x07", Note)
    Traceback (most recent call last):
    ValueError: Note: version 7 is not allowed; allowed: up to 1, this Fairlead is older than the record
    """
    name, version = to.__name__, data[0] if data else 0
    if version > VERSION:
        allowed = f"up to {VERSION}, this Fairlead is older than the record"
        raise ValueError(f"{name}: version {version} is not allowed; allowed: {allowed}")
    try:
        return msgspec.msgpack.decode(data[1:], type=to)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{name}: a record of {len(data)} bytes cannot be read: {error}") from None
