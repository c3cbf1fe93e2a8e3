"""Messages by columns in which every value is right, decoded by column. All others are read row by row."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from monitor.arrays.texts import Texts

I64 = npt.NDArray[np.int64]
Column = Sequence[Any]
LEAST = 200  # bytes of a column, in the mean: of less the rows are read faster


class Clean(NamedTuple):
    """Columns that are fields of the event, of one length, and how many of it each message held.

    `numbers` are those columns that are known to hold floats alone; `unknown` are the names of the first
    message's other columns.
    """

    columns: dict[str, Column]
    numbers: list[str]
    counts: I64
    unknown: list[str]


class _Message(Struct):
    columns: dict[str, msgspec.Raw]
    model: str | None = None
    time: msgspec.Raw | None = None


class CleanDecoder:
    """Decodes messages by columns of one kind of event.

    `longest` is the length of a name, `widest` the number of entries of a map, at most.
    """

    def __init__(self, kind: type[Struct], longest: int, widest: int) -> None:
        self._longest, self._widest = longest, widest
        self._message = msgspec.json.Decoder(_Message)
        self._anything = msgspec.json.Decoder(list[Any])
        fields = msgspec.structs.fields(kind)
        self._fields = frozenset(field.name for field in fields)
        self._required = {field.name for field in fields if field.required}
        self._id = fields[0].name
        types = dict(_column(field.name, field.type, field.required) for field in fields)
        self._numbers = frozenset(field.name for field in fields if _holds_numbers(field.type))
        self._plain = msgspec.json.Decoder(list[float])
        self._decoders = {name: msgspec.json.Decoder(list[found]) for name, found in types.items()}  # type: ignore[valid-type]

    def decode(self, messages: Sequence[bytes]) -> Clean | None:
        """Their columns; None where they have too many together, or too little in each, or where only a
        reading row by row can say what is wrong with one, if anything is.

        >>> from monitor.events import Feedback
        >>> clean = CleanDecoder(Feedback, longest=256, widest=200)
        >>> columns = {"decision_id": ["a"] * 99, "time": [0] * 99, "outcome": ["repaid"] * 99}
        >>> found = clean.decode([msgspec.json.encode({"columns": columns})])
        >>> {name: column[0] for name, column in found.columns.items()}
        {'decision_id': 'a', 'time': 0.0, 'outcome': 'repaid'}
        """
        try:
            found = [self._message.decode(message) for message in messages]
            return self._together(found, self._names(found, sum(map(len, messages))))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, _UnclearError):
            return None

    def _names(self, messages: Sequence[_Message], size: int) -> Iterable[str]:
        """All columns of messages of so many bytes, if it is worth while to read each of them as one."""
        names = dict.fromkeys(chain.from_iterable(message.columns for message in messages))
        most = max(self._widest, *(len(message.columns) for message in messages))
        if len(names) > most or LEAST * len(names) > size:
            raise _UnclearError
        return names

    def _together(self, messages: Sequence[_Message], names: Iterable[str]) -> Clean:
        for message in messages:
            self._check(message)
        ids, counts = self._decoded(self._id, messages)
        columns, numbers = {self._id: ids}, list[str]()
        for name in names:
            if name in self._numbers and (plain := self._floats(name, messages, counts)) is not None:
                columns[name] = plain
                numbers.append(name)
            elif name != self._id:
                columns[name] = self._column(name, messages, counts)
        if "model" in self._required and "model" not in columns:
            columns["model"] = Texts.repeated([message.model or "" for message in messages], counts)
        known = {name: column for name, column in columns.items() if self._is_known(name)}
        unknown = [name for name in messages[0].columns if not self._is_known(name)]
        return Clean(known, numbers, counts, unknown)

    def _is_known(self, name: str) -> bool:
        return name.partition(".")[0] in self._fields

    def _floats(self, name: str, messages: Sequence[_Message], counts: I64) -> list[float] | None:
        """A column that all messages have and that holds numbers alone: nobody need look at each."""
        try:
            lists = [self._plain.decode(message.columns[name]) for message in messages]
        except (KeyError, msgspec.ValidationError):
            return None
        if [*map(len, lists)] != counts.tolist():
            raise _UnclearError
        return [*chain.from_iterable(lists)]

    def _column(self, name: str, messages: Sequence[_Message], counts: I64) -> Column:
        """A column that some messages have, with None for the events of the others."""
        there = np.array([name in message.columns for message in messages])
        having = [message for message in messages if name in message.columns]
        column, sizes = self._decoded(name, having)
        if (sizes != counts[there]).any():
            raise _UnclearError
        if there.all():
            return column
        if name in self._required:
            raise _UnclearError
        return _spread(column, np.repeat(there, counts))

    def _check(self, message: _Message) -> None:
        """That it is a batch, has all columns that it must have, and not too many."""
        found = {*message.columns, *(["model"] if self._is_name(message.model) else [])}
        if message.time is not None:  # it is one event, with an unknown field
            raise _UnclearError
        if not found >= self._required or max(_entries(message.columns), default=0) > self._widest:
            raise _UnclearError

    def _is_name(self, name: str | None) -> bool:
        return name is not None and 0 < len(name) <= self._longest

    def _decoded(self, name: str, messages: Sequence[_Message]) -> tuple[Column, I64]:
        """A column of messages that have it, and its length in each."""
        decoder = self._decoder(name)
        arrays = [memoryview(message.columns[name]) for message in messages]
        if (plain := Texts.of_json(arrays)) and self._takes(decoder, plain[0]):
            return plain
        lists = [decoder.decode(array) for array in arrays]
        return [*chain.from_iterable(lists)], np.array([*map(len, lists)], np.int64)

    def _takes(self, decoder: "msgspec.json.Decoder[list[Any]]", texts: Texts) -> bool:
        """Whether a column may hold these: then its shortest and its longest one may be in it."""
        try:
            sizes = int(texts.lengths.min()), int(texts.lengths.max())
            decoder.decode(msgspec.json.encode(["a" * size for size in sizes]))
        except msgspec.ValidationError:
            return False
        return True

    def _decoder(self, name: str) -> "msgspec.json.Decoder[list[Any]]":
        field, dot, entry = name.partition(".")
        if field not in self._fields:
            return self._anything
        if len(entry) > self._longest or bool(dot) != bool(entry) or field + dot not in self._decoders:
            raise _UnclearError
        return self._decoders[field + dot]


class _UnclearError(Exception):
    """A column is missing, of another length, too much or hardly anything, or its name is not plain."""


def _spread(column: Column, there: npt.NDArray[np.bool_]) -> Column:
    """The column with None where it is not there."""
    if isinstance(column, Texts):
        return column.spread(there)
    values = iter(column)
    return [next(values) if has else None for has in there.tolist()]


def _holds_numbers(found: Any) -> bool:
    """Whether a field may hold floats, and no integers, which would not stay what they are."""
    kinds = {*map(_plain, get_args(found))}
    return float in kinds and not kinds & {int, bool}


def _plain(found: Any) -> Any:
    """A type without what is annotated."""
    return get_args(found)[0] if get_origin(found) is Annotated else found


def _column(name: str, found: Any, required: bool) -> tuple[str, Any]:
    """A field's decoder by the beginning of its column's name: a map's is that of its entries."""
    plain = _plain(found)
    if get_origin(plain) is dict:
        return f"{name}.", get_args(plain)[1]
    return name, found if required else found | None


def _entries(columns: Iterable[str]) -> Iterable[int]:
    return Counter(name.partition(".")[0] for name in columns).values()
