"""Windows of event time: sliding ones such as "30d", calendar months (UTC), and "all"."""

from datetime import UTC, datetime, timedelta
from functools import cache

from monitor.config import durations

DAY_MS = 86_400_000
MONTHS = {"month": 31, "last_month": 62}  # how many days back they reach at most
ALLOWED = f"'all', 'month', 'last_month', or {durations.ALLOWED}"


@cache
def window_ms(window: str) -> int | None:
    """The length of a window in ms, of a month the longest reach; None for "all". Raises ValueError.

    >>> window_ms("24h"), window_ms("all")
    (86400000, None)
    """
    if window in MONTHS:
        return MONTHS[window] * DAY_MS
    return None if window == "all" else durations.milliseconds(window)


def bounds(window: str, clock: int | None, width: int) -> tuple[int | None, int | None]:
    """The slices [start, end) of `width` ms that a window holds as of `clock` (ms); None is no bound.

    A sliding window holds the slice of the clock and those that began after clock - length; "month" the
    clock's calendar month so far, "last_month" the one before, whole.

    >>> march_5 = 1_772_668_800_000  # 2026
    >>> [None if day is None else day - march_5 // DAY_MS for day in bounds("last_month", march_5, DAY_MS)]
    [-32, -4]
    """
    length = window_ms(window)
    if length is None or clock is None:
        return None, None
    if window not in MONTHS:
        return max(0, (clock - length) // width + 1), None
    first = datetime.fromtimestamp(clock / 1000, UTC).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    if window == "month":
        return _slice(first, width), None
    return _slice((first - timedelta(days=1)).replace(day=1), width), _slice(first, width)


def _slice(moment: datetime, width: int) -> int:
    return round(moment.timestamp() * 1000) // width
