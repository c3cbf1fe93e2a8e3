"""Panes: additive counts per group and slice of event time. Windows are sums of panes.

A *slot* names a pane within one model: the axis (of the decision's time, for cohorts; of the outcome's
time, for sequential tests and error streams) and the slice's number on it. A *cell* is one count: of one
measure, in one group, in one slot.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from monitor.arrays.codes import LIMIT, OTHER_CODE, Codes
from monitor.arrays.distinct import distinct
from monitor.arrays.index import Index
from monitor.panes import measures
from monitor.panes.caps import Caps
from monitor.panes.packed import Counted, Pane, pack, unpack

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

DECISION, OUTCOME = 0, 1  # the axes
ROLLED = -1  # the partition of a sum of old panes
_AXIS = 24  # slices are below 2²⁴: five-minute ones reach to 2129
# A pair's key is a row of groups and one of measures, a cell's key a slot (25 bits) and a row of pairs: an
# index has fewer rows than either may be.
_GROUP, _SLOT = np.uint64(32), np.uint64(39)
_MEASURE, _PAIR = np.uint64((1 << 32) - 1), np.uint64((1 << 39) - 1)
ALL = ("", "")  # the group of everybody, of no attribute
UNKNOWN = "unknown"  # the group of those whose attribute is missing
REPEATED = "\x1e"  # before an attribute's name: what of its counts is of repeats (monitor/facts/entities.py)
UNIT = "\x1f"  # joins names where no name may hold the joint: a list of reasons, a group and its slice
GROUPS, PAIRS = 100, 500  # how many groups of an attribute, and pairs of a group and its slice, have names


def slot(axis: int, times: I64, width: int) -> U64:
    """The slots of event times (ms) on an axis cut into slices of `width` ms."""
    return ((axis << _AXIS) + times // width).astype(np.uint64)


def _slice(slot: int) -> int:
    return slot & ((1 << _AXIS) - 1)


def limit(attribute: str) -> int:
    """How many groups of an attribute count by name."""
    return PAIRS if UNIT in attribute else GROUPS


def within(attribute: str, condition: str) -> str:
    """The name under which an attribute's groups are counted within a conditioning column."""
    return attribute + UNIT + condition


class Window(Struct, frozen=True):
    """The sum of some panes: `counts[i]` of `measures[pairs[i, 1]]` in group `groups[pairs[i, 0]]`."""

    groups: list[tuple[str, str]]
    measures: U64
    pairs: I64
    counts: I64


class Panes:
    """All panes of one model that one process holds."""

    def __init__(self, codes: Codes, width: int) -> None:
        self.codes = codes
        self.width = width
        self.phi: dict[int, int] = {}
        self.dirty: set[int] = set()
        self.rolled = 0  # slices before it are summed up
        self._groups = Index()
        self._measures = Index()
        self._cells = Index()
        self._pairs = Index()
        self._rows: dict[tuple[str, str], int] = {}  # of groups, for panes of others
        self._caps = Caps()
        self._named: Counter[str] = Counter()  # groups of others' panes, by attribute
        self._counts = np.zeros(16, np.int64)
        self._held: dict[tuple[int, int], tuple[int, I64, I64]] = {}  # (partition, slot): phi, cells, counts

    @property
    def nbytes(self) -> int:
        indexes = self._groups.nbytes + self._measures.nbytes + self._cells.nbytes + self._pairs.nbytes
        return indexes + self._counts.nbytes

    def group(self, attribute: str, groups: npt.ArrayLike) -> I64:
        """The rows of groups, given as codes of their names."""
        return self.groups([attribute], [np.asarray(groups)])[0]

    def groups(self, attributes: Sequence[str], groups: Sequence[npt.NDArray[np.integer]]) -> list[I64]:
        """The same of several attributes at once; their groups are as many."""
        named = np.array([self.codes.code(attribute) << 16 for attribute in attributes], np.uint64)
        keys = named[:, None] | np.array(groups, np.uint64)
        return [*self._groups.known(keys.ravel())[0].reshape(keys.shape)]

    def add(self, slots: U64, groups: I64, keys: U64, weights: I64) -> None:
        """Adds a weight to one cell each: slots, group rows, measure keys and weights of one length."""
        self._add(slots, groups, self._measures.known(keys)[0], weights)

    def _add(self, slots: U64, groups: I64, measured: I64, counts: I64) -> I64:
        pairs = self._pairs.known((groups.astype(np.uint64) << _GROUP) | measured.astype(np.uint64))[0]
        cells = self._cells.known((slots << _SLOT) | pairs.astype(np.uint64))[0]
        self._grow()
        np.add.at(self._counts, cells, counts)
        return cells

    def _grow(self) -> None:
        if len(self._cells) > len(self._counts):
            more = len(self._cells) * 3 // 2 + 16 - len(self._counts)
            self._counts = np.pad(self._counts, (0, more))

    def _pair_of(self, cells: I64 | npt.NDArray[np.bool_]) -> I64:
        """The rows of cells' pairs."""
        pairs: I64 = (self._cells.keys[cells] & _PAIR).astype(np.int64)
        return pairs

    def advance(self, slots: U64, times: I64, ranks: I64) -> None:
        """Φ of each slot grows by its facts' time·2³² + rank; the slots are to be sent again."""
        if not len(slots):
            return
        some, which = distinct(slots)
        sums = np.zeros((2, len(some)), np.int64)
        np.add.at(sums[0], which, times)
        np.add.at(sums[1], which, ranks)
        for name, time, rank in zip(slots[some].tolist(), *sums.tolist(), strict=True):
            self.phi[name] = self.phi.get(name, 0) + (time << 32) + rank
            self.dirty.add(name)

    def slots(self) -> U64:
        """The slot of every cell."""
        return self._cells.keys >> _SLOT

    def first(self) -> int | None:
        """The first slice of decisions that is not summed up; None while there is none."""
        slots = self.slots()
        decided = slots[(slots >= np.uint64(self.rolled)) & (slots < np.uint64(1 << _AXIS))]
        return int(decided.min()) if len(decided) else None

    def last(self) -> int | None:
        """The newest slice of decisions; None while there is none."""
        slots = self.slots()
        decided = slots[slots < np.uint64(1 << _AXIS)]
        return int(decided.max()) if len(decided) else None

    def window(self, axis: int, start: int | None, end: int | None) -> Window:
        """The sum of the slices [start, end) of an axis; None is no bound."""
        slots = self.slots()
        first = (axis << _AXIS) + (start or 0)
        last = (axis << _AXIS) + ((1 << _AXIS) - 1 if end is None else end)
        inside = (slots >= np.uint64(max(first, axis << _AXIS))) & (slots < np.uint64(max(last, 0)))
        sums = np.zeros(len(self._pairs), np.int64)  # many cells: no need to sort their pairs first
        np.add.at(sums, self._pair_of(inside), self._counts[: len(slots)][inside])
        return self._nonzero(np.arange(len(sums)), sums)

    def series(self, axis: int, start: int, end: int) -> tuple[I64, Window]:
        """The slices [start, end) of an axis one by one: each count's slice, and the counts, not summed."""
        slots = self.slots()
        first, last = np.uint64((axis << _AXIS) + start), np.uint64((axis << _AXIS) + end)
        cells = np.flatnonzero((slots >= first) & (slots < last))
        window = Window(
            self._group_names(), self._measures.keys, self._split(self._pair_of(cells)), self._counts[cells]
        )
        return (slots[cells] & np.uint64((1 << _AXIS) - 1)).astype(np.int64), window

    def _split(self, pairs: I64) -> I64:
        """Each pair's rows of group and measure, shape (pairs, 2)."""
        keys = self._pairs.keys[pairs]
        return np.stack([keys >> _GROUP, keys & _MEASURE], axis=1).astype(np.int64)

    def _window(self, cells: I64) -> Window:
        pairs, inverse = np.unique(self._pair_of(cells), return_inverse=True)
        sums = np.zeros(len(pairs), np.int64)
        np.add.at(sums, inverse, self._counts[cells])
        return self._nonzero(pairs, sums)

    def _nonzero(self, pairs: I64, sums: I64) -> Window:
        pairs, sums = pairs[sums != 0], sums[sums != 0]
        return Window(self._group_names(), self._measures.keys, self._split(pairs), sums)

    def _group_names(self) -> list[tuple[str, str]]:
        names = [UNKNOWN if text is None else text for text in self.codes.texts]
        return [(names[key >> 16], names[key & 0xFFFF]) for key in self._groups.keys.tolist()]

    def take(self, model: str, partition: int, shape: str) -> list[Pane]:
        """The panes that changed since the last call."""
        dirty, self.dirty = sorted(self.dirty), set()
        if not dirty:
            return []
        slots = self.slots()
        changed = np.flatnonzero(np.isin(slots, np.array(dirty, np.uint64)))
        changed = changed[np.argsort(slots[changed], kind="stable")]
        bounds = np.searchsorted(slots[changed], np.array(dirty, np.uint64))
        parts = np.split(changed, bounds[1:])
        return [self._pane(model, partition, shape, s, part) for s, part in zip(dirty, parts, strict=True)]

    def _pane(self, model: str, partition: int, shape: str, slot: int, cells: I64) -> Pane:
        window = self._window(cells)
        groups, group_of = np.unique(window.pairs[:, 0], return_inverse=True)
        used, measure_of = np.unique(window.pairs[:, 1], return_inverse=True)
        keys = window.measures[used]
        coded = [measures.field(keys, p)[measures.coded(keys, p)] for p in range(3)]
        texts = {int(c): self.codes.texts[c] for c in np.unique(np.concatenate(coded)).tolist() if c}
        return Pane(
            model=model,
            partition=partition,
            slot=slot,
            shape=shape,
            phi=f"{self.phi[slot]:x}",
            counted=pack(
                Counted(
                    {code: text for code, text in texts.items() if text is not None},
                    [window.groups[g] for g in groups.tolist()],
                    keys,
                    np.stack([group_of, measure_of], axis=1),
                    window.counts,
                )
            ),
        )

    def worn(self, end: int) -> int:
        """How many of others' panes are of slices before `end`."""
        return sum(_slice(slot) < end for partition, slot in self._held if partition != ROLLED)

    def roll(self, end: int, model: str, shape: str) -> tuple[Pane, list[tuple[int, int]]]:
        """Sums others' panes of slices before `end` up into one, which only windows without a start see.

        What comes for those slices later is refused. Returns the sum, which replaces an earlier one, and
        the (partition, slot) of the panes that are in it.
        """
        old = [name for name in self._held if name[0] != ROLLED and _slice(name[1]) < end]
        window = self.window(DECISION, None, end)
        self._forget(end)
        self._held = {name: held for name, held in self._held.items() if name[0] != ROLLED}
        self.rolled = end
        first = np.zeros(len(window.pairs), np.uint64)
        cells = self._add(first, window.pairs[:, 0], window.pairs[:, 1], window.counts)
        self._held[ROLLED, 0] = (end, cells, window.counts)
        self.phi[0] = end
        return self._pane(model, ROLLED, shape, 0, cells), old

    def _forget(self, end: int) -> None:
        """Drops the cells of slices before `end`, on both axes."""
        slices = (self.slots() & np.uint64((1 << _AXIS) - 1)).astype(np.int64)
        kept = np.flatnonzero(slices >= end)
        moved = np.full(len(self._cells), -1)
        moved[kept] = np.arange(len(kept))
        cells = Index()
        cells.put(self._cells.keys[kept])
        self._cells, self._counts = cells, self._counts[kept]
        self._grow()
        self._held = {
            name: (phi, moved[rows], counts)
            for name, (phi, rows, counts) in self._held.items()
            if name[0] != ROLLED and _slice(name[1]) >= end
        }

    def put(self, pane: Pane) -> bool:
        """Takes another's pane for the one held for its partition and slot; False if it is no newer.

        What is in a sum of old panes is forgotten when the sum comes.
        """
        if pane.partition == ROLLED:
            if (end := int(pane.phi, 16)) > self.rolled:
                self._forget(end)
                self.rolled = end
        elif self.is_rolled(pane):
            return False
        phi, name = int(pane.phi, 16), (pane.partition, pane.slot)
        held = self._held.get(name)
        if held is not None:
            if held[0] >= phi:
                return False
            np.subtract.at(self._counts, held[1], held[2])
        counted = unpack(pane.counted)
        cells = self._add(*self._translated(counted, pane.slot), counted.counts)
        self._held[name] = (phi, cells, counted.counts)
        self.dirty.add(pane.slot)
        return True

    def is_rolled(self, pane: Pane) -> bool:
        """Whether a pane is in the sum of old ones."""
        return pane.partition != ROLLED and _slice(pane.slot) < self.rolled

    def _group_row(self, attribute: str, name: str) -> int:
        """The row of a group of others' panes; partitions know different ones: all are capped again."""
        row = self._rows.get((attribute, name))
        if row is None:
            code = self._group_code(attribute, name)
            row = int(self.group(attribute, [code])[0])
            if code != OTHER_CODE:  # names beyond the cap are not remembered: there may be many
                self._rows[attribute, name] = row
        return row

    def _group_code(self, attribute: str, name: str) -> int:
        if attribute.startswith(REPEATED):  # as the group that it is taken off from
            whole = self._group_row(attribute.removeprefix(REPEATED), name)
            return int(self._groups.keys[whole]) & 0xFFFF
        self._named[attribute] += 1
        return OTHER_CODE if self._named[attribute] > limit(attribute) else self.codes.value(name)

    def _translated(self, counted: Counted, slot: int) -> tuple[U64, I64, I64]:
        codes = np.zeros(LIMIT + 1, np.uint16)  # those that no text explains are missing
        names = measures.names(counted.measures)
        for code, text in counted.texts.items():
            codes[code] = self.codes.code(text) if code in names else self.codes.value(text)
        named = self._caps.capped(measures.recoded(counted.measures, codes))
        measured = self._measures.known(named)[0]
        groups = np.array([self._group_row(*group) for group in counted.groups], np.int64)
        slots = np.full(len(counted.counts), slot, np.uint64)
        return slots, groups[counted.pairs[:, 0]], measured[counted.pairs[:, 1]]
