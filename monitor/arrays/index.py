"""From 64-bit keys to row numbers, many at a time: an open-addressing hash table of numpy arrays."""

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
_MIX = np.uint64(0x9E3779B97F4A7C15)
_AT_ONCE = 16_384  # keys that move at once when it does
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
        step = 1
        while len(at):
            slots = self._next(slots, step)
            found = self._slots[slots]
            same = self._keys[found] == keys[at]
            rows[at[same]] = found[same]
            further = ~same & (found >= 0)
            at, slots, step = at[further], slots[further], step + 1
        return rows

    def put(self, keys: U64) -> tuple[I64, npt.NDArray[np.bool_]]:
        """The row of each key, and whether this place is the key's first ever."""
        count = self._count
        self._make_room(keys)
        own = np.arange(count, count + len(keys))  # each has a row of its own, until it turns out to be known
        self._keys[count : count + len(keys)] = keys
        rows, taken = self._settle(own, keys)
        fresh = rows == own
        new = np.flatnonzero(fresh)
        self._count += len(new)
        if len(new) < len(keys):  # then there are gaps between the new rows
            number = count - 1 + np.cumsum(fresh)
            self._keys[count : self._count] = keys[new]
            self._slots[taken[new]] = number[new]
            late = rows >= count
            rows[late] = number[rows[late] - count]
        return rows, fresh

    def known(self, keys: U64) -> tuple[I64, npt.NDArray[np.bool_]]:
        """As `put`, a multiple as fast where all keys are there already, which is then usual."""
        rows = self.find(keys)
        new = rows < 0
        return self.put(keys) if new.any() else (rows, new)

    def _settle(self, own: I64, keys: U64) -> tuple[I64, I64]:
        """Gives each key a slot: the one that holds it, or a free one, which holds its own row then.

        Returns the row in each key's slot, and the slot. Of equal keys, which come by at the same slots, the
        first is written last, and stays.
        """
        rows, taken = np.empty_like(own), self._home(keys)
        at, slots, step = np.arange(len(own)), taken.copy(), 1
        while len(at):
            found = self._slots[slots]
            free = np.flatnonzero(found < 0)[::-1]
            self._slots[slots[free]] = own[at[free]]
            found = self._slots[slots]
            same = self._keys[found] == keys[at]
            rows[at], taken[at] = found, slots
            at, slots, step = at[~same], self._next(slots[~same], step), step + 1
        return rows, taken

    def _make_room(self, keys: U64) -> None:
        """For as many keys, if they are all new; where that would be many slots, for those that are."""
        count = self._count + len(keys)
        if count > len(self._keys):
            bigger = np.empty(max(count, len(self._keys) * 5 // 4), np.uint64)
            bigger[: self._count] = self.keys
            self._keys = bigger
        if count > _FULLEST * len(self._slots):
            count = self._count + int(np.count_nonzero(self.find(keys) < 0))
        size = len(self._slots)
        while count > _FULLEST * size:
            size *= 2
        if size > len(self._slots):
            rows = self._slots[self._slots >= 0]  # in the order in which they will lie again
            self._slots = np.full(size, -1, np.int32)
            for start in range(0, len(rows), _AT_ONCE):
                some = rows[start : start + _AT_ONCE].astype(np.int64)
                self._settle(some, self._keys[some])

    def _home(self, keys: U64) -> I64:
        bits = np.uint64(64 - (len(self._slots).bit_length() - 1))
        return (((keys ^ (keys >> np.uint64(32))) * _MIX) >> bits).astype(np.int64)

    def _next(self, slots: I64, step: int) -> I64:
        """Where to look after so many steps: further and further away, as neighbours crowd together."""
        following: I64 = (slots + step) & (len(self._slots) - 1)
        return following


def firsts(keys: U64) -> I64:
    """Where each key comes for the first time, in order."""
    ordered = np.sort(keys)
    if (ordered[1:] != ordered[:-1]).all():  # to find that all differ takes a third of the time
        return np.arange(len(keys))
    return np.sort(np.unique(keys, return_index=True)[1])
