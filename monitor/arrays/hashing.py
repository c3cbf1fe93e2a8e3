"""Hashes of many strings at once: SipHash-2-4, keyed, for pseudonyms; murmur2 for Kafka's partitions.

SipHash: Aumasson, Bernstein, "SipHash: a fast short-input PRF" (2012). murmur2: as in Kafka's Java client.
"""

import numpy as np
import numpy.typing as npt

from monitor.arrays.texts import Texts

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


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
    last = (
        texts.lengths // 8
    )  # a text of n bytes has n // 8 whole words, and a last one with its length on top
    least, most = int(last.min(initial=0)), int(last.max(initial=0))
    tail = (texts.lengths.astype(np.uint64) & np.uint64(0xFF)) << np.uint64(56)
    spare = np.empty_like(tail)
    for i, word in enumerate(texts.words):
        if i < least:
            _compress(v, word, spare)
        elif least == most:
            _compress(v, word | tail, spare)
        else:
            live = last >= i
            some = [x[live] for x in v]
            _compress(some, np.where(last == i, word | tail, word)[live], spare[: len(some[0])])
            for whole, part in zip(v, some, strict=True):
                whole[live] = part
    v[2] ^= np.uint64(0xFF)
    for _ in range(4):
        _round(v, spare)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _compress(v: list[U64], word: U64, spare: U64) -> None:
    v[3] ^= word
    _round(v, spare)
    _round(v, spare)
    v[0] ^= word


def _rotate(x: U64, by: int, spare: U64) -> None:
    np.right_shift(x, np.uint64(64 - by), out=spare)
    x <<= np.uint64(by)
    x |= spare


def _round(v: list[U64], spare: U64) -> None:
    a, b, c, d = v
    a += b
    _rotate(b, 13, spare)
    b ^= a
    _rotate(a, 32, spare)
    c += d
    _rotate(d, 16, spare)
    d ^= c
    a += d
    _rotate(d, 21, spare)
    d ^= a
    c += b
    _rotate(b, 17, spare)
    b ^= c
    _rotate(c, 32, spare)


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
    words = texts.words.view("<u4").reshape(len(texts.words), len(texts), 2)  # each word's two halves
    whole = texts.lengths // 4
    least = int(whole.min(initial=0))
    h = np.uint32(0x9747B28C) ^ texts.lengths.astype(np.uint32)
    for i in range(int(whole.max(initial=0))):
        k = words[i // 2, :, i % 2] * m
        k = (k ^ (k >> np.uint32(24))) * m
        mixed = (h * m) ^ k
        h = mixed if i < least else np.where(whole > i, mixed, h)
    rest = texts.lengths % 4
    tail = words[whole // 2, np.arange(len(h)), whole % 2]
    h = np.where(rest > 0, (h ^ tail) * m, h)
    h = (h ^ (h >> np.uint32(13))) * m
    return h ^ (h >> np.uint32(15))
