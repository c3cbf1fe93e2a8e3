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

VERSION = 3  # 1: columns as they are, 2: each packed on its own
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


class _About(Struct):
    model: str | None


class _Written(Struct):
    version: int
    model: str | None
    texts: dict[int, str]
    columns: dict[str, bytes]
    rows: int = 0
    names: list[str] = []  # of the columns that are packed together
    packed: bytes = b""


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
    plain = {name: _plain(name, column) for name, column in block.columns.items()}
    columns = {name: plain.pop(name) for name in block.columns if stem(name) in HASHES}
    packed = bytes(cramjam.zstd.compress(b"".join(plain.values()), LEVEL))
    return msgspec.msgpack.encode(
        _Written(VERSION, block.model, texts, columns, len(block), [*plain], packed)
    )


def decode(record: bytes, codes: Codes) -> Block:
    """The block of `encode`. Raises ValueError for a damaged one, or one that a newer program wrote."""
    try:
        written = msgspec.msgpack.decode(record, type=_Written)
        if written.version <= VERSION:
            return _block(written, codes)
    except (LookupError, ValueError, msgspec.MsgspecError, cramjam.DecompressionError) as error:
        raise ValueError(f"block: a record of {len(record)} bytes cannot be read: {error!r}") from None
    raise ValueError(f"block: version {written.version} is not known; allowed: up to {VERSION}")


def about(record: bytes) -> str | None:
    """The model of a block of `encode`; None for feedback. The rest is passed over.

    >>> block = Block("credit", {"id": np.arange(3, dtype=np.uint64)})
    >>> about(encode(block, Codes()))
    'credit'
    """
    return msgspec.msgpack.decode(record, type=_About).model


def _block(written: _Written, codes: Codes) -> Block:
    columns = {name: _column(name, data, written.version) for name, data in _data(written)}
    block = Block(written.model, columns)
    if len({len(column) for column in columns.values()}) != 1 or not columns.keys() >= NEEDED:
        raise ValueError("columns of one length, the ids among them, are expected")
    theirs = _texts(written.texts)
    ours = np.zeros(len(theirs), np.uint16)
    ours[list(written.texts)] = codes.encode(written.texts.values())
    for name, mask in _coded(block, theirs):
        columns[name][mask] = ours[columns[name][mask]]
    return block


def _plain(name: str, column: Array) -> bytes:
    """All first bytes, then all second ones, and so on, which packs better; hashes cannot be packed."""
    data = column.astype(_disk(name))
    if stem(name) in HASHES:
        return data.tobytes()
    return data.view(np.uint8).reshape(len(data), data.itemsize).T.tobytes()


def _data(written: _Written) -> Iterator[tuple[str, bytes]]:
    """The columns of a record, each as `_plain` gives it; for version 1 as it is."""
    for name, data in written.columns.items():
        alone = written.version == 2 and stem(name) not in HASHES
        yield name, bytes(cramjam.zstd.decompress(data)) if alone else data
    if written.names:
        packed, at = bytes(cramjam.zstd.decompress(written.packed)), 0
        for name in written.names:
            size = written.rows * _disk(name).itemsize
            yield name, packed[at : at + size]
            at += size
        if at != len(packed):
            raise ValueError(f"{written.rows} rows of {', '.join(written.names)} are expected")


def _column(name: str, data: bytes, version: int) -> Array:
    if version == 1 or stem(name) in HASHES:
        return np.frombuffer(data, _disk(name)).astype(_type(name))
    parts = np.frombuffer(data, np.uint8).reshape(_disk(name).itemsize, -1)
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
