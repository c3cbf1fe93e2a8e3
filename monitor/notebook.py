"""Readings as tables for notebooks: columns by name, which `frame` makes a pandas DataFrame of.

The columns are plain lists, so that any library of tables takes them, and none is needed.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from monitor.readings import Comparison, Drift, Rate, Reading

Columns = dict[str, list[Any]]


def groups(reading: Reading, attribute: str) -> Columns:
    """One row a group of an attribute: `n` decisions, `coverage`, and the value of each of its rates.

    A rate that a group has not is None. Raises KeyError for an attribute that the model has not.

    >>> from monitor.config import Model
    >>> from monitor.events import Decision
    >>> from monitor.monitor import Monitor
    >>> monitor = Monitor("loans", Model(positive=["yes"], attributes=["sex"], windows=["all"]))
    >>> monitor.observe([
    ...     Decision(id="1", model="loans", time="2026-01-01", decision="yes", attributes={"sex": "F"}),
    ...     Decision(id="2", model="loans", time="2026-01-02", decision="no", attributes={"sex": "M"}),
    ... ])
    >>> [reading] = monitor.advance("2026-02-01")
    >>> found = groups(reading, "sex")
    >>> found["group"], found["selection_rate"], found["accuracy"]
    (['F', 'M'], [1.0, 0.0], [None, None])
    """
    found = reading.attributes[attribute].groups
    metrics = dict.fromkeys(metric for group in found.values() for metric in group.rates)
    return {
        "group": list(found),
        "n": [group.n for group in found.values()],
        "coverage": [group.coverage for group in found.values()],
        **{m: [g.rates[m].value if m in g.rates else None for g in found.values()] for m in metrics},
    }


def rates(reading: Reading, attribute: str) -> Columns:
    """One row a group and rate, with its pointwise 95 % interval and its denominator `n`.

    Raises KeyError for an attribute that the model has not.
    """
    found = [
        (group, metric, rate)
        for group, one in reading.attributes[attribute].groups.items()
        for metric, rate in one.rates.items()
    ]
    return {
        "group": [group for group, _, _ in found],
        "metric": [metric for _, metric, _ in found],
        **_fields([rate for _, _, rate in found], Rate),
    }


def comparisons(reading: Reading) -> Columns:
    """One row a comparison, composites too, with all of its fields: the gap, its interval, the verdict."""
    compared = [c for attribute in reading.attributes.values() for c in attribute.comparisons]
    return _fields([*compared, *reading.composites], Comparison)


def drift(reading: Reading) -> Columns:
    """One row a measure of drift and stream, with all of its fields."""
    return _fields(reading.drift, Drift)


def _fields(rows: Sequence[Struct], kind: type[Struct]) -> Columns:
    return {name: [getattr(row, name) for row in rows] for name in kind.__struct_fields__}


def frame(columns: Columns, index: str | None = None) -> Any:
    """A pandas DataFrame of columns, by one of them as its index. Raises ImportError without pandas.

    >>> frame({"group": ["F", "M"], "n": [3, 4]}, index="group")  # doctest: +SKIP
           n
    group
    F      3
    M      4
    """
    try:
        import pandas
    except ModuleNotFoundError:
        raise ImportError("pandas: not installed; allowed: pip install pandas") from None
    made = pandas.DataFrame(columns)
    return made if index is None else made.set_index(index)
