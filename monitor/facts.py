"""The two grow-only sets of one partition, decisions and feedback, their join, and the panes they make.

Inserting a fact that is there changes nothing: that one rule handles duplicates, retries, and replays
after a crash or a rebalance. For a decision the first record in its log wins; for feedback, per decision
and kind, the largest (event time, value). Feedback may come before its decision.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor import blocks, numbers
from monitor.blocks import Array, Block, stem
from monitor.codes import MISSING, Codes, Vocabularies
from monitor.config import Model
from monitor.events import Decision, Feedback, by_model
from monitor.hashing import Texts, siphash
from monitor.index import Index
from monitor.joined import CLASSES, FLAGS, Joined, flags, group
from monitor.panes import DECISION, GROUPS, OUTCOME, Panes

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

FACT = np.dtype([("id", "<u8"), ("kind", "<u2"), ("fact", "<u4"), ("rank", "<u4"), ("time", "<i8")])
Rows = npt.NDArray[np.void]  # of FACT
_ROW = 40  # bits of a row's number within its model's table; the model's number is above
_ROWS = (1 << _ROW) - 1
FEWEST_DEAD = 1_000  # fewer facts than that are not worth a rebuild
KINDS = 3 + 2 * FLAGS  # how many kinds of feedback a partition keeps


class Facts:
    """All facts of one partition. `key` (16 bytes) makes pseudonyms of the ids.

    `counts` says what came: decisions, feedback (facts, by kind of event), duplicates, conflicts (a decision
    that came again and said something else), corrections. It is of this process, not of the facts.
    """

    def __init__(self, models: Mapping[str, Model], key: bytes) -> None:
        self.codes = Codes()
        self.counts: Counter[str] = Counter()
        self.models = {name: Joined(model, self.codes) for name, model in models.items()}
        self._key = key
        self._numbered = list(self.models.values())
        self._ids = Index()
        self._places = np.zeros(16, np.int64)  # by row of _ids: model's number, row in its table
        self._feedback = Index()
        self._facts = np.zeros(16, FACT)
        self._vocabularies = Vocabularies(self.codes)
        self._kinds: dict[str, np.uint64] = {}  # by kind: what its key is made with
        self._losers: dict[int, set[tuple[int, int]]] = {}  # corrected facts, by key: (time, rank)
        self._waiting: set[int] = set()
        self._ranks = np.zeros(2, np.uint32)
        self._unsaved: list[Block] = []

    @property
    def panes(self) -> dict[str, Panes]:
        return {name: joined.panes for name, joined in self.models.items()}

    @property
    def waiting(self) -> int:
        """How many ids have feedback but no decision yet."""
        return len(self._waiting)

    @property
    def pending(self) -> int:
        """How many decisions have no outcome yet."""
        labelled = sum(int(np.count_nonzero(joined.all("outcome"))) for joined in self._numbered)
        return len(self._ids) - labelled

    @property
    def refused(self) -> Counter[str]:
        """How many values count as `__other__` because their field has too many, by field."""
        found = Counter(self._vocabularies.refused)
        for joined in self._numbered:
            found.update(joined.refused)
        return found

    @property
    def latest(self) -> tuple[int, int]:
        """The newest event times (ms) of decisions and of feedback; 0 where there is none."""
        decided = max((int(joined.all("time").max(initial=0)) for joined in self._numbered), default=0)
        return decided, int(self._facts["time"][: len(self._feedback)].max(initial=0))

    @property
    def nbytes(self) -> int:
        """Memory of the facts in bytes, without the panes."""
        tables = sum(joined.nbytes for joined in self._numbered)
        return tables + self._ids.nbytes + self._places.nbytes + self._feedback.nbytes + self._facts.nbytes

    def observe(self, events: Sequence[Decision], times: I64) -> list[int]:
        """Takes decisions of known models in the order of their log; times in ms.

        Returns the places of those that came too late to count.
        """
        ids = siphash(Texts([str(event.id) for event in events]), self._key)
        late: list[int] = []
        for model, places in by_model(events).items():
            joined = self.models[model]
            late += [i for i in places if times[i] < joined.sealed]
            ours = [i for i in places if times[i] >= joined.sealed]
            columns = joined.columns([events[i] for i in ours], times[ours], ids[ours])
            fresh = self._insert_decisions(joined, columns)
            self._keep(Block(model, {name: column[fresh] for name, column in columns.items()}))
        return late

    def learn(self, events: Sequence[Feedback], times: I64) -> list[int]:
        """Takes feedback; times in ms. Returns the places of what came too late to count."""
        ids = siphash(Texts([str(event.decision_id) for event in events]), self._key)
        late = self._late(ids, times)
        if late.any():
            keep = np.flatnonzero(~late)
            events, times, ids = [events[i] for i in keep.tolist()], times[keep], ids[keep]
        facts = self._exploded(events, times, ids)
        if len(facts):
            accepted = facts[self._insert_feedback(facts)]
            self._keep(Block(None, {name: accepted[name] for name in FACT.names or ()}))
        return np.flatnonzero(late).tolist()

    def _late(self, ids: U64, times: I64) -> Mask:
        """Which feedback is about, or of, a time that is sealed; the earliest, where no decision is known."""
        late = times < min((joined.sealed for joined in self._numbered), default=0)
        places = self._ids.find(ids)
        here = np.flatnonzero(places >= 0)
        held = self._places[places[here]]
        for number, joined in enumerate(self._numbered):
            ours = held >> _ROW == number
            decided = joined.column("time", held[ours] & _ROWS)
            late[here[ours]] = np.minimum(decided, times[here[ours]]) < joined.sealed
        return late

    def take_blocks(self) -> list[bytes]:
        """The facts that came since the last call, as records to be made durable."""
        unsaved, self._unsaved = self._unsaved, []
        return self._encoded(blocks.concatenate(unsaved))

    def _encoded(self, found: Iterable[Block]) -> list[bytes]:
        return [blocks.encode(part, self.codes) for block in found for part in blocks.split(block)]

    def load(self, record: bytes) -> None:
        """Takes the facts of a record that `take_blocks` gave. In any order, any number of times."""
        block = blocks.decode(record, self.codes)
        if block.model is None:
            facts = np.zeros(len(block), FACT)
            for name, column in block.columns.items():
                facts[name] = column
            for kind in np.unique(facts["kind"]).tolist():
                self._kind(self.codes.texts[kind] or "")
            self._insert_feedback(facts)
        elif block.model in self.models:
            self._insert_decisions(self.models[block.model], block.columns)

    # the end of facts

    def ends(self, clock: int) -> dict[str, int]:
        """Before which event time (ms) each model's facts may be dropped, when that is worth while.

        Dropped are decisions from before feedback may still come whose outcome is as old. As panes are
        whole only while all their facts are here, time before the end is *sealed*: what comes then is
        too late. Empty while fewer than half of the facts could go.
        """
        ends = {name: joined.end(clock) for name, joined in self.models.items()}
        dead = sum(np.count_nonzero(joined.dead(ends[name])) for name, joined in self.models.items())
        return ends if dead >= max(FEWEST_DEAD, len(self._ids) // 2) else {}

    def seal(self, ends: Mapping[str, int]) -> None:
        """Refuses from now on what is from before these times (ms), by model."""
        for name, end in ends.items():
            if name in self.models:
                self.models[name].sealed = max(end, self.models[name].sealed)

    def living(self) -> list[bytes]:
        """All facts that are not over, as records that replace all others."""
        alive = [
            Block(name, joined.rows(np.flatnonzero(~joined.dead(joined.sealed))))
            for name, joined in self.models.items()
        ]
        ids = np.concatenate([np.zeros(0, np.uint64), *(block.columns["id"] for block in alive)])
        facts = np.concatenate([self._facts[: len(self._feedback)], self._beaten()])
        earliest = min((joined.sealed for joined in self._numbered), default=0)
        unknown = (self._ids.find(facts["id"]) < 0) & (facts["time"] >= earliest)
        kept = facts[np.isin(facts["id"], ids) | unknown]
        return self._encoded([*alive, Block(None, {name: kept[name] for name in FACT.names or ()})])

    def _beaten(self) -> Rows:
        """The facts that larger ones beat. Their values are forgotten; Φ needs their times and ranks."""
        keys = np.array(list(self._losers), np.uint64)
        winners = self._facts[self._feedback.find(keys)]
        rows = np.repeat(winners, [len(moments) for moments in self._losers.values()])
        moments = [moment for moments in self._losers.values() for moment in moments]
        rows["time"], rows["rank"] = np.array(moments, np.int64).reshape(-1, 2).T
        rows["fact"] = MISSING
        return rows

    def _keep(self, block: Block) -> None:
        if len(block):
            self._unsaved.append(block)

    # decisions

    def _insert_decisions(self, joined: Joined, columns: dict[str, Array]) -> Mask:
        """Which of these are new."""
        places, fresh = self._ids.put(columns["id"])
        rows = joined.append({name: column[fresh] for name, column in columns.items()})
        if len(self._ids) > len(self._places):
            self._places = np.pad(self._places, (0, len(self._ids) * 3 // 2 - len(self._places)))
        self._places[places[fresh]] = (self._numbered.index(joined) << _ROW) + rows
        self.counts["decisions"] += len(rows)
        self._count_duplicates(joined, columns, places, fresh)
        self._welcome(joined, rows)
        return fresh

    def _count_duplicates(self, joined: Joined, columns: dict[str, Array], places: I64, fresh: Mask) -> None:
        again = np.flatnonzero(~fresh)
        self.counts["duplicates"] += len(again)
        held = self._places[places[again]]
        ours = held >> _ROW == self._numbered.index(joined)
        rows = held[ours] & _ROWS
        differ = np.zeros(len(rows), np.bool_)
        for name in ("time", "decision"):
            differ |= joined.column(name, rows) != columns[name][again[ours]]
        self.counts["conflicts"] += int(differ.sum() + (~ours).sum())

    def _welcome(self, joined: Joined, rows: I64) -> None:
        """Counts new decisions, with the feedback that was here before them."""
        ids, times = joined.column("id", rows), joined.column("time", rows)
        early = self._early(ids)
        if len(early):
            order = np.argsort(ids)
            self._write(joined, rows[order[np.searchsorted(ids, early["id"], sorter=order)]], early)
        joined.count(rows, +1)
        totals = self._totals(ids, times) if len(early) else (times, np.ones_like(times))
        joined.panes.advance(joined.slots(DECISION, times), *totals)
        if len(early):
            at, slots = self._outcome_slots(joined, rows)
            joined.panes.advance(slots, totals[0][at], totals[1][at])

    def _early(self, ids: U64) -> Rows:
        """The feedback that waited for these decisions."""
        came = [i for i in ids.tolist() if i in self._waiting] if self._waiting else []
        self._waiting.difference_update(came)
        known = np.array(came, np.uint64)
        found = [self._feedback.find(known ^ salt) for salt in self._kinds.values()]
        places = np.concatenate([np.zeros(0, np.int64), *found])
        early: Rows = self._facts[places[places >= 0]]
        return early

    # feedback

    def _exploded(self, events: Sequence[Feedback], times: I64, ids: U64) -> Rows:
        """Each event as one fact for each thing that it says."""
        said: dict[str, list[tuple[int, object]]] = {}
        for i, event in enumerate(events):
            for kind, value in _said(event):
                said.setdefault(kind, []).append((i, value))
        parts = [np.zeros(0, FACT)]
        for kind, pairs in said.items():
            if not self._takes(kind):
                self.counts["undeclared"] += len(pairs)
                continue
            at = np.array([i for i, _ in pairs])
            part = np.zeros(len(pairs), FACT)
            part["id"], part["time"], part["kind"] = ids[at], times[at], self._kind(kind)
            part["fact"], part["rank"] = self._values(kind, [value for _, value in pairs])
            parts.append(part)
        return np.concatenate(parts)

    def _takes(self, kind: str) -> bool:
        if kind in self._kinds:
            return True
        return len(self._kinds) < KINDS and any(joined.takes(kind) for joined in self._numbered)

    def _kind(self, kind: str) -> int:
        """The code of a kind; the salt that goes with it is the same in every process."""
        if kind not in self._kinds:
            self._kinds[kind] = siphash(Texts([kind]), self._key)[0]
        return self.codes.code(kind)

    def _values(self, kind: str, values: Sequence[Any]) -> tuple[Array, Array]:
        """The facts' 32 bits, and a rank that orders values the same way in every process."""
        if stem(kind) == "values":
            bits = numbers.bits(values)
            return bits, bits
        if stem(kind) == "flags":
            return flags(values), flags(values)
        limit = GROUPS if stem(kind) == "attributes" else CLASSES
        codes = self._vocabularies.encode(kind, [group(value) for value in values], limit)
        return codes, self._text_ranks()[codes]

    def _text_ranks(self) -> Array:
        new = self.codes.texts[len(self._ranks) :]
        if new:
            ranks = siphash(Texts([text or "" for text in new]), self._key) >> np.uint64(32)
            self._ranks = np.concatenate([self._ranks, ranks.astype(np.uint32)])
        return self._ranks

    def _insert_feedback(self, facts: Rows) -> Mask:
        """Which of these were not known."""
        keys = facts["id"] ^ self._salts()[facts["kind"]]
        accepted = np.zeros(len(facts), np.bool_)
        left = np.arange(len(facts))
        while len(left):  # in rounds in which each (decision, kind) comes once
            first = np.sort(np.unique(keys[left], return_index=True)[1])
            accepted[left[first]] = self._insert_distinct(facts[left[first]], keys[left[first]])
            left = np.delete(left, first)
        self.counts["feedback"] += int(accepted.sum())
        self.counts["duplicates"] += int((~accepted).sum())
        return accepted

    def _salts(self) -> U64:
        salts = np.zeros(len(self.codes.texts), np.uint64)
        for kind, salt in self._kinds.items():
            salts[self.codes.code(kind)] = salt
        return salts

    def _insert_distinct(self, facts: Rows, keys: U64) -> Mask:
        places, fresh = self._feedback.put(keys)
        if len(self._feedback) > len(self._facts):
            more = np.zeros(len(self._feedback) * 3 // 2 - len(self._facts), FACT)
            self._facts = np.concatenate([self._facts, more])
        held = self._facts[places]
        same_time = facts["time"] == held["time"]
        newer = ~fresh & ((facts["time"] > held["time"]) | (same_time & (facts["rank"] > held["rank"])))
        known = ~fresh & same_time & (facts["rank"] == held["rank"])
        for i in np.flatnonzero(~fresh & ~known & ~newer).tolist():
            known[i] = _moment(facts[i]) in self._losers.get(int(keys[i]), ())
        new, wins = np.flatnonzero(~known), fresh | newer
        joins = list(self._found(facts["id"][new]))
        slots = [self._outcome_slots(joined, np.unique(rows)) for joined, rows, _ in joins]
        for i in np.flatnonzero(~fresh & ~known).tolist():
            loser = held[i] if newer[i] else facts[i]
            self._losers.setdefault(int(keys[i]), set()).add(_moment(loser))
        self._facts[places[wins]] = facts[wins]
        self.counts["corrections"] += int(newer.sum())
        for (joined, rows, at), before in zip(joins, slots, strict=True):
            self._apply(joined, rows, facts[new[at]], wins[new[at]], before)
        accepted: Mask = ~known
        return accepted

    def _found(self, ids: U64) -> Iterator[tuple[Joined, I64, I64]]:
        """The decisions that are here: their table, rows, and places in `ids`. The others' feedback waits."""
        places = self._ids.find(ids)
        self._waiting.update(ids[places < 0].tolist())
        here = np.flatnonzero(places >= 0)
        held = self._places[places[here]]
        for number in np.unique(held >> _ROW).tolist():
            ours = held >> _ROW == number
            yield self._numbered[number], held[ours] & _ROWS, here[ours]

    def _apply(self, joined: Joined, rows: I64, facts: Rows, wins: Mask, before: tuple[I64, U64]) -> None:
        """Moves decisions to where new facts put them; every pane that knows such a decision advances.

        Φ of a pane is the sum over its decisions of all their facts. On the axis of outcomes a decision
        belongs to the slot of each outcome that it ever had, so that Φ never falls.
        """
        touched = np.unique(rows[wins])
        joined.count(touched, -1)
        self._write(joined, rows[wins], facts[wins])
        joined.count(touched, +1)
        joined.panes.advance(
            joined.slots(DECISION, joined.column("time", rows)), facts["time"], facts["rank"].astype(np.int64)
        )
        distinct, which = np.unique(rows, return_inverse=True)
        added = np.zeros((2, len(distinct)), np.int64)
        np.add.at(added[0], which, facts["time"])
        np.add.at(added[1], which, facts["rank"].astype(np.int64))
        joined.panes.advance(before[1], added[0][before[0]], added[1][before[0]])
        self._enter(joined, distinct, before)

    def _enter(self, joined: Joined, rows: I64, before: tuple[I64, U64]) -> None:
        """Panes that know a decision's outcome for the first time count all its facts in Φ."""
        at, slots = self._outcome_slots(joined, rows)
        known = (before[0].astype(np.uint64) << np.uint64(32)) | before[1]
        new = ~np.isin((at.astype(np.uint64) << np.uint64(32)) | slots, known)
        at, slots = at[new], slots[new]
        ids, times = joined.column("id", rows[at]), joined.column("time", rows[at])
        joined.panes.advance(slots, *self._totals(ids, times))

    def _outcome_slots(self, joined: Joined, rows: I64) -> tuple[I64, U64]:
        """The slots of every outcome that decisions had, corrected ones too: (place in `rows`, slot)."""
        at = np.flatnonzero(joined.column("outcome", rows) != MISSING)
        slots = joined.slots(OUTCOME, joined.column("outcome_time", rows[at]))
        salt = self._kinds.get("outcome")
        if not self._losers or salt is None:
            return at, slots
        pairs = set(zip(at.tolist(), slots.tolist(), strict=True))
        for i, key in enumerate((joined.column("id", rows) ^ salt).tolist()):
            times = np.array([time for time, _ in self._losers.get(key, ())], np.int64)
            pairs.update((i, slot) for slot in joined.slots(OUTCOME, times).tolist())
        found = np.array(sorted(pairs), np.int64).reshape(-1, 2)
        return found[:, 0], found[:, 1].astype(np.uint64)

    def _totals(self, ids: U64, times: I64) -> tuple[I64, I64]:
        """The sums of the times and of the ranks of all facts of each decision."""
        totals = times.copy(), np.ones_like(times)  # a decision's rank is 1: Φ grows even in 1970
        for salt in self._kinds.values():
            keys = ids ^ salt
            places = self._feedback.find(keys)
            known = places >= 0
            totals[0][known] += self._facts["time"][places[known]]
            totals[1][known] += self._facts["rank"][places[known]]
            for i, key in enumerate(keys.tolist() if self._losers else ()):
                for moment in self._losers.get(key, ()):
                    totals[0][i] += moment[0]
                    totals[1][i] += moment[1]
        return totals

    def _write(self, joined: Joined, rows: I64, facts: Rows) -> None:
        """Writes what feedback says over its decisions' columns."""
        for code in np.unique(facts["kind"]).tolist():
            kind = self.codes.texts[code] or ""
            if joined.takes(kind):
                ours = facts["kind"] == code
                joined.write(COLUMNS.get(kind, kind), rows[ours], facts["fact"][ours])
                if kind == "outcome":
                    joined.write("outcome_time", rows[ours], facts["time"][ours])


COLUMNS = {"decision": "final"}  # kinds of feedback whose column has another name


def _said(event: Feedback) -> Iterator[tuple[str, object]]:
    if event.outcome is not None:
        yield "outcome", event.outcome
    if event.decision is not None:
        yield "decision", event.decision
    for field in ("values", "flags", "attributes"):
        for name, value in getattr(event, field).items():
            if value is not None:
                yield f"{field}.{name}", value


def _moment(fact: np.void) -> tuple[int, int]:
    return int(fact["time"]), int(fact["rank"])
