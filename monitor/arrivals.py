"""About when an undecided comparison will have the decisions that it still needs."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from monitor.config.windows import DAY_MS, MONTHS, window_ms
from monitor.readings import Comparison, Reading

LATEST = 10 * 365 * DAY_MS  # what is further ahead is no date to plan by


def told(readings: Sequence[Reading], first: int | None) -> list[Reading]:
    """The readings of one model as of one time, with `due` of their comparisons.

    Decisions of a group arrive as often as they did in the longest sliding window, or in "all" where there
    is none. `first` is the event time (ms) of the model's first decisions; None: nobody knows.
    """
    sliding = [reading for reading in readings if reading.window not in MONTHS]
    base = max(sliding, key=lambda r: window_ms(r.window) or 0, default=None)
    if base is None or base.as_of is None or first is None:
        return list(readings)
    span = min(window_ms(base.window) or LATEST * 10, base.as_of - first)
    return [_told(reading, base, span) for reading in readings] if span > 0 else list(readings)


def _told(reading: Reading, base: Reading, span: int) -> Reading:
    if reading.as_of is None:
        return reading
    as_of, sizes, wholes = reading.as_of, _sizes(reading), _sizes(base)

    def due(c: Comparison) -> Comparison:
        about = c.attribute, c.group
        whole = wholes.get(about, base.decisions)
        if not whole:
            return c
        when = _due(c, sizes.get(about, reading.decisions), whole / span, as_of)
        return c if when is None else replace(c, due=when)

    def dated(comparisons: Iterable[Comparison]) -> list[Comparison]:
        return [c if c.needed is None else due(c) for c in comparisons]

    attributes = {
        name: replace(attribute, comparisons=dated(attribute.comparisons))
        for name, attribute in reading.attributes.items()
    }
    return replace(reading, attributes=attributes, composites=dated(reading.composites))


def _sizes(reading: Reading) -> dict[tuple[str, str], int]:
    """The decisions of each group; what is about no group of these is about everybody."""
    return {
        (name, group): found.n
        for name, attribute in reading.attributes.items()
        for group, found in attribute.groups.items()
    }


def _due(c: Comparison, n: int, rate: float, now: int) -> int | None:
    """When `needed` more will have come at `rate` (decisions a ms), if the window can hold so many at once.

    A sequential test keeps what it was fed, whatever the window.
    """
    needed = c.needed or 0
    due = now + round(needed / rate)
    if due - now > LATEST:
        return None
    if c.test != "threshold":
        return due
    if c.window in MONTHS:
        return due if c.window == "month" and due < _next_month(now) else None
    length = window_ms(c.window)
    return due if length is None or n + needed <= rate * length else None


def _next_month(now: int) -> int:
    day = datetime.fromtimestamp(now / 1000, UTC).replace(day=28, hour=0, minute=0, second=0, microsecond=0)
    return round((day + timedelta(days=4)).replace(day=1).timestamp() * 1000)
