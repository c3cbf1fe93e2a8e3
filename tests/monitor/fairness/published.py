"""Figures that others published, and the counts that they rest on (tests/data)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from monitor.panes.table import Table
from tests.monitor.tables import table

_DATA = Path(__file__).parents[2] / "data"
FIGURES: dict[str, Any] = json.loads((_DATA / "published_fairness.json").read_text())
COUNTS: dict[str, Any] = json.loads((_DATA / "counts.json").read_text())

# The 12 rows of Clarify's own tests, facet F against M, as counts.
CLARIFY = table({"F": {"tp": 2, "fn": 1, "fp": 2, "tn": 2}, "M": {"tp": 0, "fn": 2, "fp": 2, "tn": 1}})


def decided(rows: list[list], positive: str, group: Callable[[list[str]], str] = " & ".join) -> Table:
    """Rows of cells [part of the group, …, decision, count] as decisions without outcomes."""
    return _counted(rows, positive, group, ("up", "un"))


def labelled(rows: list[list], positive: str, group: Callable[[list[str]], str] = " & ".join) -> Table:
    """Rows of cells [part of the group, …, outcome, count], all decided negative."""
    return _counted(rows, positive, group, ("fn", "tn"))


def _counted(rows, positive, group, atoms) -> Table:
    groups: dict[str, dict[str, int | float]] = {}
    for *parts, value, n in rows:
        counts = groups.setdefault(group(parts), dict.fromkeys(atoms, 0))
        counts[atoms[value != positive]] += n
    return table(groups)
