"""The bounded queues between the app's threads and the sender's, one a topic."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Container, Sequence
from threading import Condition, RLock

from fairlead_client.batch import Event
from fairlead_client.events import Row


class Lane:
    """The queue of one topic. Events get their numbers, by topic, when the sender takes them."""

    def __init__(self) -> None:
        self.fresh: deque[tuple[str | None, str, Row]] = deque()
        self.again: list[Event] = []  # those that failed, older than the fresh ones
        self.taken: list[Event] = []  # those on their way
        self.numbered = 0

    def __len__(self) -> int:
        """The events that are not settled."""
        return len(self.fresh) + len(self.again) + len(self.taken)

    @property
    def waiting(self) -> int:
        return len(self.again) + len(self.fresh)

    @property
    def accepted(self) -> int:
        return self.numbered + len(self.fresh)

    @property
    def settled(self) -> int:
        """The number below which every event is settled."""
        older = self.taken or self.again
        return older[0].number - 1 if older else self.numbered


class Buffer:
    """Holds events until they are settled, so that those on their way count towards the bound, too.

    Each topic has a queue and a bound of its own: what cannot be sent to one takes no other's room.
    A signal handler may emit while its own thread is emitting: so the lock is re-entrant, and `put` changes
    the state in one step.

    >>> buffer = Buffer(max_events=2, batch_events=100)
    >>> [buffer.put("feedback", None, id, {}, block=False) for id in ("a", "b", "c")]
    [True, True, False]
    >>> a, b = buffer.take("feedback", 100)
    >>> buffer.settle("feedback", failed=[b])
    >>> [event.id for event in buffer.take("feedback", 100)]
    ['b']
    """

    def __init__(self, max_events: int, batch_events: int) -> None:
        """`max_events` is the bound of a topic; with `batch_events` there the sender waits for no more."""
        self._max_events = max_events
        self._batch_events = batch_events
        self._lanes: dict[str, Lane] = {}
        self._flushers = 0
        self._closed = False
        self.lock = RLock()
        self._arrived = Condition(self.lock)
        self._settled = Condition(self.lock)

    def __len__(self) -> int:
        """The events that are not settled."""
        return sum(map(len, self._all()))

    @property
    def accepted(self) -> int:
        """How many events were taken in, ever."""
        return sum(lane.accepted for lane in self._all())

    def _all(self) -> list[Lane]:
        return list(self._lanes.values())  # in one step: another thread may bring the first of a topic

    def put(self, topic: str, model: str | None, id: str, row: Row, *, block: bool) -> bool:
        """Takes an event in. When there is no room, waits for it if `block`, else refuses."""
        with self.lock:
            lane = self._lane(topic)
            full = len(lane.fresh) + len(lane.again) + len(lane.taken) >= self._max_events  # a call less
            if full and block:
                self._settled.wait_for(lambda: self._closed or len(lane) < self._max_events)
                full = False
            if full or self._closed:
                return False
            lane.fresh.append((model, id, row))
            if len(lane.fresh) in (1, self._batch_events):
                self._arrived.notify()
        return True

    def _lane(self, topic: str) -> Lane:
        lane = self._lanes.get(topic)
        return self._lanes.setdefault(topic, Lane()) if lane is None else lane

    def wait(self, linger: float, idle: float, ending: Callable[[], bool], resting: Container[str]) -> None:
        """Waits up to `idle` seconds for a first event, then up to `linger` seconds for a batch.

        Those of topics that rest count for nothing. Asks every `idle` seconds whether the end has come.
        """
        with self.lock:
            self._arrived.wait_for(lambda: self._closed or self._most(resting) > 0, idle)
            last = time.monotonic() + linger
            while 0 < self._most(resting) < self._batch_events and not self._pressing() and not ending():
                left = last - time.monotonic()
                if left <= 0:
                    return
                self._arrived.wait(min(left, idle))

    def _most(self, resting: Container[str]) -> int:
        """How many events wait for the topic that has the most of them."""
        return max((lane.waiting for topic, lane in self._lanes.items() if topic not in resting), default=0)

    def _pressing(self) -> bool:
        return self._closed or self._flushers > 0

    def pressing(self, topic: str) -> bool:
        """True when somebody waits for the topic's events to be settled, or half its room is taken."""
        return self._pressing() or 2 * len(self._lane(topic)) > self._max_events

    def topics(self) -> list[str]:
        """The topics whose events wait."""
        with self.lock:
            return [topic for topic, lane in self._lanes.items() if lane.waiting]

    def take(self, topic: str, limit: int) -> Sequence[Event]:
        """The topic's oldest events, at most `limit`, which stay unsettled until `settle`."""
        with self.lock:
            lane = self._lane(topic)
            lane.taken, lane.again = lane.again[:limit], lane.again[limit:]
            for _ in range(min(limit - len(lane.taken), len(lane.fresh))):
                lane.numbered += 1
                model, id, row = lane.fresh.popleft()
                lane.taken.append(Event(lane.numbered, topic, model, id, row))
            return lane.taken

    def settle(self, topic: str, failed: Sequence[Event]) -> None:
        """What was taken is done with, except those that failed, in order: they are the next to be taken."""
        with self.lock:
            lane = self._lane(topic)
            lane.again[:0] = failed
            lane.taken = []
            self._settled.notify_all()

    def flush(self, timeout: float) -> bool:
        """Waits until every event that was taken in before is settled; False when time ran out."""
        with self.lock:
            last = [(lane, lane.accepted) for lane in self._all()]
            self._flushers += 1
            self._arrived.notify()
            try:
                return self._settled.wait_for(lambda: all(lane.settled >= n for lane, n in last), timeout)
            finally:
                self._flushers -= 1

    def close(self) -> None:
        """Refuses further events, also those that wait for room."""
        with self.lock:
            self._closed = True
            self._arrived.notify()
            self._settled.notify_all()
