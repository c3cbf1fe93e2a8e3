"""Which decisions tests count: of each entity in each slice one, that with the least (time, id).

Decisions about one person depend on each other, and tests need independent ones. All but the least are
*repeats*. The least of a growing set only gets lesser, so that a repeat stays one: whoever says so may say it
twice, late and in any order. Each decision with an entity makes a *claim*; whoever holds all claims of an
entity finds the repeats among them.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.arrays.codes import Codes
from monitor.arrays.hashing import siphash
from monitor.arrays.index import Index
from monitor.arrays.texts import Texts
from monitor.facts import blocks
from monitor.facts.blocks import Block
from monitor.panes import REPEATED

U64 = npt.NDArray[np.uint64]

# A decision's claim to count: hashes of its entity and id, its event time (ms), the partition that holds it.
CLAIM = np.dtype([("entity", "<u8"), ("id", "<u8"), ("time", "<i8"), ("source", "<u2")])
Claims = npt.NDArray[np.void]  # of CLAIM
NONE: Claims = np.zeros(0, CLAIM)
_NAMES = CLAIM.names or ()
_ODD = np.uint64(0x9E3779B97F4A7C15)


def pseudonyms(entities: Sequence[Any], key: bytes) -> U64:
    """Hashes of entities under a key of 16 bytes, 0 for None. An id that is also an entity has another one.

    >>> pseudonyms(["ann", None, 7, "7"], bytes(16)).astype(bool).tolist()
    [True, False, True, True]
    """
    own = hashlib.blake2b(key, digest_size=16, person=b"fairlead entity").digest()
    found = siphash(Texts(["" if entity is None else str(entity) for entity in entities]), own)
    return np.where([entity is None for entity in entities], np.uint64(0), found)


class Entities:
    """The least claim of each entity in each slice of `width` ms of event time, of one model."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._index = Index()
        self._held = np.zeros(16, CLAIM)

    @property
    def nbytes(self) -> int:
        return self._index.nbytes + self._held.nbytes

    def claim(self, claims: Claims) -> tuple[Claims, Claims]:
        """Takes claims. Returns those that are now the least, and the repeats that are known by them.

        >>> entities = Entities(1000)
        >>> claims = np.array([(5, 1, 300, 0), (5, 2, 200, 0), (5, 3, 1200, 0)], CLAIM)
        >>> least, repeats = entities.claim(claims)
        >>> sorted(least["id"].tolist()), repeats["id"].tolist()
        ([2, 3], [1])
        """
        keys = self._keys(claims)
        order = np.lexsort((claims["id"], claims["time"], keys))
        claims, keys = claims[order], keys[order]
        first = np.flatnonzero(np.concatenate([np.ones(min(1, len(keys)), np.bool_), keys[1:] != keys[:-1]]))
        best = claims[np.repeat(first, np.diff(first, append=len(keys)))]
        won, repeats = self._put(keys[first], claims[first])
        return won, np.concatenate([claims[claims["id"] != best["id"]], repeats])

    def _keys(self, claims: Claims) -> U64:
        slices = (claims["time"] // self._width).astype(np.uint64)
        keys: U64 = claims["entity"] ^ (slices * _ODD)
        return keys

    def _put(self, keys: U64, claims: Claims) -> tuple[Claims, Claims]:
        """Takes one claim for each of some keys."""
        rows, fresh = self._index.put(keys)
        if len(self._index) > len(self._held):
            more = np.zeros(len(self._index) * 3 // 2 - len(self._held), CLAIM)
            self._held = np.concatenate([self._held, more])
        held = self._held[rows]
        earlier = (claims["time"] < held["time"]) | (
            (claims["time"] == held["time"]) & (claims["id"] < held["id"])
        )
        won = fresh | earlier
        self._held[rows[won]] = claims[won]
        lost = ~won & (claims["id"] != held["id"])
        return claims[won], np.concatenate([held[earlier & ~fresh], claims[lost]])

    def living(self, sealed: int, wait: int) -> Claims:
        """The claims that others may still come up against: of slices from `sealed` (ms) on, or from `wait`
        ms before the newest claim of the slowest source, if that is earlier."""
        held: Claims = self._held[: len(self._index)]
        newest = [int(held["time"][held["source"] == source].max()) for source in np.unique(held["source"])]
        end = min([sealed, *(time - wait for time in newest)])
        return held[held["time"] // self._width >= end // self._width]


class Register:
    """The claims of a partition, by model: those of its decisions, to be told, and those that it settles.

    `widths` are the models' slices in ms; `keep` is given what is to be durable.
    """

    def __init__(self, widths: Mapping[str, int], keep: Callable[[Block], None]) -> None:
        self._keep = keep
        self._told: dict[str, list[Claims]] = {}
        self._settled = {model: Entities(width) for model, width in widths.items()}

    def __contains__(self, model: str) -> bool:
        return model in self._settled

    @property
    def nbytes(self) -> int:
        return sum(held.nbytes for held in self._settled.values())

    def tell(self, model: str, claims: Claims) -> None:
        """Notes claims for the next `take`."""
        self._told.setdefault(model, []).append(claims)

    def take(self) -> dict[str, Claims]:
        """The claims that were noted since the last call."""
        found, self._told = self._told, {}
        return {model: np.concatenate(several) for model, several in found.items()}

    def settle(self, claims: Mapping[str, Claims]) -> dict[str, Claims]:
        """Takes the claims of entities that are ours to judge; returns the repeats that are known by them.

        They must be told before the claims are durable: who has lost is not found out again.
        """
        repeats: dict[str, Claims] = {}
        for model in claims.keys() & self._settled.keys():
            won, repeats[model] = self._settled[model].claim(claims[model])
            self._keep(block(REPEATED + model, won))
        return repeats

    def load(self, block: Block) -> None:
        """Takes a block that `settle` kept, or `living` gave."""
        if (model := (block.model or "").removeprefix(REPEATED)) in self._settled:
            self._settled[model].claim(claims(block))

    def living(self, ends: Mapping[str, tuple[int, int]]) -> list[Block]:
        """What may still be needed, by what `Entities.living` asks for."""
        return [block(REPEATED + model, held.living(*ends[model])) for model, held in self._settled.items()]


def shared(found: Mapping[str, Claims], source: int, count: int) -> Iterator[tuple[int, bytes]]:
    """Claims by model as records for the partitions of `count` that hold their entities."""
    for model, claims in found.items():
        claims["source"] = source
        yield from _parted(model, claims, (claims["entity"] % np.uint64(count)).astype(np.int64))


def returned(found: Mapping[str, Claims]) -> Iterator[tuple[int, bytes]]:
    """Repeats by model as records for the partitions that hold the decisions."""
    for model, claims in found.items():
        yield from _parted(model, claims, claims["source"].astype(np.int64))


def _parted(model: str, claims: Claims, partitions: npt.NDArray[np.int64]) -> Iterator[tuple[int, bytes]]:
    for partition in np.unique(partitions).tolist():
        for record in blocks.records(block(model, claims[partitions == partition]), Codes()):
            yield partition, record


def taken(records: Iterable[bytes]) -> dict[str, Claims]:
    """What records of `shared` or `returned` say, by model. Raises ValueError for a newer Fairlead's."""
    codes = Codes()
    found = blocks.concatenate([blocks.decode(record, codes) for record in records])
    return {each.model or "": claims(each) for each in found}


def block(model: str, claims: Claims) -> Block:
    """Claims as columns."""
    return Block(model, {name: claims[name] for name in _NAMES})


def claims(block: Block) -> Claims:
    """The claims in a block."""
    found = np.zeros(len(block), CLAIM)
    for name in _NAMES:
        found[name] = block.columns[name]
    return found
