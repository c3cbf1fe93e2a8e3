"""Hashes of many strings at once: SipHash-2-4, keyed, for pseudonyms; murmur2 for Kafka's partitions.

SipHash: Aumasson, Bernstein, "SipHash: a fast short-input PRF" (2012). murmur2: as in Kafka's Java client.
"""

from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


class Texts:
    """Strings as a byte matrix padded with zeros, and their lengths: what both hashes read."""

    def __init__(self, texts: Sequence[str]) -> None:
        joined = "".join(texts)
        count = len(texts)
        if joined.isascii():  # characters are bytes: all are encoded and measured at once
            self.lengths = np.fromiter(map(len, texts), np.int64, count)
            data = joined.encode()
        else:
            encoded = [text.encode() for text in texts]
            self.lengths = np.fromiter(map(len, encoded), np.int64, count)
            data = b"".join(encoded)
        self.bytes = _matrix(np.frombuffer(data, np.uint8), self.lengths)

    def take(self, places: I64) -> Self:
        """Those at some places."""
        some = copy(self)
        some.lengths, some.bytes = self.lengths[places], self.bytes[places]
        return some


def _matrix(data: npt.NDArray[np.uint8], lengths: I64) -> npt.NDArray[np.uint8]:
    """Texts of these lengths, one behind the other, as rows of whole words of 8 bytes, one byte to spare."""
    longest = int(lengths.max(initial=0))
    matrix = np.zeros((len(lengths), -(-(longest + 1) // 8) * 8), np.uint8)
    if len(data) == len(lengths) * longest:
        matrix[:, :longest] = data.reshape(len(lengths), longest)
    else:
        matrix[np.arange(matrix.shape[1]) < lengths[:, np.newaxis]] = data
    return matrix


def siphash(texts: Texts, key: bytes) -> U64:
    """SipHash-2-4 of each text under a key of 16 bytes.

    >>> key = bytes(range(16))
    >>> [hex(int(h)) for h in siphash(Texts(["", "\\0", "\\0\\1"]), key)]
    ['0x726fdb47dd0e0e31', '0x74f839c593dc67fd', '0xd6c8009d9a94f5a']
    """
    k0, k1 = np.frombuffer(key, "<u8")
    v = [
        np.full(len(texts.lengths), constant, np.uint64)
        for constant in (
            k0 ^ np.uint64(0x736F6D6570736575),
            k1 ^ np.uint64(0x646F72616E646F6D),
            k0 ^ np.uint64(0x6C7967656E657261),
            k1 ^ np.uint64(0x7465646279746573),
        )
    ]
    words = texts.bytes.view("<u8")
    last = texts.lengths // 8
    tail = (texts.lengths.astype(np.uint64) & np.uint64(0xFF)) << np.uint64(56)
    for i in range(words.shape[1]):
        live = last >= i  # a text of n bytes has n // 8 whole words and a last one with its length on top
        word = np.where(last == i, words[:, i] | tail, words[:, i])
        _compress(v, word, None if live.all() else live)
    v[2] ^= np.uint64(0xFF)
    for _ in range(4):
        _round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _compress(v: list[U64], word: U64, live: npt.NDArray[np.bool_] | None) -> None:
    part = v if live is None else [x[live] for x in v]
    word = word if live is None else word[live]
    part[3] ^= word
    _round(part)
    _round(part)
    part[0] ^= word
    if live is not None:
        for whole, some in zip(v, part, strict=True):
            whole[live] = some


def _rotate(x: U64, by: int) -> U64:
    return (x << np.uint64(by)) | (x >> np.uint64(64 - by))


def _round(v: list[U64]) -> None:
    v[0] += v[1]
    v[2] += v[3]
    v[1] = _rotate(v[1], 13) ^ v[0]
    v[3] = _rotate(v[3], 16) ^ v[2]
    v[0] = _rotate(v[0], 32)
    v[2] += v[1]
    v[0] += v[3]
    v[1] = _rotate(v[1], 17) ^ v[2]
    v[3] = _rotate(v[3], 21) ^ v[0]
    v[2] = _rotate(v[2], 32)


def partitions(texts: Texts, count: int) -> I64:
    """The partition of `count` that Kafka's default partitioner gives each text as a key.

    >>> partitions(Texts(["1", "21", "loan-1"]), 4).tolist()
    [3, 0, 1]
    """
    return (murmur2(texts).astype(np.int64) & 0x7FFFFFFF) % count


def murmur2(texts: Texts) -> npt.NDArray[np.uint32]:
    """Kafka's murmur2 of each text, 32 bits.

    >>> [int(h) for h in murmur2(Texts(["21", "foobar", "a-little-bit-long-string"])).view(np.int32)]
    [-973932308, -790332482, -985981536]
    """
    m = np.uint32(0x5BD1E995)
    words = texts.bytes.view("<u4")
    whole = texts.lengths // 4
    h = np.uint32(0x9747B28C) ^ texts.lengths.astype(np.uint32)
    for i in range(int(whole.max(initial=0))):
        k = words[:, i] * m
        k = (k ^ (k >> np.uint32(24))) * m
        h = np.where(whole > i, (h * m) ^ k, h)
    rest = texts.lengths % 4
    tail = words[np.arange(len(h)), np.minimum(whole, words.shape[1] - 1)]
    h = np.where(rest > 0, (h ^ tail) * m, h)
    h = (h ^ (h >> np.uint32(13))) * m
    return h ^ (h >> np.uint32(15))
