"""Durations and windows as people write them: ``30s``, ``5m``, ``24h``, ``30d``, ``2y``."""

import re

UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}
ALLOWED = "a number with a unit s, m, h, d, w or y, as in '24h'"
_PATTERN = re.compile(r"(\d+)([smhdwy])")


def milliseconds(text: str) -> int:
    """A duration in milliseconds; a year is 365 days. Raises ValueError that says what is allowed.

    >>> milliseconds("90d") // 86_400_000
    90
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not {ALLOWED}")
    return int(match[1]) * UNITS_MS[match[2]]


def spell(ms: int) -> str:
    """The shortest exact spelling of a duration in milliseconds (whole seconds).

    >>> spell(86_400_000), spell(5_400_000)
    ('1d', '90m')
    """
    for unit in ("y", "w", "d", "h", "m"):
        if ms >= UNITS_MS[unit] and ms % UNITS_MS[unit] == 0:
            return f"{ms // UNITS_MS[unit]}{unit}"
    return f"{ms // 1000}s"
