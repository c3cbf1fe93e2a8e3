"""Decisions of one model with what feedback has said of them since, and the panes they make."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.arrays import numbers
from monitor.arrays.codes import MISSING, OTHER_CODE, Codes, Vocabularies
from monitor.arrays.columns import Columns
from monitor.arrays.distinct import distinct, totals
from monitor.arrays.kinds import types
from monitor.config import SEPARATOR, Model, attribute_name, escape, slice_ms
from monitor.config.durations import UNITS_MS, milliseconds
from monitor.events import Decision, scalar
from monitor.events.batches import Batch
from monitor.facts.blocks import CODED, OWN, TYPES, Array, stem
from monitor.panes import (
    ALL,
    DECISION,
    GROUPS,
    OUTCOME,
    REPEATED,
    UNIT,
    Panes,
    bins,
    forecasts,
    limit,
    measures,
    proxies,
    slot,
    within,
)

U16 = npt.NDArray[np.uint16]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

CLASSES, FLAGS = 50, 50  # how many distinct ones count by name
_LIMITS = {  # the same of a decision's columns, by what comes before the dot; of reasons distinct lists
    "decision": CLASSES,
    "attributes": GROUPS,
    "slices": GROUPS,
    "categories": 100,
    "flags": FLAGS,
    "reasons": 1_000,
}


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


class _Cells:
    """Sums of what is counted, in parts, added to panes at once: few cells, however many rows there are."""

    def __init__(self) -> None:
        self._parts: list[tuple[U64, I64, U64, I64]] = []

    def add(self, slots: U64, groups: Iterable[I64], counted: Counted, weights: I64 | None = None) -> None:
        """Rows' slots, and their rows in panes of one or several groups. `weights` replace the counted's."""
        if not len(slots):
            return
        some, which = distinct(slots - slots.min(), *counted.fields)
        slots, keys = slots[some], measures.pack(counted.family, *(field[some] for field in counted.fields))
        for group in groups:
            codes, sums = totals(group * len(some) + which, counted.weights if weights is None else weights)
            rows, kinds = np.divmod(codes, len(some))
            self._parts.append((slots[kinds], rows, keys[kinds], sums))

    def pour(self, panes: Panes, sign: int) -> None:
        slots, groups, keys, weights = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        panes.add(slots, groups, keys, sign * weights)


class Joined:
    """The table of one model's decisions in one partition.

    Its columns are those of a block of decisions, written over by feedback of the same name, and outcome,
    outcome_time (ms), final and values; repeat is 1 where tests do not count a decision.
    """

    def __init__(self, model: Model, codes: Codes) -> None:
        self.panes = Panes(codes, slice_ms(model))
        self.sealed = 0  # event time in ms: what is from before is too late
        self._codes = codes
        self._model = model
        self._parts = sorted({p for a in model.attributes for p in ([a] if isinstance(a, str) else a)})
        self._vocabularies = Vocabularies(codes)
        self._table = Columns({})
        for column in ("id", "time", "decision", "score", "value", "outcome", "outcome_time", "final"):
            self._declare(column)
        self._declare("repeat")

    def __len__(self) -> int:
        return len(self._table)

    @property
    def nbytes(self) -> int:
        return self._table.nbytes

    @property
    def refused(self) -> dict[str, int]:
        """Values that count as `__other__` because their field has too many, by field."""
        return self._vocabularies.refused

    def all(self, name: str) -> Array:
        return self._table[name]

    def column(self, name: str, rows: I64) -> Array:
        return self._table[name][rows]

    def _declare(self, column: str) -> None:
        self._table.types.setdefault(column, TYPES[column.partition(".")[0]])

    def columns(self, batch: Batch[Decision], ids: U64) -> dict[str, Array]:
        """The events as the columns of a block; what the configuration does not declare is left out."""
        columns: dict[str, Array] = {"id": ids, "time": batch.times}
        columns["decision"] = self._coded("decision", spelled(batch, "decision"))
        for name in ("score", "value"):
            if batch.holds(name):
                columns[name] = numbers.bits(batch.column(name))
        for part in self._parts:
            name = f"attributes.{part}"
            columns[name] = self._coded(name, spelled(batch, name))
            if dict in batch.types(name):
                columns |= self._proxies(part, batch.column(name))
        for condition in self._model.slices:
            name = f"slices.{condition}"
            columns[name] = self._coded(name, conditions(batch, condition))
        reasons = batch.column("reasons")
        if any(reasons):
            listed = [
                UNIT.join(sorted({_plain(r) for r in several})) if several else None for several in reasons
            ]
            columns["reasons"] = self._coded("reasons", listed)
        return columns | self._features(batch) | self._flags(batch)

    def _proxies(self, attribute: str, values: Sequence[object]) -> dict[str, Array]:
        """The weights of groups that are given as probabilities; of groups that are too many, together."""

        def named(group: str) -> str:
            code = self._coded(f"attributes.{attribute}", [group])[0]
            return self._codes.texts[code] or group

        return dict(proxies.columns(attribute, values, named))

    def _coded(self, field: str, texts: Sequence[str | None]) -> U16:
        return self._vocabularies.encode(field, texts, _LIMITS[stem(field)])

    def know(self, columns: Mapping[str, Array]) -> None:
        """Takes the names in a block's columns: what counted by name goes on doing so."""
        for name, column in columns.items():
            field, texts = name, [self._codes.texts[code] for code in _codes(name, column)]
            if stem(name) == "flags":
                field, texts = "flags", [name.partition(".")[2]]
            elif proxy := proxies.group(name):
                field, texts = f"attributes.{proxy[0].removesuffix(proxies.MARK)}", [proxy[1]]
            if texts:
                self._vocabularies.know(field, texts, _LIMITS[stem(field)])

    def _features(self, batch: Batch[Decision]) -> dict[str, Array]:
        columns: dict[str, Array] = {}
        for name in self._model.features:
            found = batch.column(f"features.{name}")
            if batch.types(f"features.{name}") <= {float, int, NoneType}:
                columns[f"features.{name}"] = numbers.bits(found)
                continue
            columns[f"features.{name}"] = numbers.bits([v if _is_number(v) else None for v in found])
            named = [None if v is None or _is_number(v) else scalar(v) for v in found]
            columns[f"categories.{name}"] = self._coded(f"categories.{name}", named)
        return columns

    def _flags(self, batch: Batch[Decision]) -> dict[str, Array]:
        columns = batch.names("flags")
        codes = self._coded("flags", [column.partition(".")[2] for column in columns]).tolist()
        known = [column for column, code in zip(columns, codes, strict=True) if code != OTHER_CODE]
        return {column: flags(batch.column(column)) for column in known}

    @property
    def wait(self) -> int:
        """How long feedback may come after a decision, in ms."""
        return milliseconds(self._model.feedback_within)

    def end(self, clock: int) -> int:
        """Before which time (ms) no feedback may come any more, down to a whole slice."""
        width = self.panes.width
        return max(self.sealed, (clock - self.wait) // width * width)

    def overdue(self, decided: I64, said: I64) -> npt.NDArray[np.bool_]:
        """Which of what was `said` may come after the time of its decision (both in ms) was sealed."""
        width = self.panes.width
        return decided < (said - self.wait) // width * width

    def dead(self, end: int) -> npt.NDArray[np.bool_]:
        """Which decisions are, with their outcomes, from before `end` (ms)."""
        return (self._table["time"] < end) & (self._table["outcome_time"] < end)

    def rows(self, rows: I64) -> dict[str, Array]:
        """Decisions as the columns of a block; feedback of the same name has written over them."""
        names = [name for name in self._table.types if name in self._table and name.partition(".")[0] in OWN]
        wanted = dict.fromkeys(["id", "time", "decision", *names])
        return {name: self._table[name][rows] for name in wanted}

    def append(self, columns: dict[str, Array]) -> I64:
        """Adds decisions, not yet counted; returns their rows."""
        start = len(self._table)
        self._table.extend(len(columns["id"]))
        rows = np.arange(start, len(self._table))
        for name, values in columns.items():
            self.write(name, rows, values)
        return rows

    def write(self, column: str, rows: I64, values: Array) -> None:
        self._declare(column)
        self._table.write(column, rows, values)

    def takes(self, kind: str) -> bool:
        """Whether feedback of this kind is kept: an attribute only if it is declared."""
        stem, _, name = kind.partition(".")
        return stem != "attributes" or name in self._parts

    def slots(self, axis: int, times: I64) -> U64:
        return slot(axis, times, self.panes.width)

    def count(self, rows: I64, sign: int) -> None:
        """Adds these decisions to their panes (sign +1), or takes them out (-1)."""
        if not len(rows):
            return
        groups, weighted = self._groups(rows), self._weighted(rows)
        slots = self.slots(DECISION, self._table["time"][rows])
        cells = _Cells()
        for counted in self._counted(rows):
            some = groups if counted.by_group else groups[:1]
            cells.add(slots[counted.at], (group[counted.at] for group in some), counted)
            for group, weights in weighted if counted.is_rate else ():
                cells.add(slots[counted.at], [group[counted.at]], counted, weights[counted.at])
        cells.add(slots, self._within(rows), self._core(rows))
        self._add_outcomes(cells, rows, groups)
        self._add_repeats(cells, rows[self._table["repeat"][rows] != 0])
        cells.pour(self.panes, sign)

    def _add_outcomes(self, cells: _Cells, rows: I64, groups: list[I64]) -> None:
        known = np.flatnonzero(self._table["outcome"][rows] != MISSING)
        slots = self.slots(OUTCOME, self._table["outcome_time"][rows[known]])
        cells.add(slots, (group[known] for group in groups), self._core(rows[known]))

    def _add_repeats(self, cells: _Cells, rows: I64) -> None:
        """Adds once more what tests count of these decisions, to be taken off again."""
        if not len(rows):
            return
        groups, slots = self._groups(rows, REPEATED), self.slots(DECISION, self._table["time"][rows])
        for counted in self._counted(rows):
            if counted.is_rate:
                cells.add(slots[counted.at], (group[counted.at] for group in groups), counted)
        self._add_outcomes(cells, rows, groups)

    def _groups(self, rows: I64, mark: str = "") -> list[I64]:
        """The group of each row: of everybody first, then of each attribute and intersection."""
        everybody = self.panes.group(mark + ALL[0], [self._codes.code(ALL[1])])
        named = [
            self.panes.group(mark + attribute_name(attribute), self._members(attribute, rows))
            for attribute in self._model.attributes
        ]
        return [np.broadcast_to(everybody, (len(rows),)), *named]

    def _weighted(self, rows: I64) -> list[tuple[I64, I64]]:
        """Groups that are given as probabilities: each row's group, and its weight in millionths."""
        found = [(named, name) for name in self._table.types if (named := proxies.group(name))]
        return [
            (
                np.broadcast_to(self.panes.group(attribute, [self._codes.code(group)]), (len(rows),)),
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
                yield self.panes.group(inside, found)

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
            yield from self._sums(at, code, numbers.floats(values))

    def _errors(self, rows: I64) -> Iterator[Counted]:
        """How far numbers that were decided are from what came."""
        both = (self._table[name][rows] for name in (forecasts.FORETOLD, forecasts.CAME))
        at, found = forecasts.errors(*both)
        for name, sizes in found.items():
            code = _all(self._codes.code(name), at)
            yield Counted(at, measures.NUMBER, (code, bins.code(sizes)))
            yield from self._sums(at, code, sizes)

    def _sums(self, at: I64, code: Array, values: npt.NDArray[np.float64]) -> Iterator[Counted]:
        """The sum of some numbers, in two parts."""
        for part, weights in enumerate(numbers.millionths(values)):
            yield Counted(at, measures.SUM, (code, _all(part, at)), weights)


_FAMILIES = {
    "score": measures.SCORE,
    "value": measures.NUMBER,
    "values": measures.NUMBER,
    "features": measures.NUMBER,
    "categories": measures.CATEGORY,
    "flags": measures.FLAG,
}


def conditions(batch: Batch[Decision], name: str) -> Sequence[str | None]:
    """The events' values in a conditioning column; "version" and "stage" are fields of their own."""
    found = batch.column(f"slices.{name}")
    if name in ("version", "stage"):
        own = batch.column(name)
        found = [value if value is not None else other for value, other in zip(found, own, strict=True)]
    return [None if text is None else _plain(text) for text in texts(found, types(found))]


def _codes(name: str, column: Array) -> list[int]:
    """The codes of texts that a block's column holds, each once."""
    return np.unique(column).tolist() if stem(name) in CODED else []


def _plain(text: str) -> str:
    return text.replace(UNIT, " ")


def spelled(batch: Batch[Any], name: str) -> Sequence[str | None]:
    """A column's classes or groups as texts."""
    return texts(batch.column(name), batch.types(name))


def texts(values: Sequence[Any], found: set[type]) -> Sequence[str | None]:
    """The spelling of classes and groups of these types; a map of probabilities has none of its own.

    >>> texts(["F", True, 2.0, None, {"F": 0.5}], {str, bool, float, NoneType, dict})
    ['F', 'true', '2', None, None]
    """
    if found <= {str, NoneType}:
        return values
    return [scalar(value) if isinstance(value, (bool, int, float, str)) else None for value in values]


def flags(values: Sequence[bool | None]) -> npt.NDArray[np.uint8]:
    """0 none, 1 false, 2 true.

    >>> flags([None, False, True]).tolist()
    [0, 1, 2]
    """
    return np.fromiter(map(_FLAGS.__getitem__, values), np.uint8, len(values))


_FLAGS = {None: 0, False: 1, True: 2}


def _all(number: int, at: I64) -> Array:
    """The same for all."""
    return np.broadcast_to(np.uint16(number), len(at))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _bins(bits: Array) -> Array:
    return bins.code(numbers.floats(bits))
