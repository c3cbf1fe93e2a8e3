"""Immutable blocks of facts: columns as bytes, packed, with the texts of the codes in them.

A worker keeps them in memory beside the facts, and Kafka on its disks: packed they take half.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import cramjam
import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from monitor.arrays.codes import LIMIT, Codes

VERSION = 2  # 1: columns as they are
LEVEL = 1  # of zstd
LARGEST = 250_000  # bytes of a block's columns, as they are
MOST = 600_000  # bytes of a record of several facts: with long texts it may be much larger than the columns
Array = npt.NDArray[Any]

# What each column holds, by its name up to the first dot. Codes are numbers of texts, bits are numbers in
# which 0 is "not there" (both in monitor/arrays/), flags are 0 none, 1 false, 2 true.
TYPES: dict[str, type[np.generic]] = {
    "id": np.uint64,
    "entity": np.uint64,
    "source": np.uint16,
    "time": np.int64,
    "decision": np.uint16,
    "score": np.uint32,
    "value": np.uint32,
    "attributes": np.uint16,
    "proxies": np.uint32,
    "slices": np.uint16,
    "reasons": np.uint16,
    "features": np.uint32,
    "categories": np.uint16,
    "flags": np.uint8,
    "repeat": np.uint8,
    "outcome": np.uint16,
    "outcome_time": np.int64,
    "final": np.uint16,
    "values": np.uint32,
    "kind": np.uint16,
    "fact": np.uint32,
    "rank": np.uint32,
}
NEEDED = frozenset({"id"})  # columns of every block
OWN = frozenset(
    {"id", "entity", "time", "decision", "score", "value", "attributes", "proxies", "slices", "reasons"}
    | {"features", "categories", "flags"}
)  # what a decision says itself
HASHES = frozenset({"id", "entity"})
CODED = frozenset({"decision", "attributes", "slices", "reasons", "categories", "kind"})
CODED_KINDS = frozenset({"outcome", "decision", "attributes"})  # kinds of feedback whose `fact` is a code


class Block(Struct, frozen=True):
    """Some facts as columns of one length: decisions of a model, or, with model None, feedback."""

    model: str | None
    columns: dict[str, Array]

    def __len__(self) -> int:
        return len(self.columns["id"])


class _Written(Struct):
    version: int
    model: str | None
    texts: dict[int, str]
    columns: dict[str, bytes]


def stem(name: str) -> str:
    """A column's name up to its first dot.

    >>> stem("attributes.sex")
    'attributes'
    """
    return name.partition(".")[0]


def encode(block: Block, codes: Codes) -> bytes:
    """The block as bytes, readable with any other `Codes`."""
    used = [np.bincount(block.columns[name][mask]) for name, mask in _coded(block, codes.texts)]
    texts = {c: codes.texts[c] or "" for part in used for c in np.flatnonzero(part).tolist() if c}
    columns = {name: _packed(name, column) for name, column in block.columns.items()}
    return msgspec.msgpack.encode(_Written(VERSION, block.model, texts, columns))


def decode(record: bytes, codes: Codes) -> Block:
    """The block of `encode`. Raises ValueError for a damaged one, or one that a newer program wrote."""
    try:
        written = msgspec.msgpack.decode(record, type=_Written)
        if written.version <= VERSION:
            return _block(written, codes)
    except (LookupError, ValueError, msgspec.MsgspecError, cramjam.DecompressionError) as error:
        raise ValueError(f"block: a record of {len(record)} bytes cannot be read: {error!r}") from None
    raise ValueError(f"block: version {written.version} is not known; allowed: up to {VERSION}")


def _block(written: _Written, codes: Codes) -> Block:
    columns = {name: _unpacked(name, data, written.version) for name, data in written.columns.items()}
    block = Block(written.model, columns)
    if len({len(column) for column in columns.values()}) != 1 or not columns.keys() >= NEEDED:
        raise ValueError("columns of one length, the ids among them, are expected")
    theirs = _texts(written.texts)
    ours = np.zeros(len(theirs), np.uint16)
    ours[list(written.texts)] = codes.encode(written.texts.values())
    for name, mask in _coded(block, theirs):
        columns[name][mask] = ours[columns[name][mask]]
    return block


def _packed(name: str, column: Array) -> bytes:
    """All first bytes, then all second ones, and so on, compressed; hashes cannot be."""
    data = column.astype(_disk(name))
    if stem(name) in HASHES:
        return data.tobytes()
    parts = data.view(np.uint8).reshape(len(data), data.itemsize).T
    return bytes(cramjam.zstd.compress(parts.tobytes(), LEVEL))


def _unpacked(name: str, data: bytes, version: int) -> Array:
    if version == 1 or stem(name) in HASHES:
        return np.frombuffer(data, _disk(name)).astype(_type(name))
    size = _disk(name).itemsize
    parts = np.frombuffer(bytes(cramjam.zstd.decompress(data)), np.uint8).reshape(size, -1)
    return np.ascontiguousarray(parts.T).view(_disk(name)).ravel().astype(_type(name))


def concatenate(blocks: Sequence[Block]) -> list[Block]:
    """One block a model (and one for feedback) with all rows; columns that some lack are zeros there."""
    models = dict.fromkeys(block.model for block in blocks)
    return [_concatenate([b for b in blocks if b.model == model]) for model in models]


def _concatenate(blocks: Sequence[Block]) -> Block:
    names = dict.fromkeys(name for block in blocks for name in block.columns)
    return Block(
        blocks[0].model,
        {
            name: np.concatenate([b.columns.get(name, np.zeros(len(b), _type(name))) for b in blocks])
            for name in names
        },
    )


def split(block: Block) -> Iterator[Block]:
    """The block in parts of about LARGEST bytes; nothing for an empty one."""
    width = sum(np.dtype(_type(name)).itemsize for name in block.columns)
    rows = LARGEST // width
    for start in range(0, len(block), rows):
        columns = {name: column[start : start + rows] for name, column in block.columns.items()}
        yield Block(block.model, columns)


def records(block: Block, codes: Codes) -> Iterator[bytes]:
    """The block as records that are not too large, however long its texts are."""
    for part in split(block):
        yield from _fitting(part, codes)


def _fitting(block: Block, codes: Codes) -> Iterator[bytes]:
    record = encode(block, codes)
    if len(record) <= MOST or len(block) == 1:
        yield record
        return
    half = len(block) // 2
    for rows in (slice(0, half), slice(half, None)):
        columns = {name: column[rows] for name, column in block.columns.items()}
        yield from _fitting(Block(block.model, columns), codes)


def merge(several: Iterable[bytes]) -> list[bytes]:
    """The facts of several records in as few."""
    codes = Codes()
    found = concatenate([decode(record, codes) for record in several])
    return [record for block in found for record in records(block, codes)]


def _coded(block: Block, texts: Sequence[str | None]) -> list[tuple[str, Array]]:
    """The columns that hold codes, and where. Kinds come last: `fact` is read by their untranslated codes."""
    found: list[tuple[str, Array]] = []
    if "fact" in block.columns:
        coded = np.array([text is not None and stem(text) in CODED_KINDS for text in texts])
        found.append(("fact", coded[block.columns["kind"]]))
    everywhere = np.ones(len(block), np.bool_)
    return found + [(name, everywhere) for name in block.columns if stem(name) in CODED]


def _texts(texts: dict[int, str]) -> list[str | None]:
    if not all(0 < code <= LIMIT for code in texts):
        raise ValueError(f"codes of texts are expected to be from 1 to {LIMIT}")
    return [texts.get(code) for code in range(max(texts, default=0) + 1)]


def _type(name: str) -> type[np.generic]:
    return TYPES[stem(name)]


def _disk(name: str) -> np.dtype[Any]:
    return np.dtype(_type(name)).newbyteorder("<")
