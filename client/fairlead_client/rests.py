"""Topics that cannot be reached rest, so that they cost the others next to nothing."""

from __future__ import annotations

import math
import time
from collections import Counter

REST_SECONDS = (0.05, 0.1, 0.2, 0.4, 1.0, 2.0, 5.0, 10.0)


class Rests:
    """Each topic has a back-off of its own, longer after each failure.

    >>> rests = Rests()
    >>> rests.failed("feedback")
    >>> "feedback" in rests, "decisions" in rests, rests.failures("feedback")
    (True, False, 1)
    >>> rests.reached("feedback")
    >>> "feedback" in rests, rests.failures("feedback")
    (False, 0)
    """

    def __init__(self) -> None:
        self._failures: Counter[str] = Counter()
        self._until: dict[str, float] = {}

    def __len__(self) -> int:
        """The topics that were not reached the last time."""
        return len(self._failures)

    def __contains__(self, topic: object) -> bool:
        """True while the topic rests."""
        return bool(self._until) and time.monotonic() < self._until.get(str(topic), -math.inf)

    def topics(self) -> list[str]:
        """Those that rest."""
        return [topic for topic in self._until if topic in self]

    def failures(self, topic: str) -> int:
        """How often in a row the topic was not reached."""
        return self._failures[topic]

    def failed(self, topic: str) -> None:
        """The topic rests."""
        seconds = REST_SECONDS[min(self._failures[topic], len(REST_SECONDS) - 1)]
        self._failures[topic] += 1
        self._until[topic] = time.monotonic() + seconds

    def reached(self, topic: str) -> None:
        """The topic is as any other."""
        self._failures.pop(topic, None)
        self._until.pop(topic, None)

    def end(self) -> None:
        """All are tried again: there is a new connection."""
        self._failures.clear()
        self._until.clear()

    def soonest(self) -> float:
        """The seconds until a rest ends."""
        now = time.monotonic()
        return min((until - now for until in self._until.values() if until > now), default=math.inf)
