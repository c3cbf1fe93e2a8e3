"""Messages by columns in which every value is right, decoded by column. All others are read row by row."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import Struct

# The columns that are fields of the event, their length, and the names of the others.
Clean = tuple[dict[str, list[Any]], int, list[str]]


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
        types = dict(_column(field.name, field.type, field.required) for field in fields)
        self._decoders = {name: msgspec.json.Decoder(list[found]) for name, found in types.items()}  # type: ignore[valid-type]

    def decode(self, message: bytes) -> Clean | None:
        """The columns; None where only a reading row by row can say what is wrong, if anything is."""
        try:
            return self._whole(self._message.decode(message))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, _UnclearError):
            return None

    def _whole(self, message: _Message) -> Clean:
        if message.time is not None:  # it is one event, with an unknown field
            raise _UnclearError
        columns = {name: self._decoder(name).decode(raw) for name, raw in message.columns.items()}
        count = len(next(iter(columns.values()), ()))
        if "model" in self._required and "model" not in columns:
            columns["model"] = self._model(message.model) * count
        if not columns.keys() >= self._required or any(len(column) != count for column in columns.values()):
            raise _UnclearError
        if max(_entries(columns), default=0) > self._widest:
            raise _UnclearError
        known = {name: column for name, column in columns.items() if self._is_known(name)}
        return known, count, [name for name in columns if not self._is_known(name)]

    def _is_known(self, name: str) -> bool:
        return name.partition(".")[0] in self._fields

    def _decoder(self, name: str) -> "msgspec.json.Decoder[list[Any]]":
        field, dot, entry = name.partition(".")
        if field not in self._fields:
            return self._anything
        if len(entry) > self._longest or bool(dot) != bool(entry) or field + dot not in self._decoders:
            raise _UnclearError
        return self._decoders[field + dot]

    def _model(self, name: str | None) -> list[str]:
        if name is None or not 0 < len(name) <= self._longest:
            raise _UnclearError
        return [name]


class _UnclearError(Exception):
    """A column is missing, of another length, too much, or its name is not plain."""


def _column(name: str, found: Any, required: bool) -> tuple[str, Any]:
    """A field's decoder by the beginning of its column's name: a map's is that of its entries."""
    plain = get_args(found)[0] if get_origin(found) is Annotated else found
    if get_origin(plain) is dict:
        return f"{name}.", get_args(plain)[1]
    return name, found if required else found | None


def _entries(columns: Iterable[str]) -> Iterable[int]:
    return Counter(name.partition(".")[0] for name in columns).values()
