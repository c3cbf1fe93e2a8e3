"""Additive counts per group and slice of event time: what is counted, how it is kept, what it adds to."""

from monitor.panes.panes import (
    ALL,
    DECISION,
    GROUPS,
    OUTCOME,
    REPEATED,
    ROLLED,
    UNIT,
    UNKNOWN,
    Panes,
    Window,
    limit,
    slot,
    within,
)

__all__ = [
    "ALL",
    "DECISION",
    "GROUPS",
    "OUTCOME",
    "REPEATED",
    "ROLLED",
    "UNIT",
    "UNKNOWN",
    "Panes",
    "Window",
    "limit",
    "slot",
    "within",
]
