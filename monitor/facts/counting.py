"""What is counted of decisions, in which groups, and their sums as cells of panes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.arrays import numbers
from monitor.arrays.codes import MISSING, Vocabularies
from monitor.arrays.columns import Columns
from monitor.arrays.distinct import distinct, totals
from monitor.config import SEPARATOR, Model, attribute_name, escape
from monitor.config.durations import UNITS_MS
from monitor.facts.blocks import Array
from monitor.facts.spelling import Spelling
from monitor.panes import (
    ALL,
    DECISION,
    OUTCOME,
    REPEATED,
    UNIT,
    Panes,
    bins,
    forecasts,
    limit,
    measures,
    moments,
    proxies,
    slot,
    within,
)

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Counted:
    """What is counted of some rows: their places, a measure's family and fields, and a weight; None is 1."""

    at: I64
    family: int
    fields: tuple[Array, ...]
    weights: I64 | None = None
    by_group: bool = True

    @property
    def is_rate(self) -> bool:
        """Whether it counts cases, which rates are made of, and not numbers."""
        return self.family in measures.OF_RATES

    @property
    def is_tested(self) -> bool:
        """Whether tests may be fed with it."""
        return self.family in measures.OF_TESTS

    def summed(self, *apart: npt.NDArray[np.integer]) -> "Counted":
        """The same with one row for all that are alike, also in other columns; these have all rows."""
        some, which = distinct(*(column[self.at] for column in apart), *self.fields)
        if self.weights is None:
            sums = np.bincount(which)
        else:
            sums = np.zeros(len(some), np.int64)
            np.add.at(sums, which, self.weights)
        return replace(self, at=self.at[some], fields=tuple(f[some] for f in self.fields), weights=sums)


class _Cells:
    """Sums of what is counted, in parts, added to panes at once: few cells, however many rows there are."""

    def __init__(self) -> None:
        self._parts: list[tuple[U64, I64, U64, I64]] = []

    def add(self, slots: U64, groups: Iterable[I64], counted: Counted, weights: I64 | None = None) -> None:
        """Rows' slots, and their rows in panes of one or several groups. `weights` replace the counted's."""
        if not len(slots):
            return
        some, which = distinct(slots, *counted.fields)
        slots, keys = slots[some], measures.pack(counted.family, *(field[some] for field in counted.fields))
        several = np.stack([*groups])
        weights = counted.weights if weights is None else weights
        codes, sums = totals(
            (several * len(some) + which).ravel(), None if weights is None else np.tile(weights, len(several))
        )
        rows, kinds = np.divmod(codes, len(some))
        self._parts.append((slots[kinds], rows, keys[kinds], sums))

    def pour(self, panes: Panes, sign: int) -> None:
        slots, groups, keys, weights = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        panes.add(slots, groups, keys, sign * weights)


class Grouped(NamedTuple):
    """Rows of a table with their slots and groups, and a number, the same where both are."""

    rows: I64
    slots: U64
    number: I64
    groups: list[I64]


class Counting:
    """Counts the rows of one model's table in its panes."""

    def __init__(
        self, model: Model, spelling: Spelling, vocabularies: Vocabularies, table: Columns, panes: Panes
    ) -> None:
        self._model, self._vocabularies, self._parts = model, vocabularies, spelling.parts
        self._codes, self._table, self._panes = panes.codes, table, panes
        self._bounds = moments.asked(model)

    def grouped(self, rows: I64, mark: str = "") -> Grouped:
        """Rows as they are to be counted; writing over their attributes makes new ones of them."""
        slots = self._slots(DECISION, self._table["time"][rows])
        names = [f"attributes.{part}" for part in self._parts]
        names += [f"slices.{name}" for name in self._model.slices]
        some, number = distinct(slots, *(self._table[name][rows] for name in names))
        return Grouped(rows, slots, number, [group[number] for group in self._groups(rows[some], mark)])

    def count(self, found: Grouped, sign: int) -> None:
        """Adds decisions to their panes (sign +1), or takes them out (-1)."""
        rows, slots, number, groups = found
        if not len(rows):
            return
        cells, weighted = _Cells(), self._weighted(rows)
        for counted in self._counted(rows):
            few = counted.summed(number)
            cells.add(slots[few.at], (group[few.at] for group in groups[: None if few.by_group else 1]), few)
            for group, weights in weighted if counted.is_rate else ():
                cells.add(slots[counted.at], [group[counted.at]], counted, weights[counted.at])
        if self._model.slices:
            core = self._core(rows).summed(number)
            cells.add(slots[core.at], self._within(rows[core.at]), core)
        self._add_outcomes(cells, found)
        self._add_repeats(cells, rows[self._table["repeat"][rows] != 0])
        cells.pour(self._panes, sign)

    def _slots(self, axis: int, times: I64) -> U64:
        return slot(axis, times, self._panes.width)

    def _add_outcomes(self, cells: _Cells, found: Grouped) -> None:
        known = np.flatnonzero(self._table["outcome"][found.rows] != MISSING)
        if not len(known):
            return
        rows = found.rows[known]
        slots = self._slots(OUTCOME, self._table["outcome_time"][rows])
        few = self._core(rows).summed(found.number[known], slots)
        cells.add(slots[few.at], (group[known[few.at]] for group in found.groups), few)

    def _add_repeats(self, cells: _Cells, rows: I64) -> None:
        """Adds once more what tests count of these decisions, to be taken off again."""
        if not len(rows):
            return
        found = self.grouped(rows, REPEATED)
        for counted in self._counted(rows):
            if counted.is_tested:
                few = counted.summed(found.number)
                cells.add(found.slots[few.at], (group[few.at] for group in found.groups), few)
        self._add_outcomes(cells, found)

    def _groups(self, rows: I64, mark: str = "") -> list[I64]:
        """The group of each row: of everybody first, then of each attribute and intersection."""
        names = [ALL[0], *map(attribute_name, self._model.attributes)]
        everybody = np.full(len(rows), self._codes.code(ALL[1]))
        members = [self._members(attribute, rows) for attribute in self._model.attributes]
        return self._panes.groups([mark + name for name in names], [everybody, *members])

    def _weighted(self, rows: I64) -> list[tuple[I64, I64]]:
        """Groups that are given as probabilities: each row's group, and its weight in millionths."""
        found = [(named, name) for name in self._table.types if (named := proxies.group(name))]
        return [
            (
                np.broadcast_to(self._panes.group(attribute, [self._codes.code(group)]), (len(rows),)),
                self._table[column][rows].astype(np.int64),
            )
            for (attribute, group), column in found
        ]

    def _within(self, rows: I64) -> Iterator[I64]:
        """The group of each row in its slice: of each attribute within each conditioning column."""
        for name in self._model.slices:
            column = self._table[f"slices.{name}"][rows]
            for attribute in self._model.attributes:
                members = self._members(attribute, rows)
                some, which = distinct(members, column)
                texts = self._codes.texts
                names = [
                    UNIT.join([texts[group] or "unknown", texts[value] or "unknown"])
                    for group, value in zip(members[some].tolist(), column[some].tolist(), strict=True)
                ]
                inside = within(attribute_name(attribute), name)
                found = self._vocabularies.encode(inside, names, limit(inside))[which]
                yield self._panes.group(inside, found)

    def _members(self, attribute: str | list[str], rows: I64) -> Array:
        """The code of each row's group; of an intersection "F & young", missing where every part is."""
        if isinstance(attribute, str):
            return self._table[f"attributes.{attribute}"][rows]
        codes = [self._table[f"attributes.{part}"][rows] for part in attribute]
        some, which = distinct(*codes)
        names = [
            SEPARATOR.join(self._named(code) for code in row) if any(row) else None
            for row in zip(*(part[some].tolist() for part in codes), strict=True)
        ]
        name = attribute_name(attribute)
        return self._vocabularies.encode(name, names, limit(name))[which]

    def _named(self, code: int) -> str:
        return escape(self._codes.texts[code] or "unknown")

    def _core(self, rows: I64) -> Counted:
        fields = tuple(self._table[name][rows] for name in ("decision", "outcome", "final"))
        return Counted(np.arange(len(rows)), measures.CORE, fields)

    def _counted(self, rows: I64) -> Iterator[Counted]:
        """All that is counted of these decisions."""
        yield self._core(rows)
        yield self._lags(rows)
        for name in self._table.types:
            stem = name.partition(".")[0]
            if stem in _FAMILIES and name in self._table:
                yield from self._values(name, stem, rows)
        if "reasons" in self._table:
            yield from self._reasons(rows)
        if forecasts.FORETOLD in self._table and forecasts.CAME in self._table:
            yield from self._errors(rows)

    def _lags(self, rows: I64) -> Counted:
        """How many days each outcome took."""
        at = np.flatnonzero(self._table["outcome"][rows] != MISSING)
        took = self._table["outcome_time"][rows[at]] - self._table["time"][rows[at]]
        return Counted(at, measures.LAG, (bins.coarse(bins.code(np.maximum(took, 0) / UNITS_MS["d"])),))

    def _reasons(self, rows: I64) -> Iterator[Counted]:
        """Each reason of each decision."""
        listed = self._table["reasons"][rows]
        for code in np.unique(listed[listed != MISSING]).tolist():
            at = np.flatnonzero(listed == code)
            for reason in (self._codes.texts[code] or "").split(UNIT):
                yield Counted(at, measures.REASON, (_all(self._codes.code(reason), at),))

    def _values(self, name: str, stem: str, rows: I64) -> Iterator[Counted]:
        """What is counted of one column besides the core, where it holds a value."""
        at = np.flatnonzero(self._table[name][rows])
        if not len(at):
            return
        values, code, family = self._table[name][rows[at]], _all(self._codes.code(name), at), _FAMILIES[stem]
        by_group = stem not in ("features", "categories")
        if family == measures.SCORE:
            yield Counted(at, family, (_bins(values), self._table["outcome"][rows[at]]))
        elif family == measures.NUMBER:
            yield Counted(at, family, (code, _bins(values)), by_group=by_group)
        else:
            yield Counted(at, family, (code, values), by_group=by_group)
        if stem in ("score", "value", "values"):
            yield from self._sums(at, name, numbers.floats(values))

    def _errors(self, rows: I64) -> Iterator[Counted]:
        """How far numbers that were decided are from what came."""
        both = (self._table[name][rows] for name in (forecasts.FORETOLD, forecasts.CAME))
        at, found = forecasts.errors(*both)
        for name, sizes in found.items():
            code = _all(self._codes.code(name), at)
            yield Counted(at, measures.NUMBER, (code, bins.code(sizes)))
            yield from self._sums(at, name, sizes)

    def _sums(self, at: I64, name: str, values: npt.NDArray[np.float64]) -> Iterator[Counted]:
        """The sum of some numbers, in two parts; and what tests of their mean are fed."""
        code = _all(self._codes.code(name), at)
        for part, weights in enumerate(numbers.millionths(values)):
            yield Counted(at, measures.SUM, (code, _all(part, at)), weights)
        if (bounds := self._bounds.get(name)) is not None:
            code = _all(self._codes.code(moments.measure(name, bounds)), at)
            for part, steps in moments.counted(values, bounds):
                yield Counted(at, measures.MOMENT, (code, _all(part, at)), steps)


_FAMILIES = {
    "score": measures.SCORE,
    "value": measures.NUMBER,
    "values": measures.NUMBER,
    "features": measures.NUMBER,
    "categories": measures.CATEGORY,
    "flags": measures.FLAG,
}


def _all(number: int, at: I64) -> Array:
    """The same for all."""
    return np.broadcast_to(np.uint16(number), len(at))


def _bins(bits: Array) -> Array:
    return bins.code(numbers.floats(bits))
