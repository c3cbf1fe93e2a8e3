"""The bounded queue between the app's threads and the sender's."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, RLock

from fairlead_client.batch import Event
from fairlead_client.events import Row


class Buffer:
    """Holds events until they are settled, so that those on their way count towards the bound, too.

    A signal handler may emit while its own thread is emitting: so the lock is re-entrant, `put` changes
    the state in one step, and events get their numbers only when the sender takes them.

    >>> buffer = Buffer(max_events=2, batch_events=100)
    >>> [buffer.put("feedback", None, id, {}, block=False) for id in ("a", "b", "c")]
    [True, True, False]
    >>> a, b = buffer.take(100)
    >>> buffer.settle(failed=[b])
    >>> [event.id for event in buffer.take(100)]
    ['b']
    """

    def __init__(self, max_events: int, batch_events: int) -> None:
        """`max_events` is the bound; with `batch_events` there the sender waits for no more."""
        self._max_events = max_events
        self._batch_events = batch_events
        self._fresh: deque[tuple[str, str | None, str, Row]] = deque()
        self._again: list[Event] = []  # those that failed, older than the fresh ones
        self._taken: list[Event] = []  # those on their way
        self._numbered = 0
        self._flushers = 0
        self._closed = False
        self.lock = RLock()
        self._arrived = Condition(self.lock)
        self._settled = Condition(self.lock)

    def __len__(self) -> int:
        """The events that are not settled."""
        return len(self._fresh) + len(self._again) + len(self._taken)

    @property
    def accepted(self) -> int:
        """How many events were taken in, ever."""
        return self._numbered + len(self._fresh)

    def put(self, topic: str, model: str | None, id: str, row: Row, *, block: bool) -> bool:
        """Takes an event in. When there is no room, waits for it if `block`, else refuses."""
        with self.lock:
            if block and self._full():
                self._settled.wait_for(lambda: self._closed or not self._full())
            if self._closed or self._full():
                return False
            self._fresh.append((topic, model, id, row))
            if len(self._fresh) in (1, self._batch_events):
                self._arrived.notify()
        return True

    def _full(self) -> bool:
        return len(self._fresh) + len(self._again) + len(self._taken) >= self._max_events

    def wait(self, linger: float, idle: float, ending: Callable[[], bool]) -> None:
        """Waits up to `idle` seconds for a first event, then up to `linger` seconds for a batch.

        Asks every `idle` seconds whether the end has come.
        """
        with self.lock:
            self._arrived.wait_for(lambda: self._waiting() or self._closed, idle)
            last = time.monotonic() + linger
            while self._waiting() and not self._pressing() and not ending():
                left = last - time.monotonic()
                if left <= 0:
                    return
                self._arrived.wait(min(left, idle))

    def _waiting(self) -> int:
        return len(self._again) + len(self._fresh)

    def _pressing(self) -> bool:
        return self._closed or self._flushers > 0 or self._waiting() >= self._batch_events

    def take(self, limit: int) -> Sequence[Event]:
        """The oldest events, at most `limit`, which stay unsettled until `settle`."""
        with self.lock:
            self._taken, self._again = self._again[:limit], self._again[limit:]
            for _ in range(min(limit - len(self._taken), len(self._fresh))):
                self._numbered += 1
                self._taken.append(Event(self._numbered, *self._fresh.popleft()))
            return self._taken

    def settle(self, failed: Sequence[Event]) -> None:
        """What was taken is done with, except those that failed, in order: they are the next to be taken."""
        with self.lock:
            self._again[:0] = failed
            self._taken = []
            self._settled.notify_all()

    def flush(self, timeout: float) -> bool:
        """Waits until every event that was taken in before is settled; False when time ran out."""
        with self.lock:
            last = self.accepted
            self._flushers += 1
            self._arrived.notify()
            try:
                return self._settled.wait_for(lambda: self._oldest() > last, timeout)
            finally:
                self._flushers -= 1

    def _oldest(self) -> int:
        """The number of the oldest unsettled event, or of the next to come."""
        older = self._taken or self._again
        return older[0].number if older else self._numbered + 1

    def close(self) -> None:
        """Refuses further events, also those that wait for room."""
        with self.lock:
            self._closed = True
            self._arrived.notify()
            self._settled.notify_all()
