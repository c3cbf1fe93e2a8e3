"""How far the deployment has come: what each partition says of itself, and when that is known of all.

A partition says how far its events are counted. Topics at the end of their logs do not hold it back; but
that they are at the end was true when the broker was asked, and is old when it is heard: a worker may be
slow, may have stood still, may be dead. No measure of time bounds that. So each word names the word of the
same partition that lay in Kafka before the broker was asked. A partition that has looked since a place in
the log of words knows all that was in Kafka when that place was written. What it finds may have to go on: an
event to its own partition, from there a claim, from there a repeat, which is counted. So once all have
looked, and since then all again, four times, nothing that was in Kafka at the first place is on its way.

A worker that is slow, or dead, only makes all of this later; and nothing goes by a clock but for how long
producers are waited for.
"""

import os
from collections import deque
from dataclasses import dataclass
from math import inf

from streams.messages import Clock

LOOKS = 4
"""How often all must have looked: for the event, sent on to its partition, its claim, and its repeat."""

SETTLE_SECONDS = 3.0
"""For which what all have said must stand: producers do not reach all partitions in the same instant."""

WORDS = 1_000
"""How many words of each partition are remembered: some minutes of them."""


class Speaker:
    """What one partition of the events says, word by word. Times are in s, of one origin."""

    def __init__(self) -> None:
        self._holder, self._number = os.urandom(8).hex(), 0
        self._logged: deque[tuple[float, int]] = deque([(-inf, 0)])  # when a word was in the log, its number
        self._said: Clock | None = None

    @property
    def time(self) -> int | None:
        """What it said last."""
        return self._said.time if self._said else None

    def word(self, told: Clock, as_of: float) -> Clock:
        """What to say. `as_of`: when the broker was asked for the ends of the logs that hold nobody back."""
        while len(self._logged) > 1 and self._logged[1][0] <= as_of:
            self._logged.popleft()
        self._number += 1
        return Clock(
            told.partition, told.partitions, told.time, told.idle, told.arrived,
            holder=self._holder, number=self._number, seen=self._logged[0][1],
        )  # fmt: skip

    def logged(self, word: Clock, now: float) -> None:
        """A word is in all logs."""
        self._logged.append((now, word.number))
        self._said = word

    def is_due(self, told: Clock, now: float, wait: float) -> bool:
        """Whether there is something new to say, or the last word is `wait` seconds old."""
        said = self._said
        if said is None or (told.time, told.idle, told.arrived) != (said.time, said.idle, said.arrived):
            return True
        return now - self._logged[-1][0] >= wait


@dataclass(frozen=True, slots=True)
class _Heard:
    at: float
    time: int | None  # the slowest partition's, as far as they had spoken
    since: int  # the place since which all have looked


class Listener:
    """Hears the words of all partitions in the order of one log, and knows the clock of all."""

    def __init__(self) -> None:
        self._latest: dict[int, Clock] = {}
        self._places: dict[int, dict[int, int]] = {}  # by partition: where its holder's words are, by number
        self._looked: dict[int, int] = {}  # by partition: the place since which it has looked
        self._heard: deque[_Heard] = deque()
        self._first = 0  # the place of the first of these

    def hear(self, word: Clock, now: float) -> None:
        """Hears a word at `now` (s, any origin)."""
        place, partition = self._first + len(self._heard), word.partition
        before = self._latest.get(partition)
        if before is None or before.holder != word.holder:
            self._places[partition] = {}
        places = self._places[partition]
        self._latest[partition] = word
        self._looked[partition] = max(self._looked.get(partition, -1), places.get(word.seen, -1))
        recent = {n: at for n, at in places.items() if n >= word.seen and at >= self._first}
        self._places[partition] = recent | {word.number: place}
        since = min(self._looked.values()) if self._complete else -1
        self._heard.append(_Heard(now, self._slowest(), since))
        self._forget(place + 1 - WORDS * len(self._latest))

    def _forget(self, place: int) -> None:
        """Forgets what is before a place: nothing, if it is not there any more."""
        while self._first < place:
            self._heard.popleft()
            self._first += 1

    @property
    def _complete(self) -> bool:
        """Whether every partition has spoken: one that is silent may still hold early events."""
        return len(self._latest) >= max((word.partitions for word in self._latest.values()), default=1)

    def _slowest(self) -> int | None:
        """The least time of the partitions that are not idle; None if it is not known."""
        if not self._complete:
            return None
        words = self._latest.values()
        live = [word.time for word in words if not word.idle]
        if None in live:
            return None
        idle = max((word.time for word in words if word.time is not None), default=None)
        return min((time for time in live if time is not None), default=idle)

    def time(self, now: float) -> int | None:
        """The event time (ms) of which everything is counted that was in time; None if it is not known."""
        start = self._settled(now)
        if start is None:
            return None
        self._forget(start)
        times = [heard.time for heard in self._heard]
        return None if None in times else min(time for time in times if time is not None)

    def _settled(self, now: float) -> int | None:
        """The last place that all have left behind, and that has stood for some seconds."""
        place = self._first + len(self._heard) - 1
        for _ in range(LOOKS):
            if place < self._first:
                return None
            place = self._heard[place - self._first].since
        while place >= self._first and self._heard[place - self._first].at > now - SETTLE_SECONDS:
            place -= 1
        return place if place >= self._first else None
