"""Batches: decoded events that are read by column, so that a whole batch costs a few numpy calls.

A clean batch by columns stays what it was, `Columns`, and no object is made for each of its events. Events
that came one by one become columns, too; `Structs` are those that have too many, or are wanted one by one.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from operator import attrgetter
from types import NoneType
from typing import Any, Generic, Self, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.structs import astuple

from monitor.arrays.kinds import types
from monitor.arrays.texts import Texts

I64 = npt.NDArray[np.int64]
E = TypeVar("E", bound=Struct)
Types = dict[str, set[type]]  # by column
AT_ONCE = 512  # events that fit into the processor's cache


class Batch(ABC, Generic[E]):
    """Events of one kind in the order of their log. Absent values are None.

    `times` are in ms since 1970; `records` are the numbers of the messages that held the events.
    """

    def __init__(self, kind: type[E], times: I64, records: I64, types: Types | None = None) -> None:
        self.kind, self.times, self.records = kind, times, records
        self._types = types or {}

    def __len__(self) -> int:
        return len(self.records)

    @property
    def ids(self) -> Sequence[Any]:
        """The decisions' ids: of both kinds of events the first field."""
        return self.column(self.kind.__struct_fields__[0])

    @cached_property
    def texts(self) -> Texts:
        """The ids, ready to be hashed."""
        if isinstance(self.ids, Texts):
            return self.ids
        plain = self.types(self.kind.__struct_fields__[0]) <= {str}
        return Texts(self.ids if plain else [*map(str, self.ids)])

    @cached_property
    def models(self) -> tuple[list[str], I64]:
        """The distinct models of decisions, and which of them each one is of."""
        models = self.column("model")
        names, which = (models if isinstance(models, Texts) else Texts(models)).distinct
        return [*map(str, names)], which

    def take(self, places: I64) -> Self:
        """The events at these places, which rise; itself for all of them."""
        return self if len(places) == len(self) else self._some(places)

    def types(self, name: str) -> set[type]:
        """What a column's values are: where they are plain there is no need to look at each."""
        if name not in self._types:
            self._types[name] = types(self.column(name))
        return self._types[name]

    def holds(self, name: str) -> bool:
        """Whether a column has a value anywhere."""
        return not self.types(name) <= {NoneType}

    def filled(self, name: str) -> int:
        """How many events have a value in a column."""
        everywhere = NoneType not in self.types(name)
        return len(self) if everywhere else len(self) - self.column(name).count(None)

    @abstractmethod
    def column(self, name: str) -> Sequence[Any]:
        """A field's values, as "score", or those under a name in one of the maps, as "attributes.sex"."""

    @abstractmethod
    def names(self, field: str) -> list[str]:
        """The columns of a map that hold something, in alphabetical order: ["flags.explained"]."""

    @abstractmethod
    def held(self, field: str) -> Mapping[str, int]:
        """The columns of a map, in alphabetical order, and how many events have a value there."""

    @abstractmethod
    def places(self, names: Sequence[str]) -> I64:
        """Where some columns of a map have their values: each one's event, in order."""

    @property
    @abstractmethod
    def events(self) -> list[E]:
        """Each event as a struct."""

    @abstractmethod
    def _some(self, places: I64) -> Self: ...


class Structs(Batch[E]):
    """Events one by one. Without `records` each was a message of its own."""

    def __init__(self, kind: type[E], events: Sequence[E], times: I64, records: I64 | None = None) -> None:
        super().__init__(kind, times, np.arange(len(times)) if records is None else records)
        self._events = events
        self._fields: dict[str, list[Any]] = {}

    def column(self, name: str) -> Sequence[Any]:
        field, _, entry = name.partition(".")
        if field not in self._fields:
            self._fields[field] = [*map(attrgetter(field), self._events)]
        found = self._fields[field]
        return [entries.get(entry) for entries in found] if entry else found

    def names(self, field: str) -> list[str]:
        found = set(chain.from_iterable(filter(None, self.column(field))))
        return [f"{field}.{name}" for name in sorted(found)]

    def held(self, field: str) -> Mapping[str, int]:
        """One look at each event: with many names, most of them in few, columns would be quadratic."""
        entries = chain.from_iterable(each.items() for each in self.column(field) if each)
        counts = Counter(name for name, value in entries if value is not None)
        return {f"{field}.{name}": counts[name] for name in sorted(counts)}

    def places(self, names: Sequence[str]) -> I64:
        """One look at each event, as in `held`."""
        field = names[0].partition(".")[0]
        wanted = {name.partition(".")[2] for name in names}
        found = (
            place
            for place, entries in enumerate(self.column(field))
            for name, value in (entries or {}).items()
            if value is not None and name in wanted
        )
        return np.fromiter(found, np.int64)

    @property
    def events(self) -> list[E]:
        return list(self._events)

    def _some(self, places: I64) -> Self:
        some = [self._events[place] for place in places.tolist()]
        return type(self)(self.kind, some, self.times[places], self.records[places])


class Columns(Batch[E]):
    """Events by columns of one length, all values of the right types."""

    def __init__(
        self,
        kind: type[E],
        columns: Mapping[str, Sequence[Any]],
        times: I64,
        records: I64,
        types: Types | None = None,
    ) -> None:
        super().__init__(kind, times, records, types)
        self._columns = columns

    def column(self, name: str) -> Sequence[Any]:
        found = self._columns.get(name)
        return [None] * len(self) if found is None else found

    def names(self, field: str) -> list[str]:
        ours = sorted(name for name in self._columns if name.startswith(f"{field}."))
        return [name for name in ours if self.holds(name)]

    def held(self, field: str) -> Mapping[str, int]:
        return {name: self.filled(name) for name in self.names(field)}

    def places(self, names: Sequence[str]) -> I64:
        columns = map(self.column, names)
        found = (place for column in columns for place, value in enumerate(column) if value is not None)
        return np.sort(np.fromiter(found, np.int64))

    @property
    def events(self) -> list[E]:
        return [msgspec.convert(row, self.kind) for row in rows(self._columns, len(self))]

    def _some(self, places: I64) -> Self:
        columns = {name: _taken(column, places) for name, column in self._columns.items()}
        return type(self)(self.kind, columns, self.times[places], self.records[places])


def _taken(column: Sequence[Any], places: I64) -> Sequence[Any]:
    return column.take(places) if isinstance(column, Texts) else [column[place] for place in places.tolist()]


class Runs(Generic[E]):
    """Collects events in the order of their log, in as few batches as that allows.

    Columns of several messages become one batch while they are at most `widest`. Events that came one by
    one become columns, too, unless theirs are more than that.
    """

    def __init__(self, kind: type[E], widest: int) -> None:
        self._kind, self._widest = kind, widest
        self._batches: list[Batch[E]] = []
        self._columns: dict[str, Sequence[Any]] = {}
        self._types: Types = {}
        self._records: list[I64] = []
        self._count = 0
        self._events: list[E] = []  # that are no columns yet
        self._places: list[int] = []  # the numbers of their messages
        self._wide: list[E] = []  # that do not become columns; then there are none before them
        self._wide_places: list[int] = []

    def add(self, events: Iterable[E], records: Iterable[int]) -> None:
        """Events with the numbers of their messages."""
        self._events.extend(events)
        self._places.extend(records)
        if len(self._events) >= AT_ONCE:
            self._turn()

    def add_columns(self, columns: Mapping[str, Sequence[Any]], records: I64, known: Types) -> None:
        """Messages by columns, with the number of each event's message, and the types that are known."""
        self._turn()
        self._extend(columns, records, known)

    def close(self) -> list[Batch[E]]:
        """All batches so far. Their times are still to be set."""
        self._turn()
        self._end()
        return self._batches

    def _turn(self) -> None:
        """The events as columns: while they are in the processor's cache, later it costs more."""
        events, places = self._events, self._places
        self._events, self._places = [], []
        if not events:
            return
        found = columns(events, self._widest)
        if found is None:
            if self._count:
                self._end()
            self._wide += events
            self._wide_places += places
        else:
            self._extend(found, np.array(places), {})

    def _extend(self, columns: Mapping[str, Sequence[Any]], records: I64, known: Types) -> None:
        found = {name: known.get(name) or types(column) for name, column in columns.items()}
        if self._wide or len(self._columns.keys() | columns.keys()) > self._widest:
            self._end()
        if self._count:
            self._join(columns, found, len(records))
        else:  # they stay what they are
            self._columns, self._types = dict(columns), found
        self._records.append(records)
        self._count += len(records)

    def _join(self, columns: Mapping[str, Sequence[Any]], found: Types, count: int) -> None:
        for name in self._columns.keys() | columns.keys():
            before = self._columns.get(name) or [None] * self._count
            joined = before if isinstance(before, list) else list(before)
            more = columns[name] if name in columns else [None] * count
            joined.extend(more)
            self._columns[name] = joined
            self._types[name] = self._types.get(name, {NoneType}) | found.get(name, {NoneType})

    def _end(self) -> None:
        """The columns so far are a batch, or the events that did not become any."""
        if self._wide:
            places = np.array(self._wide_places)
            self._batches.append(Structs(self._kind, self._wide, _untimed(places), places))
            self._wide, self._wide_places = [], []
        if self._count:
            records = np.concatenate(self._records)
            self._batches.append(Columns(self._kind, self._columns, _untimed(records), records, self._types))
        self._columns, self._types, self._records, self._count = {}, {}, [], 0


def _untimed(records: Sequence[int] | I64) -> I64:
    return np.zeros(len(records), np.int64)


def columns(events: Sequence[Struct], widest: int) -> dict[str, Sequence[Any]] | None:
    """The columns of some events that hold something; None where they are more than `widest`.

    >>> class Said(Struct):
    ...     id: str
    ...     score: float | None = None
    ...     flags: dict[str, bool] = {}
    >>> columns([Said("a"), Said("b", flags={"asked": True})], widest=10)
    {'id': ('a', 'b'), 'flags.asked': [None, True]}
    """
    names = events[0].__struct_fields__
    fields = dict(zip(names, zip(*map(astuple, events), strict=True), strict=True))
    maps = {
        name: dict.fromkeys(chain.from_iterable(v)) for name, v in fields.items() if isinstance(v[0], dict)
    }
    if sum(map(len, maps.values())) > widest:  # before any is made: so many would cost much
        return None
    found: dict[str, Sequence[Any]] = {}
    for name, values in fields.items():
        if name in maps:
            found |= {f"{name}.{entry}": [each.get(entry) for each in values] for entry in maps[name]}
        elif values[0] is not None or values.count(None) < len(values):
            found[name] = values
    return None if len(found) > widest else found


def rows(columns: Mapping[str, Sequence[Any]], count: int) -> list[dict[str, Any]]:
    """Columns of one length as events. Absent values are None; "attributes.sex" is an entry of a map.

    >>> rows({"id": ["a", "b"], "flags.asked": [True, None]}, 2)
    [{'id': 'a', 'flags': {'asked': True}}, {'id': 'b'}]
    """
    found: list[dict[str, Any]] = [{} for _ in range(count)]
    for name, column in columns.items():
        outer, _, inner = name.partition(".")
        for row, value in zip(found, column, strict=True):
            if value is None:
                continue
            if inner:
                entries = row.setdefault(outer, {})
                if isinstance(entries, dict):  # else validation says what is wrong with the row
                    entries[inner] = value
            else:
                row[outer] = value
    return found


def by_model(batch: Batch[Any]) -> dict[str, I64]:
    """Where the decisions of each model are."""
    names, which = batch.models
    if len(names) == 1:
        return {names[0]: np.arange(len(batch))}
    return {name: np.flatnonzero(which == number) for number, name in enumerate(names)}
