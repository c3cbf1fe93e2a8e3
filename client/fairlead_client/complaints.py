"""What goes wrong is counted always and logged once per kind."""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from threading import RLock

log = logging.getLogger("fairlead_client")


class Complaints:
    """Counts trouble by kind; logs a kind the first time, and again only after it was over."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._said: set[str] = set()
        # Re-entrant: a signal handler may complain while its own thread is complaining.
        self._lock = RLock()

    def say(self, kind: str, message: str, count: int = 1) -> None:
        """`count` more of this kind."""
        with self._lock:
            self.counts[kind] += count
            news = kind not in self._said
            self._said.add(kind)
        if news:
            log.warning("%s: %s (more of this kind is counted, not logged)", kind, message)

    def over(self, *kinds: str) -> None:
        """These kinds are news again when they come back."""
        if not self._said.isdisjoint(kinds):
            with self._lock:
                self._said.difference_update(kinds)


def place(error: Exception) -> str:
    """The type and place of an error; its text could name a person."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {frames[-1].filename}, line {frames[-1].lineno}"
