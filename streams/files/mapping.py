"""From a row of a file, or foreign JSON, to our events' fields, by the configured columns.

Cells of a CSV are text: what must be a number or a boolean is read as one where that is possible, and left
as it is where not, so that the event's own validation says what is wrong with it.
"""

import math
import re
from bisect import bisect
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec

from monitor.config import Columns

Row = Mapping[str, object]
Fields = dict[str, object]
ROW = "#"  # the column that every file has: the number of the row
MAPS = ("attributes", "slices", "features", "flags", "values")
MISSING = frozenset({"", "nan", "null"})
_WHOLE = re.compile(r"-?\d+\.0+")  # as pandas writes whole numbers of a column that has gaps
_PADDED = re.compile(r"[+-]?0\d")  # a code, such as a postcode: no number begins so
TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_NOT_FINITE = msgspec.Raw(b"1e999")  # JSON has no other word for it that validation calls `not_finite`


def columns_of(header: Mapping[str, object] | list[str]) -> Columns:
    """The mapping of a file that uses our own names, entries of maps as "attributes.sex".

    >>> columns_of(["id", "time", "decision", "outcome", "attributes.sex"]).attributes
    {'sex': 'attributes.sex'}
    """
    plain = ("score", "value", "entity", "version", "final", "outcome", "outcome_time")
    found: dict[str, dict[str, str]] = {name: {} for name in MAPS}
    for column in header:
        outer, _, inner = column.partition(".")
        if inner and outer in found:
            found[outer][inner] = column
    return Columns(**{name: name for name in plain if name in header}, **found)  # type: ignore[arg-type]


def named(columns: Columns) -> dict[str, str]:
    """Every column that a mapping names, by the key that names it.

    >>> named(Columns(id=ROW, attributes={"sex": "Gender"}))
    {'time': 'time', 'decision': 'decision', 'attributes.sex': 'Gender'}
    """
    found: dict[str, str] = {}
    for key in columns.__struct_fields__:
        value = getattr(columns, key)
        pairs = {key: value} if isinstance(value, str) else {}
        if key in MAPS:
            pairs = {f"{key}.{name}": column for name, column in value.items()}
        found |= {name: column for name, column in pairs.items() if column != ROW}
    return found


def decision(row: Row, columns: Columns, model: str) -> Fields:
    """The fields of a decision event; what is missing is left out.

    >>> row = {"id": "1", "time": "2026-01-01", "decision": "1.0", "s": "NaN", "income": "NaN"}
    >>> decision(row, Columns(features={"income": "income"}), "credit")
    {'id': '1', 'model': 'credit', 'time': '2026-01-01', 'decision': 1.0}
    """
    return _present(
        {
            "id": _id(_cell(row, columns.id)),
            "model": model,
            "time": _time(_cell(row, columns.time)),
            "decision": class_of(_cell(row, columns.decision)),
            "score": _number(_raw(row, columns.score)),
            "value": _number(_raw(row, columns.value)),
            "entity": _id(_cell(row, columns.entity)),
            "version": class_of(_cell(row, columns.version)),
            "attributes": {name: _group(row, name, columns) for name in columns.attributes},
            "slices": {name: class_of(_cell(row, column)) for name, column in columns.slices.items()},
            "features": {name: _feature(_cell(row, column)) for name, column in columns.features.items()},
            "flags": {name: _flag(_cell(row, column)) for name, column in columns.flags.items()},
        }
    )


def feedback(row: Row, columns: Columns) -> Fields | None:
    """The fields of the feedback event that the row holds; None if nothing has come back yet.

    >>> feedback({"id": "1", "time": "2026-01-01", "y": ""}, Columns(outcome="y")) is None
    True
    """
    said = _present(
        {
            "outcome": class_of(_cell(row, columns.outcome)),
            "decision": class_of(_cell(row, columns.final)),
            "values": {name: _number(_cell(row, column)) for name, column in columns.values.items()},
        }
    )
    if not said:
        return None
    about = {
        "decision_id": _id(_cell(row, columns.id)),
        "time": _time(_cell(row, columns.outcome_time or columns.time)),
    }
    return _present(about) | said


def _present(fields: Fields) -> Fields:
    found: Fields = {}
    for name, value in fields.items():
        kept = _present(value) if isinstance(value, dict) else value
        if kept is not None and kept != {}:
            found[name] = kept
    return found


def _raw(row: Row, column: str | None) -> object:
    """The cell of a column; in nested JSON "user.sex" is the key `sex` of the object `user`."""
    if column is None:
        return None
    if column in row:
        return row[column]
    outer, _, inner = column.partition(".")
    found = row.get(outer)
    return _raw(found, inner) if inner and isinstance(found, Mapping) else None


def _cell(row: Row, column: str | None) -> object:
    """The cell, None where it holds nothing."""
    found = _raw(row, column)
    if isinstance(found, str):
        return None if found.lower() in MISSING else found
    return None if isinstance(found, float) and math.isnan(found) else found


def _id(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _time(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, str) and not re.fullmatch(r"\d{8}", value):  # eight digits are a date of ISO 8601
        return _parsed(value)
    return value


def class_of(value: object) -> object:
    """A class, group or category: "True" is true, "1.0" is 1, as producers of JSON would write them."""
    if isinstance(value, str):
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        return float(value) if _WHOLE.fullmatch(value) else value
    if isinstance(value, date | datetime):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _group(row: Row, name: str, columns: Columns) -> object:
    """The group of an attribute: what the cell holds, the band that it lies in, or how it begins."""
    value = _cell(row, columns.attributes[name])
    if value is None:
        return None
    if name in columns.bands:
        number = _number(value)
        return band(number, columns.bands[name]) if isinstance(number, int | float) else class_of(value)
    return str(value)[: columns.prefixes[name]] if name in columns.prefixes else class_of(value)


def band(number: float, cuts: Sequence[float]) -> str:
    """The group of a number between rising cuts; a cut belongs to the band above it.

    >>> [band(age, [25, 62]) for age in (24.9, 25, 70)]
    ['under 25', '25 to under 62', '62 and over']
    """
    place = bisect(cuts, number)
    if place == len(cuts):
        return f"{cuts[-1]:.12g} and over"
    below = f"{cuts[place - 1]:.12g} to " if place else ""
    return f"{below}under {cuts[place]:.12g}"


def _flag(value: object) -> object:
    if isinstance(value, str):
        return TRUTH.get(value.lower(), value)
    return bool(value) if value in (0, 1) else value


def _feature(value: object) -> object:
    number = _number(value)
    return class_of(value) if isinstance(number, str) else number


def _number(value: object) -> object:
    if isinstance(value, str):
        return None if value.lower() in ("", "null") else _parsed(value)
    if isinstance(value, Decimal):
        value = float(value)
    return _NOT_FINITE if isinstance(value, float) and not math.isfinite(value) else value


def _parsed(text: str) -> object:
    """Text as a number where it is one."""
    if _PADDED.match(text) or "_" in text:
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return _NOT_FINITE
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
