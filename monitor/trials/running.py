"""The tests of one family while they run: fed slice by slice, a function of the slices alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from monitor.panes.table import UNKNOWN
from monitor.sequential.blocks import events
from monitor.sequential.bounded import Means
from monitor.sequential.changes import Changes
from monitor.sequential.detector import Alarm
from monitor.sequential.eprocess import Cells
from monitor.sequential.shifts import Shifts
from monitor.sequential.state import Cellwise, State
from monitor.trials.asked import CHOSEN, Family
from monitor.trials.averaged import tests
from monitor.trials.slices import Counts

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Pair = tuple[str, str]  # group, reference

MOST_A_MONTH = 1_000  # events of two groups; where there are more, the tests since the start need no help
ORDERED = (*CHOSEN, "pairs")


class Marks(Cellwise):
    """What was found about each pair, and when; slices stand for times, NaN for never.

    `proved`, `monthly`, `changed`: the first slice after the proof since the start, after the newest month
    that proved something, after the newest change found; `onset`: about when that change began; `events`:
    how many events the proof took; `p`: that of the newest month tested; `month`: the counts of the month
    that runs; `first`: the slice that its tests began with; `restarts`: how often they did again.
    """

    def fresh(self, n: int) -> State:
        times = {name: np.full(n, np.nan) for name in ("proved", "monthly", "changed", "onset", "p")}
        counts = {name: np.zeros(n, np.int64) for name in ("events", "first", "restarts")}
        return {**times, **counts, "month": np.zeros((4, n), np.int64)}


class Kept(Struct, array_like=True):
    """A family's tests as a record."""

    fingerprint: str
    rule: str
    room: int
    start: int
    month: int
    pairs: list[Pair]
    groups: list[str]
    cells: bytes
    changes: bytes
    marks: bytes


@dataclass(frozen=True)
class Terms:
    """On which terms a family's tests run: the levels of each of its pairs."""

    room: int
    alpha: float
    threshold: float
    monthly: float


@dataclass
class Running:
    """A family's tests. `reference` is the group that all are held against; None for ordered pairs.

    `start` is the first slice they were fed, `width` that of a slice in ms, `month` the calendar month
    (since 1970) that runs.
    """

    family: Family
    terms: Terms
    width: int
    reference: str | None
    start: int
    pairs: list[Pair] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    month: int = -1

    def __post_init__(self) -> None:
        self._tests = tests(self.family.side.null, self.terms.threshold)
        self.marks = Marks(0)
        self._columns: tuple[list[str], NDArray[np.intp], NDArray[np.intp]] | None = None
        self._found: Found | None = None

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def cells(self) -> Cells | Means:
        """The tests since the start."""
        return self._tests.cells

    @property
    def changes(self) -> Changes | Shifts:
        """The change detectors."""
        return self._tests.changes

    def keep(self) -> Kept:
        records = (test.to_bytes() for test in (self.cells, self.changes, self.marks))
        rule, fingerprint = self.family.rule, self.family.fingerprint
        return Kept(
            fingerprint, rule, self.terms.room, self.start, self.month, self.pairs, self.groups, *records
        )

    def restore(self, kept: Kept) -> None:
        """Takes up where a record left off."""
        self.start, self.month = kept.start, kept.month
        self.pairs, self.groups = list(kept.pairs), list(kept.groups)
        self._tests.restore(kept.cells, kept.changes)
        self.marks = Marks.from_bytes(kept.marks)

    def welcome(self, groups: Iterable[str], number: int) -> None:
        """Begins the tests of groups not seen before, in alphabetical order, as far as there is room."""
        new = sorted(set(groups) - set(self.groups))
        fresh = [pair for group in new for pair in self._pairs(group)][: self.terms.room - len(self.pairs)]
        for test in (self.cells, self.changes, self.marks):
            test.grow(len(fresh))
        self.marks.state["first"][len(self.pairs) :] = number
        self.pairs += fresh
        self._columns = self._found = None

    def _welcome_new(self, came: list[str], number: int) -> None:
        known = set(self.groups)
        if any(group not in known for group in came):
            self.welcome(came, number)

    def _pairs(self, group: str) -> list[Pair]:
        others, self.groups = list(self.groups), [*self.groups, group]
        if self.reference is not None:
            return [] if group == self.reference else [(group, self.reference)]
        both = chain.from_iterable([(group, other), (other, group)] for other in others)
        return [pair for pair in both if self.family.word == "pairs" or self._eligible(pair)]

    def _eligible(self, pair: Pair) -> bool:
        """The group `unknown` is nobody's highest, nor an extreme."""
        return pair[1] != UNKNOWN and (self.family.word == "highest" or pair[0] != UNKNOWN)

    # feeding

    def feed(self, number: int, counts: Counts, place: int) -> None:
        """Consumes one finished slice: row `place` of the counts."""
        sums = counts.sums[:, place]
        if not sums[0].any():
            return
        came = [name for name, seen in zip(counts.groups, sums[0].tolist(), strict=True) if seen]
        self._welcome_new(came, number)
        self.finish(number)
        if not self.pairs:
            return
        a, b = self._places(counts.groups)
        sums = np.pad(sums, ((0, 0), (0, 1)))
        self._found = None
        self.marks.state["month"] += np.concatenate([sums[:2, a], sums[:2, b]])
        self._mark(number, self._tests.feed(np.concatenate([sums[:, a], sums[:, b]]), number - self.start))

    def _places(self, groups: list[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where groups a and b of each pair are counted; behind the last for those that are not."""
        if self._columns is None or self._columns[0] is not groups:
            place = {name: i for i, name in enumerate(groups)}
            sides = np.array([[place.get(g, len(groups)) for g in pair] for pair in self.pairs], np.intp)
            a, b = sides.reshape(-1, 2).T
            self._columns = (groups, b, a) if self.family.side.flipped else (groups, a, b)
        return self._columns[1:]

    def _mark(self, number: int, alarms: Sequence[Alarm]) -> None:
        marks = self.marks.state
        fresh = np.isnan(marks["proved"]) & (self.cells.state["log_peak"] >= self._proof)
        marks["proved"][fresh] = number + 1
        marks["events"][fresh] = events(self.cells.state["past"]).sum(axis=0)[fresh]
        for alarm in alarms:
            marks["changed"][alarm.cell] = number + 1
            marks["onset"][alarm.cell] = self.start + alarm.onset

    @property
    def alpha(self) -> Floats:
        """The level of each pair since its tests began, (pairs,): halved by every restart."""
        return np.asarray(self.terms.alpha * 0.5 ** self.marks.state["restarts"])

    @property
    def _proof(self) -> Floats:
        return np.asarray(-np.log(self.alpha))

    def finish(self, number: int) -> None:
        """Tests the month that ran, if it is over now that all slices before `number` are there."""
        month = month_of(number, self.width)
        if self.month not in (-1, month):
            self._test_month(first_slice(self.month + 1, self.width))
        self.month = month

    def _test_month(self, end: int) -> None:
        marks = self.marks.state
        counts = marks["month"]
        n = counts[0] + counts[2]
        wanted = (counts[0] > 0) & (counts[2] > 0) & (n <= MOST_A_MONTH) & self.family.by_month
        for cell in np.flatnonzero(wanted).tolist():
            marks["p"][cell] = self._tests.of_month(*counts[:, cell].tolist())
            if marks["p"][cell] <= self.terms.monthly:
                marks["monthly"][cell] = end
        counts[:] = 0
        self._found = None

    # afterwards

    def fed(self, pair: int) -> int:
        """How many events a pair's tests were fed since they began."""
        state = self.cells.state
        return sum(int(events(state[name])[:, pair].sum()) for name in ("past", "open"))

    def restart(self, pairs: list[int], number: int) -> None:
        """Makes tests begin anew with slice `number`: what they were fed has changed too much."""
        again = self.marks.state["restarts"][pairs] + 1
        for test in (self.cells, self.changes, self.marks):
            test.restart(pairs)
        self.marks.state["restarts"][pairs] = again
        self.marks.state["first"][pairs] = number
        self._found = None

    @property
    def found(self) -> "Found":
        """What is known of each pair now."""
        if self._found is None:
            self._found = self._find()
        return self._found

    def _find(self) -> "Found":
        marks, sequential = self.marks.state, self.family.test == "sequential"
        level = float(self.alpha.min(initial=self.terms.alpha))
        low, high = self.cells.interval(level)
        if self.family.side.flipped:
            low, high = _turned(low, high, self.family.side.null.kind)
        since = np.stack([marks["proved"], marks["monthly"]])
        return Found(
            e=self.cells.e,
            peak=self.cells.peak,
            low=low,
            high=high,
            within=self.cells.within(level),
            proved=np.where(sequential, since, np.nan),
            events=events(self.cells.state["past"]).sum(axis=0),
            outside=self._tests.outside,
        )


@dataclass(frozen=True)
class Found:
    """What is known of each pair, shape (pairs,): E now and at its highest, the confidence sequence of group
    minus (or over) reference and whether it lies inside the limit, when it was `proved` otherwise (2, pairs)
    since the start and in a month, how many events were judged, and how many of the values that were fed lay
    outside their bounds.
    """

    e: Floats
    peak: Floats
    low: Floats
    high: Floats
    within: NDArray[np.bool_]
    proved: Floats
    events: Ints
    outside: Ints


def month_of(number: int, width: int) -> int:
    """The calendar month, in months since January 1970 in UTC, that a slice begins in.

    >>> month_of(31, 86_400_000), first_slice(1, 86_400_000)
    (1, 31)
    """
    return int(np.datetime64(number * width, "ms").astype("datetime64[M]").astype(int))


def first_slice(month: int, width: int) -> int:
    """The first slice of a calendar month."""
    return -(-int(np.datetime64(month, "M").astype("datetime64[ms]").astype(int)) // width)


def _turned(low: Floats, high: Floats, kind: str) -> tuple[Floats, Floats]:
    """The interval of group and reference, from that of reference and group."""
    if kind != "ratio":
        return -high, -low
    with np.errstate(divide="ignore"):
        return 1 / high, 1 / low
