"""Arguments to rows: every field is checked once, in the app's thread, and flattened to column names.

A row is one event: `{"id": "loan-17", "time": 1767225600.0, "decision": "approved", "attributes.sex": "F"}`.
Values are plain JSON values, ready to be sent; what is missing is absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import isfinite, isnan
from time import time_ns
from typing import Any, Callable, Union
from uuid import UUID

Id = Union[str, int, UUID]
Time = Union[datetime, float]
Label = Union[bool, int, str]  # a class, a group, a category
Group = Union[Label, Mapping[str, float]]
Feature = Union[bool, float, str]
Row = dict[str, Any]

# Fairlead refuses what is larger. They also make the queue's bound in events a bound in bytes.
MAX_TEXT = 256  # characters of any text
MAX_ENTRIES = 200  # of any map or list
MAX_COLUMNS = 10_000  # kept of a field, should an app invent names without end
_LAST_SECOND = 253_402_300_800  # the year 10000: Unix milliseconds lie beyond it
_LARGEST_CLASS = 2**53  # beyond it JSON readers round


class InvalidEventError(ValueError):
    """An event that was refused: the field, the value and what is allowed.

    `field` and `allowed` may be logged; the value may name a person and is only in the message.
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(f"{field}: {value!r} is not allowed, give {allowed}")
        self.field = field
        self.allowed = allowed


def decision_row(
    *,
    id: Id,
    decision: Label,
    time: Time | None = None,
    score: float | None = None,
    value: float | None = None,
    attributes: Mapping[str, Group | None] | None = None,
    slices: Mapping[str, Label | None] | None = None,
    features: Mapping[str, Feature | None] | None = None,
    flags: Mapping[str, bool | None] | None = None,
    reasons: Iterable[str] | None = None,
    entity: Id | None = None,
    version: Label | None = None,
    stage: Label | None = None,
) -> Row:
    """The row of one decision. Raises InvalidEventError.

    >>> decision_row(id=17, decision=True, time=0, score=0.25, attributes={"sex": "F", "age_band": None})
    {'id': '17', 'time': 0.0, 'decision': True, 'score': 0.25, 'attributes.sex': 'F'}
    """
    row: Row = {"id": _id("id", id), "time": _seconds(time), "decision": _label("decision", decision)}
    if score is not None:
        row["score"] = _number("score", score)
    if value is not None:
        row["value"] = _number("value", value)
    if entity is not None:
        row["entity"] = _id("entity", entity)
    if version is not None:
        row["version"] = _label("version", version)
    if stage is not None:
        row["stage"] = _label("stage", stage)
    if reasons is not None:
        row["reasons"] = _texts("reasons", reasons)
    _spread(row, "attributes", attributes, _group)
    _spread(row, "slices", slices, _label)
    _spread(row, "features", features, _feature)
    _spread(row, "flags", flags, _flag)
    return row


def feedback_row(
    *,
    decision_id: Id,
    time: Time | None = None,
    outcome: Label | None = None,
    decision: Label | None = None,
    values: Mapping[str, float | None] | None = None,
    flags: Mapping[str, bool | None] | None = None,
    attributes: Mapping[str, Group | None] | None = None,
) -> Row:
    """The row of one feedback. Raises InvalidEventError, also when it says nothing.

    >>> feedback_row(decision_id="chat-3", time=1.5, flags={"helpful": True})
    {'decision_id': 'chat-3', 'time': 1.5, 'flags.helpful': True}
    """
    row: Row = {"decision_id": _id("decision_id", decision_id), "time": _seconds(time)}
    if outcome is not None:
        row["outcome"] = _label("outcome", outcome)
    if decision is not None:
        row["decision"] = _label("decision", decision)
    _spread(row, "values", values, _number)
    _spread(row, "flags", flags, _flag)
    _spread(row, "attributes", attributes, _group)
    if len(row) == 2:
        raise InvalidEventError("feedback", None, "an outcome, a decision, values, flags or attributes")
    return row


def model_name(value: str | None) -> str:
    """The name of a model. Raises InvalidEventError."""
    return _name("model", value)


def _spread(row: Row, field: str, given: Mapping[str, Any] | None, check: Callable[[str, Any], Any]) -> None:
    """One column a name: attributes={"sex": "F"} becomes row["attributes.sex"].

    An event may have hundreds of values: usual ones are looked at here, the others by a call of `check`.
    """
    if given is None:
        return
    # A dict need not be looked up among the abstract mappings, which is slow.
    if not isinstance(given, (dict, Mapping)) or len(given) > MAX_ENTRIES:
        raise InvalidEventError(field, given, f"a mapping of at most {MAX_ENTRIES} names to values")
    columns, number, text = _COLUMNS[field]
    for name, value in given.items():
        kind = type(value)
        if (kind is number and isfinite(value)) or (
            kind is text and len(value) <= MAX_TEXT and value.isascii()
        ):
            row[columns[name]] = value
        elif value is not None:
            column = columns[name]
            row[column] = check(column, value)


class _Columns(dict[str, str]):
    """The column of each name in one field, kept: for speed, and so that all rows share one string."""

    def __init__(self, field: str) -> None:
        self._field = field

    def __missing__(self, name: Any) -> str:
        column = f"{self._field}.{_name(self._field, name)}"
        if len(self) < MAX_COLUMNS:
            self[name] = column
        return column


# The columns of a field, and the types of its usual values: a number, a text.
_COLUMNS: Mapping[str, tuple[_Columns, type, type | None]] = {
    "attributes": (_Columns("attributes"), bool, str),
    "slices": (_Columns("slices"), bool, str),
    "features": (_Columns("features"), float, str),
    "flags": (_Columns("flags"), bool, None),
    "values": (_Columns("values"), float, None),
}


def _name(field: str, value: Any) -> str:
    if type(value) is str and 0 < len(value) <= MAX_TEXT and value.isascii():
        return value  # the usual case, without a call
    if value == "":
        raise InvalidEventError(field, value, f"text of 1 to {MAX_TEXT} characters")
    return _text(field, value)


def _text(field: str, value: Any) -> str:
    if isinstance(value, str) and len(value) <= MAX_TEXT and (value.isascii() or _encodes(value)):
        return value
    raise InvalidEventError(field, value, f"text of at most {MAX_TEXT} characters")


def _encodes(value: str) -> bool:
    """False for half a surrogate pair, which is no UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _texts(field: str, values: Any) -> list[str]:
    texts = None if isinstance(values, str) or not isinstance(values, (list, Iterable)) else list(values)
    if texts is None or len(texts) > MAX_ENTRIES:
        raise InvalidEventError(field, values, f"a list of at most {MAX_ENTRIES} texts")
    for text in texts:
        if type(text) is not str or len(text) > MAX_TEXT or not text.isascii():
            _text(field, text)
    return texts


def _id(field: str, value: Any) -> str:
    if type(value) is not str:
        value = _plain(value)
        if isinstance(value, (int, UUID)) and not isinstance(value, bool):
            value = str(value)
    return _name(field, value)


def _plain(value: Any) -> Any:
    """The Python value of a numpy, pandas or torch scalar; anything else as it is."""
    item = getattr(value, "item", None)
    return value if item is None else item()


def _number(field: str, value: Any) -> float:
    if type(value) is float and isfinite(value):
        return value
    value = _plain(value)
    try:
        number = float("nan") if isinstance(value, (bool, str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not isfinite(number):
        raise InvalidEventError(field, value, "a finite number")
    return number


def _label(field: str, value: Any) -> Label:
    if value is True or value is False:
        return value
    if isinstance(value, str):
        return _text(field, value)
    value = _plain(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and abs(value) <= _LARGEST_CLASS:
        return value
    raise InvalidEventError(field, value, "true, false, a whole number or a text")


def _flag(field: str, value: Any) -> bool:
    if value is True or value is False:
        return value
    plain = _plain(value)
    if isinstance(plain, bool):
        return plain
    raise InvalidEventError(field, value, "true or false")


def _feature(field: str, value: Any) -> Feature | None:
    if isinstance(value, str):
        return _text(field, value)
    plain = _plain(value)
    if isinstance(plain, float) and isnan(plain):
        return None  # pandas' way to say that it is missing
    return plain if isinstance(plain, bool) else _number(field, plain)


def _group(field: str, value: Any) -> Group:
    if isinstance(value, str):
        return _text(field, value)
    if not isinstance(value, Mapping):
        return _label(field, value)
    if not 0 < len(value) <= MAX_ENTRIES:
        raise InvalidEventError(field, value, f"probabilities of 1 to {MAX_ENTRIES} groups")
    return {_name(field, group): _share(field, share) for group, share in value.items()}


def _share(field: str, value: Any) -> float:
    share = _number(field, value)
    if not 0 <= share <= 1:
        raise InvalidEventError(field, value, "a probability from 0 to 1")
    return share


def _seconds(time: Any) -> float:
    """Unix seconds, to the millisecond."""
    if time is None:
        return time_ns() // 1_000_000 / 1000
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise InvalidEventError("time", time, "a datetime with a time zone")
        time = time.timestamp()
    seconds = _number("time", time)
    if not 0 <= seconds < _LAST_SECOND:
        raise InvalidEventError("time", time, "Unix seconds until the year 9999, or an aware datetime")
    return round(seconds, 3)
