"""A model's tests: fed every finished slice once, in order; kept durable; restarted where that must be."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from monitor.config import Model, Rule, rule_name
from monitor.config.durations import UNITS_MS, milliseconds
from monitor.fairness.reference import WORDS
from monitor.panes import ALL, Panes
from monitor.panes.table import UNKNOWN
from monitor.trials import ledger
from monitor.trials.asked import COHORTS, DECISIONS, OUTCOMES, Family, families
from monitor.trials.ledger import BOOK, Key, Ledger, Page, Revised
from monitor.trials.levels import SPARE, Levels, alone
from monitor.trials.record import FORMAT, Begun, State, at_width, decode
from monitor.trials.restarts import CORRECTED, EDITED, NEW_GROUP, Note, Restarts
from monitor.trials.running import ORDERED, Kept, Running, Terms
from monitor.trials.slices import Counts, Question, fingerprints, sliced

WARM_UP = 200  # decisions, and a day, before references are chosen and the budget is divided
DAY, YEAR = UNITS_MS["d"], 365.25
ALTERED = 0.01  # of the events that a test was fed: when more were corrected since, it begins anew
AT_ONCE = 1024  # slices that are taken from the panes in one go
NOT_KNOWN = -1  # a fingerprint that no slice has
STATE, BOOKS = b"trials/", b"ledger/"

EVERYBODY: Question = (ALL[0], "selection_rate")


class Trials:
    """The sequential tests of one model over its panes, which may go on changing.

    A slice is finished when the clock has passed its end; the outcomes in it, and cohorts, when
    `mature_after` has passed since too. Nothing that comes later is fed. What comes late is only missed; but
    when more than 1 % of the events that a pair's tests were fed are corrected, the tests begin anew with the
    slice that is next.
    """

    def __init__(self, name: str, model: Model, panes: Panes, levels: Levels | None = None) -> None:
        self.name, self.model = name, model
        self.families = families(model)
        self.levels = levels or alone(model)
        self.begun: Begun | None = None
        self.running: dict[tuple[str, str], list[Running]] = {}
        self.restarts = Restarts()
        self._panes = panes
        self._consumed = dict.fromkeys((DECISIONS, OUTCOMES, COHORTS), 0)
        self._ledgers = {source: Ledger(source) for source in self._consumed}
        self._fingerprints: dict[str, dict[int, int]] = {source: {} for source in self._consumed}
        self._revised: dict[Key, dict[int, Revised]] = {}  # by slice
        self._gone: dict[Key, dict[int, Revised]] = {}  # of slices that were forgotten
        self._forgotten = 0
        self._books: dict[tuple[str, int], list[Page]] = {}  # of pages: those not durable, and the last
        self._saved = True

    # consuming

    def advance(self, clock: int) -> None:
        """Consumes what is finished as of `clock` (event time, ms)."""
        if not self.families:
            return
        now = clock // self._panes.width
        self._start(now)
        if self.begun is None:
            return
        mature = max(0, clock - milliseconds(self.model.mature_after)) // self._panes.width
        for source in self._consumed:
            asked = sorted({(f.attribute, f.metric) for f in self.families if f.source == source})
            if asked:
                self._revise(source, asked)
            self._consume(source, asked, now if source == DECISIONS else mature)

    def _consume(self, source: str, asked: list[Question], end: int) -> None:
        """Feeds the slices up to `end`."""
        if end <= self._consumed[source]:
            return
        self._saved = False
        if not asked:  # a rule that will ask is tested with what comes then
            self._consumed[source] = end
        self._begin_anew(source)
        while self._consumed[source] < end:
            self._feed(source, asked, end)
        for running in self._of(source):
            running.finish(end)

    def _feed(self, source: str, asked: list[Question], end: int) -> None:
        start = self._consumed[source]
        end = end if start == 0 else min(end, start + AT_ONCE)
        slices = sliced(self._panes, self.model, source, (start, end), asked=asked)
        for running in self._of(source):
            counts = slices.counts.get((running.family.attribute, running.family.metric))
            for place, number in enumerate(slices.numbers if counts else ()):
                if counts is not None and number >= running.start:
                    self._feed_one(running, number, counts, place)
        for page in self._ledgers[source].enter(slices):
            self._books.setdefault((source, page.slice // BOOK), []).append(page)
        self._fingerprints[source] |= fingerprints(self._panes, source, (start, end))
        self._consumed[source] = end

    def _feed_one(self, running: Running, number: int, counts: Counts, place: int) -> None:
        known, pairs = set(running.groups), len(running)
        running.feed(number, counts, place)
        if len(running) > pairs:
            for group in sorted(set(running.groups) - known):
                self._note(running, number, NEW_GROUP, group)

    def _of(self, source: str) -> list[Running]:
        return [running for running in self._tests if running.family.source == source]

    # beginning

    def _begin(self, now: int) -> Begun | None:
        """What is fixed at the start, once enough decisions are in finished slices."""
        asked = [EVERYBODY, *sorted({(family.attribute, EVERYBODY[1]) for family in self.families})]
        slices = sliced(self._panes, self.model, DECISIONS, (0, now), asked=asked)
        if not slices.numbers:
            return None
        numbers = np.array(slices.numbers)
        past = np.cumsum(slices.counts[EVERYBODY].n.sum(axis=1))
        lasted = (numbers + 1 - numbers[0]) * self._panes.width
        enough = np.flatnonzero((past >= WARM_UP) & (lasted >= DAY))
        if not len(enough):
            return None
        last = int(enough[0])
        measured = float(past[last] / lasted[last] * DAY)
        found = {attribute: _seen(slices.counts[attribute, metric], last) for attribute, metric in asked[1:]}
        return Begun(
            references={attribute: largest for attribute, (largest, _) in found.items()},
            groups={attribute: groups for attribute, (_, groups) in found.items()},
            per_year=measured * YEAR,
        )

    def _start(self, now: int) -> None:
        """Begins the tests in attributes that have none yet, once what they need is known."""
        before = self.begun or Begun({}, {}, 0)
        new = [family for family in self.families if family.attribute not in before.groups]
        found = self._begin(now) if new else None
        if found is None:
            return
        self.begun = Begun(
            found.references | before.references,
            found.groups | before.groups,
            before.per_year or found.per_year,
        )
        self._saved = False
        for family in new:
            self._run_too(self._fresh(family, self.begun))

    def _run_too(self, running: Running) -> None:
        self.running.setdefault((running.family.rule, running.family.attribute), []).append(running)

    def _fresh(self, family: Family, begun: Begun) -> Running:
        groups = begun.groups.get(family.attribute, [])
        reference = _reference(family, begun)
        pairs = len(groups) * (len(groups) - 1) if reference is None else len(set(groups) - {reference})
        running = self._run(family, begun, SPARE * max(1, pairs))
        running.welcome(groups, running.start)
        return running

    def _run(self, family: Family, begun: Begun, room: int) -> Running:
        levels, start = self.levels, self._consumed[family.source]
        given = self.model.events_per_day
        per_year = begun.per_year if given is None else given * YEAR
        terms = Terms(room, levels.alpha(room), levels.threshold(room, per_year), levels.month(room))
        return Running(family, terms, self._panes.width, _reference(family, begun), start)

    # what changed afterwards

    def _revise(self, source: str, asked: list[Question]) -> None:
        """Counts what changed in slices after they were consumed."""
        fed = (max(self._forgotten, self._panes.rolled), self._consumed[source])
        now, before = fingerprints(self._panes, source, fed), self._fingerprints[source]
        self._fingerprints[source] = now
        known = sorted(number for number in now.keys() | before.keys() if number >= fed[0])
        changed = [number for number in known if before.get(number, 0) != now.get(number, 0)]
        if not changed:
            return
        there = sliced(self._panes, self.model, source, fed, asked=asked, only=changed)
        for slices in (slices for key, slices in self._revised.items() if key[:2] in asked):
            for number in slices.keys() & set(changed):
                del slices[number]
        for key, slices in self._ledgers[source].revised(there, changed).items():
            self._revised.setdefault(key, {}).update(slices)

    def _begin_anew(self, source: str) -> None:
        """Begins tests anew of which too much was corrected; just before they are fed again, no sooner.

        What is corrected may be put right meanwhile: so only what is known by then counts, not how often
        one looked before.
        """
        for running in self._of(source):
            spoilt = [i for i in range(len(running)) if self.spoilt(running, i) > ALTERED]
            if spoilt:
                self._restart(running, spoilt)

    def spoilt(self, running: Running, pair: int) -> float:
        """Which part of the events that a pair's tests were fed has been altered since."""
        events = running.fed(pair)
        return self.revisions(running, pair).altered / events if events else 0.0

    def revisions(self, running: Running, pair: int) -> Revised:
        """How many of the events that a pair's tests were fed have been altered since, and how many more
        came late."""
        first = int(running.marks.state["first"][pair])
        family = running.family
        keys = [(family.attribute, family.metric, group) for group in running.pairs[pair]]
        held = (self._revised, self._gone)
        changes = [found for key in keys for each in held for found in each.get(key, {}).items()]
        return Revised(
            sum(found.altered for number, found in changes if number >= first),
            sum(found.late for number, found in changes if number >= first),
        )

    def _restart(self, running: Running, pairs: list[int]) -> None:
        number = self._consumed[running.family.source]
        for pair in pairs:
            events, fed = self.revisions(running, pair).altered, running.fed(pair)
            self._note(running, number, CORRECTED, *running.pairs[pair], events, fed)
        running.restart(pairs, number)

    def _note(self, running: Running, number: int, reason: str, *about: Any) -> None:
        self.restarts.add(Note(number, running.family.rule, running.family.attribute, reason, *about))
        self._saved = False

    # durability

    def unsaved(self) -> dict[bytes, bytes]:
        """What must be durable before anybody is told: the new pages of the ledger, and the state."""
        if self._saved or self.begun is None:
            return {}
        pages = {self._book_key(*book): ledger.encode(pages) for book, pages in self._books.items()}
        self._saved = True
        self._close_books()
        return {**pages, STATE + self.name.encode(): self.to_bytes()}

    def forget(self, before: int) -> list[bytes]:
        """Drops what was fed in slices that nobody can revise any more; returns the keys of their pages.

        The state that is then unsaved must be durable before the pages go.
        """
        self._sum_up(before)
        self._forgotten, self._saved = max(before, self._forgotten), False
        old = {
            (source, number // BOOK)
            for source, held in self._ledgers.items()
            for number in held.forget(before)
        }
        return [self._book_key(*book) for book in sorted(old) if (book[1] + 1) * BOOK <= before]

    def _sum_up(self, before: int) -> None:
        """Keeps of what was revised in old slices the sums, one for each slice that tests began with."""
        firsts = [0, *(int(n) for r in self._tests for n in r.marks.state["first"])]
        for key, slices in self._revised.items():
            gone = self._gone.setdefault(key, {})
            for number in [number for number in slices if number < before]:
                first = max(first for first in firsts if first <= number)
                found, so_far = slices.pop(number), gone.get(first, Revised(0, 0))
                gone[first] = Revised(so_far.altered + found.altered, so_far.late + found.late)

    @property
    def _tests(self) -> list[Running]:
        return [running for tests in self.running.values() for running in tests]

    def _close_books(self) -> None:
        """Only a source's last book can get more pages."""
        last = dict(sorted(self._books))
        self._books = {book: pages for book, pages in self._books.items() if last[book[0]] == book[1]}

    def _book_key(self, source: str, number: int) -> bytes:
        return BOOKS + f"{source}/{number}/{self.name}".encode()

    def to_bytes(self) -> bytes:
        """The state of all tests; raises ValueError before they began."""
        if self.begun is None:
            raise ValueError(f"trials of {self.name}: they have not begun")
        kept = [running.keep() for running in self._tests]
        gone = [
            (*key, number, *found) for key, slices in self._gone.items() for number, found in slices.items()
        ]
        totals = [(*key, times) for key, times in sorted(self.restarts.totals.items())]
        fed = self._consumed, self.restarts.notes, kept, self._forgotten, gone, totals, self._panes.width
        return msgspec.msgpack.encode(State(FORMAT, self.begun, *fed))

    def restore(self, items: Mapping[bytes, bytes]) -> None:
        """Takes up where durable records left off. Tests of rules that were edited since begin anew."""
        record = items.get(STATE + self.name.encode())
        if record is None:
            return
        state = at_width(decode(record), self._panes.width)
        self.begun = state.begun
        self.restarts.restore(state.notes, state.restarts)
        self._consumed.update(state.consumed)
        self._forgotten = state.forgotten
        for attribute, metric, group, first, *found in state.gone:
            self._gone.setdefault((attribute, metric, group), {})[first] = Revised(*found)
        self._restore_tests({kept.fingerprint: kept for kept in state.families}, state.begun)
        for key, book in items.items():
            if key.startswith(BOOKS) and key.split(b"/", 3)[3] == self.name.encode():
                self._restore_pages(ledger.decode(book))
        self._close_books()

    def _restore_pages(self, pages: list[Page]) -> None:
        """Takes the pages of a book; those that the state knows nothing of will be fed again.

        What was revised in them is found out anew, also where nothing is left of what they were fed.
        """
        for page in pages:
            if page.slice < self._consumed[page.source]:
                if page.slice >= self._forgotten:
                    self._ledgers[page.source].restore(page)
                    self._fingerprints[page.source][page.slice] = NOT_KNOWN
                self._books.setdefault((page.source, page.slice // BOOK), []).append(page)

    def _restore_tests(self, kept: Mapping[str, Kept], begun: Begun) -> None:
        for family in (family for family in self.families if family.attribute in begun.groups):
            found = kept.get(family.fingerprint)
            if found is not None:
                running = self._run(family, begun, found.room)
                running.restore(found)
            else:
                running = self._fresh(family, begun)
                self._note(running, running.start, EDITED)
            self._run_too(running)

    # what is read

    def rules(self, attribute: str) -> list[Rule]:
        """The model's rules; where a test holds groups against the largest, against the one that it was."""
        fixed = {
            rule: tests[0].reference
            for (rule, name), tests in self.running.items()
            if name == attribute and tests[0].reference is not None
        }
        rules = self.model.rules
        return [replace(r, reference=fixed.get(rule_name(r, self.model), r.reference)) for r in rules]


def _reference(family: Family, begun: Begun) -> str | None:
    """The group that all are held against, for ever; None where all ordered pairs are tested."""
    if family.word in begun.groups.get(family.attribute, ()) or family.word not in WORDS:
        return family.word
    return None if family.word in ORDERED else begun.references.get(family.attribute, UNKNOWN)


def _seen(counts: Counts, last: int) -> tuple[str, list[str]]:
    """The group with the most decisions up to a slice, the first of equals, and all that came."""
    n = counts.n[: last + 1].sum(axis=0)
    named = [(count, name) for count, name in zip(n.tolist(), counts.groups, strict=True) if count]
    candidates = [(-count, name) for count, name in named if name != UNKNOWN]
    return min(candidates, default=(0, UNKNOWN))[1], [name for _, name in named]
