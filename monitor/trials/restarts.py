"""Why tests began anew, or later than the others: the newest such events, and how many there were."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from monitor.readings import Restart
from monitor.trials.running import Running

CORRECTED, EDITED, NEW_GROUP = "corrected", "edited", "new_group"
TEXTS = {
    CORRECTED: (
        "too many of the events that the test had been fed were corrected afterwards: it began anew, and"
        " needs twice the evidence each time; mature_after says how long outcomes may change"
    ),
    EDITED: (
        "the rule is new, or it or what it rests on was edited: its tests began with what came from then on"
    ),
    NEW_GROUP: "the group was not there when the tests began: its own began when it came",
}
NEWEST = 50  # of each reason

Total = tuple[str, str, str]  # rule, attribute, reason


class Note(Struct, array_like=True):
    """What happened to tests, and why; `slice` is the first one that the new tests are fed.

    Of a pair that was corrected: how many of the events `fed` to it; of a group that is new: itself; of a
    rule that was edited: nobody.
    """

    slice: int
    rule: str
    attribute: str
    reason: str
    group: str | None = None
    reference: str | None = None
    events: int | None = None
    fed: int | None = None


class Restarts:
    """What is known of the restarts of one model's tests."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.totals: Counter[Total] = Counter()

    def add(self, note: Note) -> None:
        self.totals[note.rule, note.attribute, note.reason] += 1
        others = [each for each in self.notes if each.reason != note.reason]
        alike = [each for each in self.notes if each.reason == note.reason]
        # in the order of time, whichever tests were fed first
        self.notes = sorted([*others, *sorted([*alike, note], key=_order)[-NEWEST:]], key=_order)

    def restore(self, notes: Iterable[Note], totals: Iterable[tuple[str, str, str, int]]) -> None:
        """Takes up what a record holds."""
        self.notes = [note for note in notes if note.reason in TEXTS]
        self.totals = Counter({(rule, attribute, reason): n for rule, attribute, reason, n in totals})

    def told(self, width: int) -> list[Restart]:
        """For each rule, attribute and reason how many there were, and the newest."""
        newest = {(note.rule, note.attribute, note.reason): note for note in self.notes}
        return [
            _restart(newest[key], times, width) for key, times in sorted(self.totals.items()) if key in newest
        ]

    def of(self, running: Running, pair: int) -> Restart | None:
        """Why a pair's tests did not begin with the first event; None where they did."""
        marks = running.marks.state
        first, times = int(marks["first"][pair]), int(marks["restarts"][pair])
        if not first:
            return None
        reason = CORRECTED if times else NEW_GROUP if first > running.start else EDITED
        rule, attribute = running.family.rule, running.family.attribute
        note = Note(first, rule, attribute, reason, *running.pairs[pair])
        known = next((each for each in self.notes if _same(each, note)), note)
        return _restart(known, max(1, times), running.width)


def _order(note: Note) -> tuple[int, str, str, str, str, str]:
    return note.slice, note.rule, note.attribute, note.reason, note.group or "", note.reference or ""


def _same(one: Note, other: Note) -> bool:
    fields = ("slice", "rule", "attribute", "reason", "group", "reference")
    return all(getattr(one, field) == getattr(other, field) for field in fields)


def _restart(note: Note, times: int, width: int) -> Restart:
    return Restart(
        rule=note.rule,
        attribute=note.attribute,
        reason=note.reason,
        text=TEXTS[note.reason],
        at=note.slice * width,
        times=times,
        group=note.group,
        reference=note.reference,
        events=note.events,
        fed=note.fed,
    )
