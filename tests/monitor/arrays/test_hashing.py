"""Hashes against references: SipHash's published vectors, Kafka's partitioner, a plain implementation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as kafka_murmur2

from monitor.arrays.hashing import murmur2, partitions, siphash
from monitor.arrays.texts import Texts

KEY = bytes(range(16))
# The first eight of the 64 vectors in the appendix of the SipHash paper's reference code: of "", 00, 0001, …
VECTORS = [
    "310e0edd47db6f72", "fd67dc93c539f874", "5a4fa9d909806c0d", "2d7efbd796666785",
    "b7877127e09427cf", "8da699cd64557618", "cee3fe586e46c9cb", "37d1018bf50002ab",
]  # fmt: skip


def test_siphash_gives_the_published_vectors() -> None:
    texts = Texts([bytes(range(n)).decode() for n in range(8)])
    assert [int(h).to_bytes(8, "little").hex() for h in siphash(texts, KEY)] == VECTORS


def plain(text: bytes, key: bytes) -> int:
    """SipHash-2-4, word by word, as the paper says it."""
    mask = (1 << 64) - 1
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rotated(x: int, by: int) -> int:
        return ((x << by) | (x >> (64 - by))) & mask

    def mix() -> None:
        v[0] = (v[0] + v[1]) & mask
        v[2] = (v[2] + v[3]) & mask
        v[1], v[3] = rotated(v[1], 13) ^ v[0], rotated(v[3], 16) ^ v[2]
        v[0] = rotated(v[0], 32)
        v[2] = (v[2] + v[1]) & mask
        v[0] = (v[0] + v[3]) & mask
        v[1], v[3] = rotated(v[1], 17) ^ v[2], rotated(v[3], 21) ^ v[0]
        v[2] = rotated(v[2], 32)

    padded = text + bytes(7 - len(text) % 8) + bytes([len(text) & 0xFF])
    for start in range(0, len(padded), 8):
        word = int.from_bytes(padded[start : start + 8], "little")
        v[3] ^= word
        mix()
        mix()
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(4):
        mix()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


texts = st.lists(st.text(max_size=40), max_size=20)


@given(texts, st.binary(min_size=16, max_size=16))
def test_siphash_of_many_is_that_of_each(found: list[str], key: bytes) -> None:
    assert siphash(Texts(found), key).tolist() == [plain(text.encode(), key) for text in found]


@given(texts)
def test_murmur2_is_kafka_s(found: list[str]) -> None:
    assert murmur2(Texts(found)).tolist() == [kafka_murmur2(text.encode()) & 0xFFFFFFFF for text in found]


@given(texts, st.integers(1, 50))
def test_partitions_are_kafka_s(found: list[str], count: int) -> None:
    expected = [(kafka_murmur2(text.encode()) & 0x7FFFFFFF) % count for text in found]
    assert partitions(Texts(found), count).tolist() == expected


@pytest.mark.parametrize("pair", [("a", "a\0"), ("\0", "\0\0"), ("", "\0" * 8)])
def test_zeros_at_the_end_count(pair: tuple[str, str]) -> None:
    one, other = siphash(Texts(list(pair)), KEY).tolist()
    assert one != other
