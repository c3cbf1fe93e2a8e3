"""The join of one partition: decisions and feedback find each other, and panes follow.

Φ of a pane is a sum over the facts in it (monitor/panes/panes.py), which grows with every fact that is new.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from monitor.arrays.codes import MISSING, Codes
from monitor.arrays.index import Index
from monitor.facts.blocks import Array, stem
from monitor.facts.joined import Joined
from monitor.facts.places import ROW, ROWS, Places
from monitor.facts.returned import Returned, Rows
from monitor.panes import DECISION, OUTCOME

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

REPEAT = "repeat"  # the kind of fact that a decision is one; no feedback says so
COLUMNS = {"decision": "final"}  # kinds of feedback whose column has another name


class Join:
    """The tables of all models, the ids of their decisions, and the feedback, as one.

    `counts` is told of decisions, feedback (facts, by kind of event), duplicates, conflicts and corrections.
    """

    def __init__(
        self, codes: Codes, tables: Sequence[Joined], ids: Index, returned: Returned, counts: Counter[str]
    ) -> None:
        self.counts = counts
        self._codes, self._tables, self._ids, self._returned = codes, tables, ids, returned
        self._places = Places()  # by row of the ids
        self._waiting: set[int] = set()
        self.unclaimed = 0  # facts about them
        self._repeat = codes.code(REPEAT)

    @property
    def waiting(self) -> int:
        """How many ids have feedback but no decision yet."""
        return len(self._waiting)

    @property
    def nbytes(self) -> int:
        return self._places.nbytes

    def here(self, ids: U64) -> Iterator[tuple[Joined, I64, I64]]:
        """The decisions that are here, by their table: in which rows, and where in `ids`."""
        return self._by_table(self._ids.find(ids))

    def _by_table(self, places: I64) -> Iterator[tuple[Joined, I64, I64]]:
        here = np.flatnonzero(places >= 0)
        held = self._places[places[here]]
        for number in np.flatnonzero(np.bincount(held >> ROW)).tolist():
            ours = held >> ROW == number
            yield self._tables[number], held[ours] & ROWS, here[ours]

    def about(self, ids: U64) -> Iterator[tuple[Joined, I64]]:
        """The models that decisions are of, and where. An unknown one is of the only model there is."""
        if len(self._tables) == 1:
            yield self._tables[0], np.arange(len(ids))
        else:
            yield from ((joined, at) for joined, _, at in self.here(ids))

    # decisions

    def take_decisions(self, joined: Joined, columns: dict[str, Array]) -> Mask:
        """Which of these are new."""
        places, fresh = self._ids.put(columns["id"])
        rows = joined.append({name: column[fresh] for name, column in columns.items()}, places[fresh])
        self._places.append(self._tables.index(joined), rows)
        self.counts["decisions"] += len(rows)
        self._count_duplicates(joined, columns, places, fresh)
        self._welcome(joined, rows)
        return fresh

    def _count_duplicates(self, joined: Joined, columns: dict[str, Array], places: I64, fresh: Mask) -> None:
        again = np.flatnonzero(~fresh)
        self.counts["duplicates"] += len(again)
        held = self._places[places[again]]
        ours = held >> ROW == self._tables.index(joined)
        rows = held[ours] & ROWS
        differ = np.zeros(len(rows), np.bool_)
        for name in ("time", "decision"):
            differ |= joined.column(name, rows) != columns[name][again[ours]]
        self.counts["conflicts"] += int(differ.sum() + (~ours).sum())

    def _welcome(self, joined: Joined, rows: I64) -> None:
        """Counts new decisions, with the feedback that was here before them."""
        ids, times = joined.column("id", rows), joined.column("time", rows)
        early = self._early(ids)
        if len(early):
            self._claim(joined, np.unique(early["id"]))
            order = np.argsort(ids)
            self._write(joined, rows[order[np.searchsorted(ids, early["id"], sorter=order)]], early)
        joined.counting.count(joined.counting.grouped(rows), +1)
        totals = self._totals(ids, times) if len(early) else (times, np.ones_like(times))
        joined.panes.advance(joined.slots(DECISION, times), *totals)
        if len(early):
            at, slots = self._outcome_slots(joined, rows)
            joined.panes.advance(slots, totals[0][at], totals[1][at])

    def _early(self, ids: U64) -> Rows:
        """The feedback that waited for these decisions."""
        came = [i for i in ids.tolist() if i in self._waiting] if self._waiting else []
        self._waiting.difference_update(came)
        return self._returned.of(np.array(came, np.uint64))

    def _claim(self, joined: Joined, ids: U64) -> None:
        """What waited for these decisions is about a model from now on."""
        said = self._returned.count(ids)
        joined.said += said
        self.unclaimed -= said

    # feedback

    def take_feedback(self, facts: Rows) -> Mask:
        """Which of these were not known."""
        accepted, news = np.zeros(len(facts), np.bool_), self._returned.news(facts)
        accepted[news.at] = True
        joins = list(self._found(news.facts["id"]))
        before = [self._outcome_slots(joined, rows) for joined, (rows, _), _ in joins]
        self.counts["corrections"] += self._returned.commit(news)
        self.unclaimed += len(news.facts) - sum(len(at) for _, _, at in joins)
        for (joined, rows, at), slots in zip(joins, before, strict=True):
            self._apply(joined, rows, news.facts[at], news.wins[at], slots)
        said = facts["kind"] != self._repeat
        self.counts.update(feedback=int((accepted & said).sum()), duplicates=int((~accepted & said).sum()))
        return accepted

    def _found(self, ids: U64) -> Iterator[tuple[Joined, tuple[I64, I64], I64]]:
        """The decisions that are here, by their table. The others' feedback waits.

        With each table come the distinct rows, which of them each one is, and their places in `ids`.
        """
        places = self._ids.find(ids)
        self._waiting.update(ids[places < 0].tolist())
        for joined, rows, at in self._by_table(places):
            yield joined, np.unique(rows, return_inverse=True), at

    def _apply(
        self, joined: Joined, found: tuple[I64, I64], facts: Rows, wins: Mask, before: tuple[I64, U64]
    ) -> None:
        """Moves decisions to where new facts put them; every pane that knows such a decision advances.

        Φ of a pane is the sum over its decisions of all their facts. On the axis of outcomes a decision
        belongs to the slot of each outcome that it ever had, so that Φ never falls.
        """
        joined.said += len(facts)
        distinct, which = found
        rows, times, ranks = distinct[which], facts["time"].copy(), facts["rank"].astype(np.int64)
        touched = distinct[np.bincount(which[wins], minlength=len(distinct)) > 0]
        counting, held = joined.counting, joined.counting.grouped(touched)
        counting.count(held, -1)
        counting.count(
            counting.grouped(touched) if self._write(joined, rows[wins], facts[wins]) else held, +1
        )
        joined.panes.advance(joined.slots(DECISION, joined.column("time", rows)), times, ranks)
        if len(before[1]):
            added = np.zeros((2, len(distinct)), np.int64)
            np.add.at(added[0], which, times)
            np.add.at(added[1], which, ranks)
            joined.panes.advance(before[1], added[0][before[0]], added[1][before[0]])
        self._enter(joined, distinct, before)

    def _enter(self, joined: Joined, rows: I64, before: tuple[I64, U64]) -> None:
        """Panes that know a decision's outcome for the first time count all its facts in Φ."""
        at, slots = self._outcome_slots(joined, rows)
        if len(before[1]):
            known = (before[0].astype(np.uint64) << np.uint64(32)) | before[1]
            new = ~np.isin((at.astype(np.uint64) << np.uint64(32)) | slots, known)
            at, slots = at[new], slots[new]
        ids, times = joined.column("id", rows[at]), joined.column("time", rows[at])
        joined.panes.advance(slots, *self._totals(ids, times))

    def _outcome_slots(self, joined: Joined, rows: I64) -> tuple[I64, U64]:
        """The slots of every outcome that decisions had, corrected ones too: (place in `rows`, slot)."""
        at = np.flatnonzero(joined.column("outcome", rows) != MISSING)
        slots = joined.slots(OUTCOME, joined.column("outcome_time", rows[at]))
        if not self._returned.corrected:
            return at, slots
        beaten = list(self._returned.beaten_outcomes(joined.column("id", rows)))
        if not beaten:
            return at, slots
        old = np.array(beaten, np.int64)
        pairs = np.stack([at.astype(np.uint64), slots], axis=1)
        more = np.stack([old[:, 0].astype(np.uint64), joined.slots(OUTCOME, old[:, 1])], axis=1)
        found = np.unique(np.concatenate([pairs, more]), axis=0)
        return found[:, 0].astype(np.int64), found[:, 1]

    def _totals(self, ids: U64, times: I64) -> tuple[I64, I64]:
        """The sums of the times and of the ranks of all facts of each decision, itself among them."""
        said, ranks = self._returned.totals(ids)
        return times + said, 1 + ranks  # a decision's rank is 1: Φ grows even in 1970

    def _write(self, joined: Joined, rows: I64, facts: Rows) -> bool:
        """Writes what feedback says over its decisions' columns; says whether attributes were among them."""
        regrouped = False
        for code in np.flatnonzero(np.bincount(facts["kind"])).tolist():
            kind = self._codes.texts[code] or ""
            if joined.takes(kind):
                ours = facts["kind"] == code
                joined.write(COLUMNS.get(kind, kind), rows[ours], facts["fact"][ours])
                regrouped |= stem(kind) == "attributes"
                if kind == "outcome":
                    joined.write("outcome_time", rows[ours], facts["time"][ours])
        return regrouped
