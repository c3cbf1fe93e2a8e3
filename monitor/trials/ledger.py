"""What the tests were fed, slice by slice: to replay them, and to see what was revised afterwards."""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from monitor import records
from monitor.panes import moments
from monitor.sequential.steps import STEPS
from monitor.trials.slices import Slices

Key = tuple[str, str, str]  # attribute, metric, group
Ints = NDArray[np.int64]
_KEYS = 20  # bits of a key's number


BOOK = 16  # slices whose pages are one record: many small records make a recovery slow


class Page(Struct, array_like=True):
    """One slice as it was fed: of attribute, metric and group how many events, and how many positives; of
    numbers the parts of monitor/panes/moments.py."""

    source: str
    slice: int
    rows: list[tuple[str, str, str, int, int]]
    numbers: list[tuple[str, str, str, int, int, int, int]] = []


class Revised(NamedTuple):
    """Of one group in one slice: at least how many events are not any more what the tests were fed, and how
    many they were not fed because they came late. A number counts as the part of its range that it moved."""

    altered: int
    late: int


class Ledger:
    """The pages of one source, newest last."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._keys: dict[Key, int] = {}
        self._parts: list[Ints] = [np.zeros((3, 0), np.int64)]  # code of (slice, key), n, k

    def enter(self, slices: Slices) -> list[Page]:
        """Takes what was fed; returns it as pages."""
        self._parts.append(self._rows(slices))
        return [self._page(slices, i) for i in range(len(slices.numbers))]

    def restore(self, page: Page) -> None:
        """Takes a page that was written down."""
        rows = [*page.rows, *(row[:5] for row in page.numbers)]
        found = [((page.slice << _KEYS) | self._key(*key), n, k) for *key, n, k in rows]
        self._parts.append(np.array(found, np.int64).reshape(-1, 3).T)

    def forget(self, before: int) -> list[int]:
        """Drops slices that nobody can revise any more; returns their numbers."""
        rows = self._gathered()
        old = rows[0] >> _KEYS < before
        self._parts = [rows[:, ~old]]
        numbers: list[int] = np.unique(rows[0, old] >> _KEYS).tolist()
        return numbers

    def revised(self, now: Slices, slices: Collection[int]) -> dict[Key, dict[int, Revised]]:
        """What of these slices is different now from what was fed, by attribute, metric and group."""
        held = self._gathered()
        held = held[:, np.isin(held[0] >> _KEYS, np.array(sorted(slices), np.int64))]
        rows = np.concatenate([held, self._rows(now) * [[1], [-1], [-1]]], axis=1)
        codes, place = np.unique(rows[0], return_inverse=True)
        lost = np.zeros((2, len(codes)), np.int64)
        for sums, row in zip(lost, rows[1:], strict=True):
            np.add.at(sums, place, row)
        names = list(self._keys)
        units = np.array([STEPS if moments.number(metric) else 1 for _, metric, _ in names], np.int64)
        positive = lost[1] / units[codes & ((1 << _KEYS) - 1)]
        sides = np.stack([positive, lost[0] - positive])  # positives, negatives; parts of a range
        altered, late = np.ceil(np.maximum(sides, 0).sum(axis=0)), np.ceil(np.maximum(-sides, 0).sum(axis=0))
        found: dict[Key, dict[int, Revised]] = {}
        for i in np.flatnonzero(altered + late).tolist():
            key = names[int(codes[i]) & ((1 << _KEYS) - 1)]
            found.setdefault(key, {})[int(codes[i]) >> _KEYS] = Revised(int(altered[i]), int(late[i]))
        return found

    def _gathered(self) -> Ints:
        self._parts = [np.concatenate(self._parts, axis=1)]
        return self._parts[0]

    def _rows(self, slices: Slices) -> Ints:
        return np.concatenate([np.zeros((3, 0), np.int64), *self._columns(slices)], axis=1)

    def _columns(self, slices: Slices) -> Iterator[Ints]:
        numbers = np.array(slices.numbers, np.int64)
        for question, counts in slices.counts.items():
            at, group = np.nonzero(counts.n)
            keys = np.array([self._key(*question, name) for name in counts.groups], np.int64)
            yield np.stack([(numbers[at] << _KEYS) | keys[group], counts.n[at, group], counts.k[at, group]])

    def _page(self, slices: Slices, place: int) -> Page:
        page = Page(self._source, slices.numbers[place], [], [])
        for question, counts in slices.counts.items():
            rows: list[Any] = page.numbers if moments.number(question[1]) else page.rows
            for name, sums in zip(counts.groups, counts.sums[:, place].T.tolist(), strict=True):
                if sums[0]:
                    rows.append((*question, name, *sums))
        return page

    def _key(self, attribute: str, metric: str, group: str) -> int:
        return self._keys.setdefault((attribute, metric, group), len(self._keys))


def encode(pages: list[Page]) -> bytes:
    return records.encode(pages)


def decode(record: bytes) -> list[Page]:
    """The pages of a book. Raises ValueError for one that is damaged, or of a newer Fairlead."""
    return records.decode(record, list[Page], "ledger")
