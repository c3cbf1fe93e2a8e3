"""Batches: decoded events that are read by column, so that a whole batch costs a few numpy calls.

Events that came one by one are `Structs`; a clean batch by columns stays what it was, `Columns`,
and no object is made for each of its events.
"""

from abc import ABC, abstractmethod
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

from monitor.hashing import Texts

I64 = npt.NDArray[np.int64]
E = TypeVar("E", bound=Struct)
Types = dict[str, set[type]]  # by column


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
        plain = self.types(self.kind.__struct_fields__[0]) <= {str}
        return Texts(self.ids if plain else [*map(str, self.ids)])

    def take(self, places: I64) -> Self:
        """The events at these places, which rise; itself for all of them."""
        if len(places) == len(self):
            return self
        some = self._some(places)
        some.texts = self.texts.take(places)
        return some

    def types(self, name: str) -> set[type]:
        """What a column's values are: where they are plain there is no need to look at each."""
        if name not in self._types:
            self._types[name] = types(self.column(name))
        return self._types[name]

    def holds(self, name: str) -> bool:
        """Whether a column has a value anywhere."""
        return not self.types(name) <= {NoneType}

    @abstractmethod
    def column(self, name: str) -> Sequence[Any]:
        """A field's values, as "score", or those under a name in one of the maps, as "attributes.sex"."""

    @abstractmethod
    def names(self, field: str) -> list[str]:
        """The columns of a map that hold something, in alphabetical order: ["flags.explained"]."""

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
        columns: Mapping[str, list[Any]],
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

    @property
    def events(self) -> list[E]:
        return [msgspec.convert(row, self.kind) for row in rows(self._columns, len(self))]

    def _some(self, places: I64) -> Self:
        at = places.tolist()
        columns = {name: [column[place] for place in at] for name, column in self._columns.items()}
        return type(self)(self.kind, columns, self.times[places], self.records[places])


class Runs(Generic[E]):
    """Collects events in the order of their log, in as few batches as that allows.

    Columns of several messages become one batch while they are at most `widest`.
    """

    def __init__(self, kind: type[E], widest: int) -> None:
        self._kind, self._widest = kind, widest
        self._batches: list[Batch[E]] = []
        self._events: list[E] = []
        self._columns: dict[str, list[Any]] = {}
        self._types: Types = {}
        self._records: list[int] = []

    def add(self, event: E, record: int) -> None:
        """One event of a message."""
        if self._columns:
            self.close()
        self._events.append(event)
        self._records.append(record)

    def add_columns(self, columns: Mapping[str, list[Any]], count: int, record: int) -> None:
        """A message by columns."""
        if self._events or len(self._columns.keys() | columns.keys()) > self._widest:
            self.close()
        for name in columns:
            if name not in self._columns:
                self._columns[name] = [None] * len(self._records)
                self._types[name] = {NoneType} if self._records else set()
        for name, column in self._columns.items():
            more = columns[name] if name in columns else [None] * count
            column.extend(more)
            self._types[name] |= types(more)  # while they are in the processor's cache: later it costs more
        self._records.extend([record] * count)

    def close(self) -> list[Batch[E]]:
        """All batches so far. Their times are still to be set."""
        if self._records:
            times, records = np.zeros(len(self._records), np.int64), np.array(self._records)
            structs = Structs(self._kind, self._events, times, records)
            columns = Columns(self._kind, self._columns, times, records, self._types)
            self._batches.append(structs if self._events else columns)
        self._events, self._columns, self._types, self._records = [], {}, {}, []
        return self._batches


def types(values: Iterable[object]) -> set[type]:
    """What the values are.

    >>> types(["F", "M", None]) == {str, NoneType}
    True
    """
    return {*map(type, values)}


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
