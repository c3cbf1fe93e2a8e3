"""The two grow-only sets of one partition, decisions and feedback, their join, and the panes they make.

Inserting a fact that is there changes nothing: that one rule handles duplicates, retries, and replays
after a crash or a rebalance. For a decision the first record in its log wins; for feedback, per decision
and kind, the largest (event time, value). Feedback may come before its decision.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.arrays.codes import Codes
from monitor.arrays.hashing import siphash
from monitor.arrays.index import Index
from monitor.config import Model
from monitor.events import Decision, Feedback
from monitor.events.batches import Batch, Structs, by_model
from monitor.events.exposed import Exposed
from monitor.facts import blocks, entities
from monitor.facts.blocks import Block
from monitor.facts.entities import CLAIM, NONE, Claims, Register
from monitor.facts.join import REPEAT, Join
from monitor.facts.joined import Joined
from monitor.facts.returned import FACT, Returned, Rows
from monitor.panes import Panes

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

FEWEST_DEAD = 1_000  # fewer facts than that are not worth a rebuild
MOST_SAID = 8  # facts of feedback for each decision there is room for
TOO_LATE, FULL = "too_late", "full"  # why an event is refused

Refused = dict[int, str]  # by its place in the batch: why an event does not count


class Facts:
    """All facts of one partition. `key` (16 bytes) makes pseudonyms of the ids.

    `tested`: the models whose entities count once in tests. Their decisions make `claims`; whoever holds all
    claims of an entity settles them, and what is a repeat is marked where it is held.

    `room`: how many decisions of each model are held at most, with MOST_SAID times as many facts of feedback,
    and how many such facts about decisions that are not known. New ones beyond are refused.

    `counts` says what came: decisions, feedback (facts, by kind of event), duplicates, conflicts (a decision
    that came again and said something else), corrections. It is of this process, not of the facts.
    """

    def __init__(
        self, models: Mapping[str, Model], key: bytes, tested: Collection[str] = (), room: float = inf
    ) -> None:
        self.codes = Codes(len(models) + 1)  # feedback is as a model
        self.counts: Counter[str] = Counter()
        self._ids = Index()
        self.models = {name: Joined(model, self.codes, self._ids) for name, model in models.items()}
        self._key = key
        self._numbered = list(self.models.values())
        self._returned = Returned(
            self.codes,
            key,
            takes=lambda kind: any(joined.takes(kind) for joined in self._numbered),
            checks=lambda kind: all(joined.lookout.checks(kind) for joined in self._numbered),
        )
        self._join = Join(self.codes, self._numbered, self._ids, self._returned, self.counts)
        self._unsaved: list[Block] = []
        self._reached = 0  # event time, ms
        self._room = room
        self.claims = Register({name: self.models[name].panes.width for name in tested}, self._keep)

    @property
    def panes(self) -> dict[str, Panes]:
        return {name: joined.panes for name, joined in self.models.items()}

    @property
    def exposed(self) -> dict[str, Exposed]:
        """What each model's events held that they should not."""
        return {name: joined.lookout.exposed for name, joined in self.models.items()}

    @property
    def waiting(self) -> int:
        """How many ids have feedback but no decision yet."""
        return self._join.waiting

    @property
    def pending(self) -> int:
        """How many decisions have no outcome yet."""
        labelled = sum(int(np.count_nonzero(joined.all("outcome"))) for joined in self._numbered)
        return len(self._ids) - labelled

    @property
    def refused(self) -> Counter[str]:
        """How many values count as `__other__` because their field has too many, by field."""
        found = self._returned.refused
        for joined in self._numbered:
            found.update(joined.refused)
        return found

    @property
    def latest(self) -> tuple[int | None, int | None]:
        """The newest event times (ms) of decisions and of feedback; None where there is none."""
        decided = (int(joined.all("time").max()) for joined in self._numbered if len(joined))
        return max(decided, default=None), self._returned.latest

    @property
    def nbytes(self) -> int:
        """Memory of the facts in bytes, without the panes."""
        tables = sum(joined.nbytes for joined in self._numbered)
        return self.claims.nbytes + tables + self._ids.nbytes + self._join.nbytes + self._returned.nbytes

    def observe(self, events: Sequence[Decision], times: I64) -> Refused:
        """`take_decisions` of structs; times in ms."""
        return self.take_decisions(Structs(Decision, events, times))

    def learn(self, events: Sequence[Feedback], times: I64) -> Refused:
        """`take_feedback` of structs; times in ms."""
        return self.take_feedback(Structs(Feedback, events, times))

    def take_decisions(self, batch: Batch[Decision]) -> Refused:
        """Takes decisions of known models in the order of their log; returns those that do not count."""
        return {place: why for refused in self.decisions_in_steps(batch) for place, why in refused.items()}

    def decisions_in_steps(self, batch: Batch[Decision]) -> Iterator[Refused]:
        """`take_decisions`, one model after the other, with what is refused of each."""
        ids, now = siphash(batch.texts, self._key), self._reach(batch.times)
        for model, places in by_model(batch).items():
            joined = self.models[model]
            late = batch.times[places] < joined.sealed
            full = ~late & self._lacks_room(joined, ids[places])
            kept = places[~(late | full)]
            ours = batch.take(kept)
            columns = joined.columns(ours, ids[kept], now)
            if model in self.claims and ours.holds("entity"):
                columns["entity"] = entities.pseudonyms(ours.column("entity"), self._key)
            fresh = self._join.take_decisions(joined, columns)
            self._keep(Block(model, {name: column[fresh] for name, column in columns.items()}))
            if "entity" in columns:
                self.claims.tell(model, self._claimed(joined, columns["id"]))
            yield _refused(places[late], places[full])

    def _lacks_room(self, joined: Joined, ids: U64) -> Mask:
        """Which decisions are new, where a model holds as many as it may."""
        if len(joined) < self._room:
            return np.zeros(len(ids), np.bool_)
        new: Mask = self._ids.find(ids) < 0
        return new

    def take_feedback(self, batch: Batch[Feedback]) -> Refused:
        """Takes feedback; returns what does not count."""
        ids = siphash(batch.texts, self._key)
        late = self._late(ids, batch.times)
        full = ~late & self._said_enough(ids)
        kept = np.flatnonzero(~(late | full))
        ours = batch.take(kept)
        facts = self._returned.exploded(ours, ids[kept])
        self._look(ours, ids[kept], self._reach(batch.times))
        self.counts["undeclared"] = self._returned.undeclared
        self._take(facts)
        return _refused(np.flatnonzero(late), np.flatnonzero(full))

    def _said_enough(self, ids: U64) -> Mask:
        """Which feedback is about a model, or about decisions that nobody knows, of which as much is held as
        may be."""
        enough = np.zeros(len(ids), np.bool_)
        if self._join.unclaimed >= self._room:
            enough |= self._ids.find(ids) < 0
        if any(joined.said >= MOST_SAID * self._room for joined in self._numbered):
            for joined, _, at in self._join.here(ids):
                enough[at] = joined.said >= MOST_SAID * self._room
        return enough

    def _look(self, batch: Batch[Feedback], ids: U64, now: int) -> None:
        """Notes what feedback should not hold, with the models that it is about."""
        for found, about in self._returned.personal():
            for joined, _ in self._join.about(about):
                joined.lookout.personal("feedback", found, now)
        if batch.names("attributes"):
            for joined, places in self._join.about(ids):
                joined.lookout.feedback(batch.take(places), now)

    def note_unknown(self, batches: Sequence[Batch[Any]], names: Iterable[str]) -> None:
        """Notes fields that no event has, of the first event of these batches."""
        for batch in batches:
            first = batch.take(np.arange(min(1, len(batch))))
            event = "decision" if batch.kind is Decision else "feedback"
            for joined in self._models_of(first):
                joined.lookout.unknown(event, names, self._reach(batch.times))

    def _models_of(self, batch: Batch[Any]) -> Iterator[Joined]:
        if batch.kind is Decision:
            yield from (self.models[name] for name in by_model(batch) if name in self.models)
        else:
            yield from (joined for joined, _ in self._join.about(siphash(batch.texts, self._key)))

    def _reach(self, times: I64) -> int:
        """The event time (ms) that is reached with these."""
        self._reached = max(self._reached, int(times.max(initial=0)))
        return self._reached

    def _take(self, facts: Rows) -> None:
        if len(facts):
            accepted = facts[self._join.take_feedback(facts)]
            self._keep(Block(None, {name: accepted[name] for name in FACT.names or ()}))

    def _late(self, ids: U64, times: I64) -> Mask:
        """Which feedback is about, or of, a time that is sealed; the earliest, where no decision is known."""
        late = times < min((joined.sealed for joined in self._numbered), default=0)
        if any(joined.sealed for joined in self._numbered):
            for joined, rows, at in self._join.here(ids):
                late[at] = np.minimum(joined.column("time", rows), times[at]) < joined.sealed
        return late

    def take_blocks(self) -> list[bytes]:
        """The facts that came since the last call, as records to be made durable."""
        unsaved, self._unsaved = self._unsaved, []
        return self._encoded(blocks.concatenate(unsaved))

    def _encoded(self, found: Iterable[Block]) -> list[bytes]:
        return [record for block in found for record in blocks.records(block, self.codes)]

    def load(self, record: bytes) -> None:
        """Takes the facts of a record that `take_blocks` gave. In any order, any number of times."""
        block = blocks.decode(record, self.codes)
        if "time" in block.columns:
            self._reach(block.columns["time"])
        if block.model is None:
            facts = np.zeros(len(block), FACT)
            for name, column in block.columns.items():
                facts[name] = column
            self._returned.know(facts)
            self._join.take_feedback(facts)
        elif block.model in self.models:
            if not block.columns.keys() >= {"time", "decision"}:
                raise ValueError(f"block: columns {', '.join(block.columns)}: time and decision are missing")
            self.models[block.model].spelling.know(block.columns)
            self._join.take_decisions(self.models[block.model], block.columns)
        else:
            self.claims.load(block)

    # the end of facts

    def ends(self, clock: int) -> dict[str, int]:
        """Before which event time (ms) each model's facts may be dropped.

        Dropped are decisions from before feedback may still come whose outcome is as old. As panes are
        whole only while all their facts are here, time before the end is *sealed*: what comes then is
        too late.
        """
        return {name: joined.end(clock) for name, joined in self.models.items()}

    def is_mostly_dead(self, ends: Mapping[str, int]) -> bool:
        """Whether half of the facts are from before `ends`: to drop fewer is not worth while.

        Counted are decisions, and feedback about such as nobody knows.
        """
        dead = sum(int(np.count_nonzero(self.models[name].dead(end))) for name, end in ends.items())
        dead += self._waited_in_vain(min(ends.values(), default=0))
        return dead >= max(FEWEST_DEAD, (len(self._ids) + self._join.unclaimed) // 2)

    def _waited_in_vain(self, end: int) -> int:
        """How many facts of before `end` (ms) are about decisions that are not known."""
        if self._join.unclaimed < FEWEST_DEAD // 2:
            return 0
        facts = self._returned.everything()
        old = facts["id"][facts["time"] < end]
        return int(np.count_nonzero(self._ids.find(old) < 0))

    def seal(self, ends: Mapping[str, int]) -> None:
        """Refuses from now on what is from before these times (ms), by model."""
        for name, end in ends.items():
            if name in self.models:
                self.models[name].sealed = max(end, self.models[name].sealed)

    def overdue(self) -> int:
        """How many feedback events came, by their own time, when that of their decision may have been sealed.

        Whether a partition refuses these depends on how many facts it held: it drops many at once.
        """
        facts = np.unique(self._returned.everything()[["id", "time"]])
        found = (
            joined.overdue(joined.column("time", rows), facts["time"][at])
            for joined, rows, at in self._join.here(facts["id"])
        )
        return sum(int(late.sum()) for late in found)

    def living(self) -> list[bytes]:
        """All facts that are not over, as records that replace all others."""
        alive = [
            Block(name, joined.rows(np.flatnonzero(~joined.dead(joined.sealed))))
            for name, joined in self.models.items()
        ]
        ids = np.concatenate([np.zeros(0, np.uint64), *(block.columns["id"] for block in alive)])
        facts = self._returned.everything()
        earliest = min((joined.sealed for joined in self._numbered), default=0)
        unknown = (self._ids.find(facts["id"]) < 0) & (facts["time"] >= earliest)
        kept = facts[np.isin(facts["id"], ids) | unknown]
        claims = self.claims.living(
            {name: (joined.sealed, joined.wait) for name, joined in self.models.items()}
        )
        return self._encoded([*alive, Block(None, {name: kept[name] for name in FACT.names or ()}), *claims])

    def _keep(self, block: Block) -> None:
        if len(block):
            self._unsaved.append(block)

    # entities

    def _claimed(self, joined: Joined, ids: U64) -> Claims:
        """The claims of decisions, new or not: a crash may have lost what was said of them before.

        They say what is held: of a decision that came again in other words, the first ones.
        """
        ours = (rows for table, rows, _ in self._join.here(ids) if table is joined)
        rows = next(ours, np.zeros(0, np.int64))
        rows = rows[joined.column("entity", rows) != 0]
        claims = np.zeros(len(rows), CLAIM)
        for name in ("entity", "id", "time"):
            claims[name] = joined.column(name, rows)
        return claims

    def mark(self, repeats: Mapping[str, Claims]) -> None:
        """Tests do not count these decisions from now on. Those that are not here are left out: whoever takes
        such a decision claims again."""
        ids = np.unique(np.concatenate([NONE, *repeats.values()])["id"])
        known = ids[self._ids.find(ids) >= 0]
        if len(known):
            facts = np.zeros(len(known), FACT)
            facts["id"], facts["kind"] = known, self._returned.kind(REPEAT)
            facts["fact"] = facts["rank"] = 1
            self._take(facts)

    def reconcile(self) -> None:
        """Marks all repeats, where one process holds everything."""
        self.mark(self.claims.settle(self.claims.take()))


def _refused(late: I64, full: I64) -> Refused:
    return dict.fromkeys(late.tolist(), TOO_LATE) | dict.fromkeys(full.tolist(), FULL)
