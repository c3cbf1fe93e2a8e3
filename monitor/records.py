"""Plain data to versioned bytes and back: what is left in Kafka outlives the program that wrote it."""

from typing import TypeVar

import msgspec

VERSION = 1
BARE = 0x80  # MessagePack's maps and lists begin with this or more: there is no byte of version before them

T = TypeVar("T")


def encode(record: object) -> bytes:
    """One byte of version, then the record as MessagePack."""
    return bytes([VERSION]) + msgspec.msgpack.encode(record)


def decode(data: bytes, to: type[T], name: str | None = None) -> T:
    """The record in `data`, also one from before there were versions.

    Raises ValueError, which begins with `name`, when it is damaged or of a newer version.

    >>> class Note(msgspec.Struct):
    ...     text: str
    >>> decode(encode(Note("hello")), Note)
    Note(text='hello')
    >>> decode(msgspec.msgpack.encode([7]), list[int])
    [7]
    >>> decode(b"\\x07", Note)
    Traceback (most recent call last):
    ValueError: Note: version 7 is not allowed; allowed: up to 1, this Fairlead is older than the record
    """
    name = name or to.__name__
    version = data[0] if data and data[0] < BARE else 0
    if version > VERSION:
        allowed = f"up to {VERSION}, this Fairlead is older than the record"
        raise ValueError(f"{name}: version {version} is not allowed; allowed: {allowed}")
    try:
        return msgspec.msgpack.decode(data[1:] if version else data, type=to)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{name}: a record of {len(data)} bytes cannot be read: {error}") from None
