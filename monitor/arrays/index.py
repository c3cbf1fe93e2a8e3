"""From 64-bit keys to row numbers, many at a time: an open-addressing hash table of numpy arrays."""

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
_MIX = np.uint64(0x9E3779B97F4A7C15)
_FULLEST = 0.5  # share of slots taken before the table doubles


class Index:
    """Numbers distinct keys 0, 1, 2, … in the order in which they come.

    Costs 8 bytes a key and 4 bytes a slot (at most 4 slots a key).

    >>> index = Index()
    >>> rows, fresh = index.put(np.array([7, 9, 7], np.uint64))
    >>> rows.tolist(), fresh.tolist()
    ([0, 1, 0], [True, True, False])
    >>> index.find(np.array([9, 8], np.uint64)).tolist()
    [1, -1]
    """

    def __init__(self) -> None:
        self._keys = np.empty(16, np.uint64)
        self._slots = np.full(32, -1, np.int32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def keys(self) -> U64:
        """All keys, by row."""
        return self._keys[: self._count]

    @property
    def nbytes(self) -> int:
        return self._keys.nbytes + self._slots.nbytes

    def find(self, keys: U64) -> I64:
        """The row of each key, -1 where it is not there."""
        slots = self._home(keys)
        found = self._slots[slots]
        same = self._keys[found] == keys  # where nothing is found, the key of row -1: either way it is -1
        rows: I64 = np.where(same, found, -1).astype(np.int64)
        further = ~same & (found >= 0)
        at, slots = np.flatnonzero(further), slots[further]
        while len(at):
            slots = self._next(slots)
            found = self._slots[slots]
            same = self._keys[found] == keys[at]
            rows[at[same]] = found[same]
            further = ~same & (found >= 0)
            at, slots = at[further], slots[further]
        return rows

    def put(self, keys: U64) -> tuple[I64, npt.NDArray[np.bool_]]:
        """The row of each key, and whether this place is the key's first ever."""
        rows = self.find(keys)
        missing = np.flatnonzero(rows < 0)
        fresh = np.zeros(len(keys), np.bool_)
        if len(missing):
            new = missing[firsts(keys[missing])]
            fresh[new] = True
            rows[new] = np.arange(self._count, self._count + len(new))
            self._append(keys[new])
            again = np.flatnonzero(rows < 0)
            rows[again] = self.find(keys[again])
        return rows, fresh

    def _append(self, distinct: U64) -> None:
        start, self._count = self._count, self._count + len(distinct)
        if self._count > len(self._keys):
            bigger = np.empty(max(self._count, len(self._keys) * 3 // 2), np.uint64)
            bigger[:start] = self._keys[:start]
            self._keys = bigger
        self._keys[start : self._count] = distinct
        if self._count > _FULLEST * len(self._slots):
            size = len(self._slots)
            while self._count > _FULLEST * size:
                size *= 2
            self._slots = np.full(size, -1, np.int32)
            start = 0
        self._place(np.arange(start, self._count, dtype=np.int32))

    def _place(self, rows: npt.NDArray[np.int32]) -> None:
        """Gives each row a free slot. Several may want one: whoever is written there stays."""
        slots = self._home(self._keys[rows])
        while len(rows):
            free = self._slots[slots] < 0
            self._slots[slots[free]] = rows[free]
            lost = self._slots[slots] != rows
            rows, slots = rows[lost], self._next(slots[lost])

    def _home(self, keys: U64) -> I64:
        bits = np.uint64(64 - (len(self._slots).bit_length() - 1))
        return (((keys ^ (keys >> np.uint64(32))) * _MIX) >> bits).astype(np.int64)

    def _next(self, slots: I64) -> I64:
        following: I64 = (slots + 1) & (len(self._slots) - 1)
        return following


def firsts(keys: U64) -> I64:
    """Where each key comes for the first time, in order."""
    ordered = np.sort(keys)
    if (ordered[1:] != ordered[:-1]).all():  # to find that all differ takes a third of the time
        return np.arange(len(keys))
    return np.sort(np.unique(keys, return_index=True)[1])
