"""What happened, made from a seed: days of decisions and outcomes about two models, in phases.

A phase has two parts. The first brings days in order: within a day in any order, with copies, some of them in
another partition's log. The second brings what is late, corrected or contradicted, about days that are over.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from monitor.arrays.hashing import partitions
from monitor.arrays.texts import Texts
from streams.files.replay import Record

DAY = 86_400
START = 19_800  # days since 1970: in 2024
MODELS = ("loans", "jobs")
PARTITIONS = 4
GRANTED = {"F": 0.15, "M": 0.85, None: 0.5}
FEWER = 0.7  # of these are granted in each phase than in the one before, for lower scores: that is drift
CONFIGURATION = """
[models.{name}]
positive = ["yes"]
attributes = ["sex", "region", ["sex", "region"]]
reference = {{ sex = "M", region = "north" }}
windows = ["30d", "all"]
feedback_within = "7d"
stale_after = "5d"
baseline = 100
min_group = 1
[[models.{name}.rules]]
metric = "selection_rate"
attribute = "sex"
min = -0.1
max = 0.1
[[models.{name}.rules]]
metric = "selection_rate"
attribute = "region"
min = -0.4
max = 0.4
[[models.{name}.rules]]
metric = "false_positive_rate"
attribute = "sex"
min = -0.1
max = 0.1
severity = "critical"
"""


@dataclass(frozen=True)
class Sent:
    """A record and the partition whose log it goes to."""

    record: Record
    partition: int


@dataclass
class Part:
    """What is sent in one go, and is all there before the next begins. Days go out one after the other."""

    days: list[list[Sent]] = field(default_factory=list)
    clock: int = 0  # ms: the latest event so far


def history(seed: int, phases: int, days: int, people: int) -> list[Part]:
    """The parts of all phases: of each `days` days, with so many `people` decided about every day."""
    return list(_History(seed, days, people).parts(phases))


class _History:
    def __init__(self, seed: int, days: int, people: int) -> None:
        self._chance = random.Random(seed)
        self._days, self._people = days, people
        self._coming: dict[int, list[Record]] = {}  # feedback by the day on which it comes
        self._late: list[Record] = []
        self._past: list[Record] = []
        self._clock = 0

    def parts(self, phases: int) -> Iterator[Part]:
        for phase in range(phases):
            first = START + phase * self._days
            yield Part([self._day(day) for day in range(first, first + self._days)], self._clock)
            yield Part([self._revision()], self._clock)

    def _day(self, day: int) -> list[Sent]:
        made = [self._decide(day, number) for number in range(self._people)]
        late = made[:: self._people // 3]
        self._late += late
        records = [record for record in made if record not in late] + self._coming.pop(day, [])
        self._past += records
        self._clock = max(self._clock, *(record.time for record in records))
        self._chance.shuffle(records)
        copies = self._chance.sample(self._past, min(len(self._past), len(records) // 4))
        return [*map(_at_home, records), *(Sent(c, self._chance.randrange(PARTITIONS)) for c in copies)]

    def _decide(self, day: int, number: int) -> Record:
        chance, id = self._chance, f"d{day}-{number}"
        sex, region = chance.choice(("F", "M", "M", None)), chance.choice(("north", "south"))
        time = day * DAY + chance.randrange(DAY)
        share = FEWER ** ((day - START) // self._days)
        granted = chance.random() < GRANTED[sex] * share
        event = {"id": id, "model": MODELS[number % 2], "time": time, "decision": "yes" if granted else "no"}
        attributes = {"region": region} | ({"sex": sex} if sex else {})
        event |= {"entity": f"p{number // 24}"} if number % 12 < 2 else {}  # two of each model are about one
        if chance.random() < 0.8:
            self._return(id, time)
        if chance.random() < 0.05:
            self._review(id, time)
        score = chance.random() * share
        return _record(time, False, id, event | {"attributes": attributes, "score": score})

    def _return(self, id: str, decided: int) -> None:
        """The outcome of a decision: on time, or after its day is over; some are corrected, some contradicted
        in the same instant."""
        chance = self._chance
        time = decided + chance.randrange(3 * DAY)
        value = chance.random() < 0.4
        more = {"flags": {"helpful": value}, "values": {"csat": time % 5}} if chance.random() < 0.1 else {}
        outcome = _said(id, time, outcome=value, **more)
        if chance.random() < 0.1:
            self._late.append(outcome)
        else:
            self._coming.setdefault(time // DAY, []).append(outcome)
        if chance.random() < 0.03:
            later = time + 1 + chance.randrange(DAY)
            self._late.append(_said(id, later, outcome=chance.random() < 0.5))
        if chance.random() < 0.02:
            self._late.append(_said(id, time, outcome=not value))

    def _review(self, id: str, decided: int) -> None:
        """A human decides in the end, or learns where somebody lives: on the same day, else it depends on how
        often one looks whether tests were fed it."""
        chance = self._chance
        time = decided + chance.randrange(DAY - decided % DAY)
        said = chance.choice([{"decision": "yes"}, {"decision": "no"}, {"attributes": {"region": "south"}}])
        self._coming.setdefault(time // DAY, []).append(_said(id, time, **said))

    def _revision(self) -> list[Sent]:
        """What is about days that are over, as of the clock: late, corrected, contradicted.

        Nothing is late for longer than feedback may take. What is not due yet comes on its day.
        """
        due = [record for record in self._late if record.time <= self._clock]
        for record in self._late:
            if record.time > self._clock:
                self._coming.setdefault(record.time // (1000 * DAY), []).append(record)
        self._late = []
        self._past += due
        decisions = [record for record in self._past if not record.feedback]
        other = [_contradiction(record) for record in self._chance.sample(decisions, 5)]
        self._chance.shuffle(due)
        lost = [Sent(record, self._chance.randrange(PARTITIONS)) for record in other[::2]]
        return [*map(_at_home, due), *map(_at_home, due[::3]), *map(_at_home, other[1::2]), *lost]


def _said(id: str, time: int, **said: Any) -> Record:
    return _record(time, True, id, {"decision_id": id, "time": time, **said})


def _contradiction(record: Record) -> Record:
    """The same decision, made otherwise: the first in the log counts."""
    event = msgspec.json.decode(record.value)
    event["decision"] = "no" if event["decision"] == "yes" else "yes"
    return _record(event["time"], False, event["id"], event)


def _record(time: int, feedback: bool, id: str, event: dict[str, Any]) -> Record:
    return Record(time * 1000, feedback, id.encode(), msgspec.json.encode(event))


def _at_home(record: Record) -> Sent:
    return Sent(record, home([record.key.decode()])[0])


def home(ids: Sequence[str]) -> list[int]:
    """The partitions of ids."""
    return [int(partition) for partition in partitions(Texts(list(ids)), PARTITIONS)]
