"""How often the worker looks: as soon as it can while it keeps up, seldom while it catches up."""

import time

BEHIND_SECONDS = 3.0  # events that came to Kafka so long ago were waiting: the worker catches up
SELDOM_SECONDS = 1.0  # between two turns then


class Pace:
    """Turns of a timer. After each there is a rest, `rest` times as long as its work took of the processor.

    So the work takes a share of a core, however much it is; a rest is no longer than `longest` seconds.
    """

    def __init__(self, rest: float, longest: float) -> None:
        self._rest, self._longest, self._until = rest, longest, 0.0

    def is_due(self, now: float) -> bool:
        """Whether the rest is over at `now` (s, any origin)."""
        return now >= self._until

    def turned(self, now: float, spent: float, *, behind: bool) -> None:
        """A turn ended at `now` whose work took `spent` seconds."""
        rest = min(self._rest * spent, self._longest)
        self._until = now + (max(rest, SELDOM_SECONDS) if behind else rest)


def is_behind(arrived: int) -> bool:
    """Whether an event waited that came to Kafka at this wall time (ms, 0 for none), the oldest of a turn."""
    return bool(arrived) and time.time() - arrived / 1000 > BEHIND_SECONDS
