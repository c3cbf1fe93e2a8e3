"""A pane as a record: a head that says which and how new it is, and its counts, packed.

Cells are sorted by group and measure and kept as differences; the bytes of numbers are put together by
their weight, as most are zero; zstd does the rest: about one byte a cell.
"""

from collections.abc import Iterable
from typing import NamedTuple

import cramjam
import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from monitor.arrays.codes import LIMIT

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

VERSION = 1
LEVEL = 1  # of zstd: higher ones take longer and save nothing here


class Counted(NamedTuple):
    """Counts that stand for themselves: `counts[i]` of `measures[pairs[i, 1]]` in `groups[pairs[i, 0]]`.

    `texts` says what the codes in the measures mean.
    """

    texts: dict[int, str]
    groups: list[tuple[str, str]]
    measures: U64
    pairs: I64
    counts: I64


class Pane(Struct, frozen=True, kw_only=True):
    """One pane's whole counts, as sent from `collect` to `evaluate`; it replaces an older one.

    `phi` strictly grows with every fact inserted or corrected: the larger pane is the newer.
    `shape` says which configuration cut it. `counted` is what `pack` makes.
    """

    version: int = VERSION
    model: str
    partition: int
    slot: int
    shape: str
    phi: str  # hexadecimal: it outgrows 64 bits
    counted: bytes


class _Packed(Struct, array_like=True):
    texts: dict[int, str]
    groups: list[tuple[str, str]]
    measures: bytes  # differences of the sorted keys
    cells: bytes  # differences of the sorted places: group · number of measures + measure
    counts: bytes


class _Head(Struct):
    version: int = 0


class _Old(Struct):
    """Version 0: arrays as they are, pairs of uint32."""

    model: str
    partition: int
    slot: int
    shape: str
    phi: str
    texts: dict[int, str]
    groups: list[tuple[str, str]]
    measures: bytes
    cells: bytes
    counts: bytes


def pack(counted: Counted) -> bytes:
    """The counts as bytes.

    >>> found = Counted({}, [("sex", "F")], np.array([7], np.uint64), np.array([[0, 0]]), np.array([3]))
    >>> unpack(pack(found)).counts.tolist()
    [3]
    """
    keys = np.sort(counted.measures)
    place = np.searchsorted(keys, counted.measures)[counted.pairs[:, 1]] + counted.pairs[:, 0] * len(keys)
    order = np.argsort(place)
    packed = _Packed(
        counted.texts,
        counted.groups,
        _shuffled(np.diff(keys, prepend=np.uint64(0))),
        _shuffled(np.diff(place[order], prepend=0)),
        _shuffled(counted.counts[order]),
    )
    return bytes(cramjam.zstd.compress(msgspec.msgpack.encode(packed), LEVEL))


def unpack(data: bytes) -> Counted:
    """What `pack` was given, in the order of groups and keys of measures. Raises ValueError where it is
    damaged."""
    try:
        packed = msgspec.msgpack.decode(bytes(cramjam.zstd.decompress(data)), type=_Packed)
        return _checked(_counted(packed))
    except (ValueError, msgspec.MsgspecError, cramjam.DecompressionError) as error:
        raise ValueError(f"pane: counts of {len(data)} bytes cannot be read: {error}") from None


def _checked(found: Counted) -> Counted:
    """Raises ValueError for counts of groups, measures or texts that are not there."""
    sizes = np.array([len(found.groups), len(found.measures)])
    fine = len(found.pairs) == len(found.counts) and (found.pairs >= 0).all() and (found.pairs < sizes).all()
    if not fine or not all(0 <= code <= LIMIT for code in found.texts):
        raise ValueError("counts, and groups, measures and texts for them, are expected")
    return found


def _counted(packed: _Packed) -> Counted:
    keys = np.cumsum(_joined(packed.measures), dtype=np.uint64)
    cells = np.cumsum(_joined(packed.cells).astype(np.int64))
    pairs = np.stack(np.divmod(cells, max(len(keys), 1)), axis=1)
    return Counted(packed.texts, packed.groups, keys, pairs, _joined(packed.counts).astype(np.int64))


def _shuffled(numbers: U64 | I64) -> bytes:
    """All first bytes, then all second ones, and so on."""
    return (
        numbers.astype("<i8" if numbers.dtype == np.int64 else "<u8")
        .view(np.uint8)
        .reshape(-1, 8)
        .T.tobytes()
    )


def _joined(data: bytes) -> U64:
    return np.ascontiguousarray(np.frombuffer(data, np.uint8).reshape(8, -1).T).view("<u8").ravel()


def dump(panes: Iterable[Pane]) -> list[bytes]:
    return [msgspec.msgpack.encode(pane) for pane in panes]


def load(record: bytes | msgspec.Raw) -> Pane:
    """The pane in a record. Raises ValueError for one of a newer Fairlead."""
    version = msgspec.msgpack.decode(record, type=_Head).version
    if version > VERSION:
        raise ValueError(f"pane: version = {version}: allowed is up to {VERSION}: upgrade Fairlead")
    if version == VERSION:
        return msgspec.msgpack.decode(record, type=Pane)
    old = msgspec.msgpack.decode(record, type=_Old)
    counted = Counted(
        old.texts,
        old.groups,
        np.frombuffer(old.measures, "<u8").astype(np.uint64),
        np.frombuffer(old.cells, "<u4").reshape(-1, 2).astype(np.int64),
        np.frombuffer(old.counts, "<i8").astype(np.int64),
    )
    return Pane(
        model=old.model,
        partition=old.partition,
        slot=old.slot,
        shape=old.shape,
        phi=old.phi,
        counted=pack(counted),
    )
