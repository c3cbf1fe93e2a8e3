"""The grow-only set of feedback of one partition: for each decision and kind, all that was ever said.

The largest (event time, value) *wins*. Facts that a larger one beat are remembered by time and rank, so
that they are known when they come again, and count in Φ (monitor/panes/panes.py).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.arrays import numbers
from monitor.arrays.codes import MISSING, Codes, Vocabularies
from monitor.arrays.hashing import siphash
from monitor.arrays.index import Index, firsts
from monitor.arrays.personal import PERSONAL, looks
from monitor.arrays.texts import Texts
from monitor.events import Feedback
from monitor.events.batches import Batch
from monitor.facts.blocks import CODED_KINDS, Array, stem
from monitor.facts.spelling import CLASSES, FLAGS, flags, texts
from monitor.panes import GROUPS

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# One fact: a decision's hash, the code of the kind, 32 bits of value, and by what it wins. A rank is made of
# the value and is the same in every process; codes are not.
FACT = np.dtype([("id", "<u8"), ("kind", "<u2"), ("fact", "<u4"), ("rank", "<u4"), ("time", "<i8")])
PLAIN, MAPS = ("outcome", "decision"), ("values", "flags", "attributes")  # what feedback says
Rows = npt.NDArray[np.void]  # of FACT
KINDS = 3 + 2 * FLAGS  # how many kinds a partition keeps: outcome, decision, flags, values, attributes


@dataclass(frozen=True)
class News:
    """Facts that were not known, in the order of their log, each once; `commit` takes them in.

    `at` are their places among those that were given. `fresh` are those of a (decision, kind) of which
    nothing is held, where `held` means nothing; `wins` says which are the largest of theirs from now on, of
    which each has one at most. `corrections` is how many beat what was the largest when they came.
    """

    at: I64
    facts: Rows
    keys: U64
    places: I64
    held: Rows
    fresh: Mask
    wins: Mask
    corrections: int


class Returned:
    """The set. `key` (16 bytes) makes ranks and the hashes of kinds; `takes` says which kinds are kept, and
    `checks` of which texts may be personal."""

    def __init__(
        self,
        codes: Codes,
        key: bytes,
        takes: Callable[[str], bool],
        checks: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self.undeclared = 0  # facts of kinds that are not kept
        self._codes = codes
        self._key = key
        self._wanted = takes
        self._checks = checks
        self._vocabularies = Vocabularies(codes, checks)
        self._personal: list[tuple[dict[str, Counter[str]], U64]] = []  # what looked so, about which ids
        self._index = Index()
        self._facts = np.zeros(16, FACT)
        self._kinds: dict[str, np.uint64] = {}  # by kind: what its keys are made with
        self._losers: dict[int, set[tuple[int, int]]] = {}  # by key: (time, rank)
        self._ranks = np.zeros(2, np.uint32)

    def __len__(self) -> int:
        return len(self._index)

    @property
    def nbytes(self) -> int:
        return self._index.nbytes + self._facts.nbytes

    @property
    def latest(self) -> int | None:
        """The newest event time (ms); None if there is none. Repeats have no time."""
        return int(self._facts["time"][: len(self)].max(initial=0)) or None

    @property
    def corrected(self) -> bool:
        """Whether any fact was ever beaten."""
        return bool(self._losers)

    @property
    def refused(self) -> Counter[str]:
        return Counter(self._vocabularies.refused)

    # from events to facts

    def exploded(self, batch: Batch[Feedback], ids: U64) -> Rows:
        """Each event as one fact for each thing that it says."""
        parts = [np.zeros(0, FACT)]
        personal: dict[tuple[str, str], list[str]] = defaultdict(list)
        for kind, times in _kinds(batch).items():
            if not self._takes(kind):
                self.undeclared += times
            elif found := self._looks(kind):
                personal[stem(kind), found].append(kind)
            else:
                parts.append(self._part(kind, batch, ids))
        for (field, found), names in personal.items():  # no column of any: each has all events
            at = batch.places(names)
            self._personal.append(({field: Counter({found: len(at)})}, ids[at]))
        return np.concatenate(parts)

    def _part(self, kind: str, batch: Batch[Feedback], ids: U64) -> Rows:
        """What events say of one kind."""
        at, values = self._said(batch.column(kind), batch.types(kind))
        part = np.zeros(len(at), FACT)
        part["id"], part["time"], part["kind"] = ids[at], batch.times[at], self.kind(kind)
        part["fact"], part["rank"] = self._values(kind, values, batch.types(kind))
        if found := self._vocabularies.personal():
            self._personal.append((found, part["id"][part["fact"] == self._codes.code(PERSONAL)]))
        return part

    def personal(self) -> list[tuple[dict[str, Counter[str]], U64]]:
        """What looked personal since the last call: how many values by kind and by what they look like, and
        the decisions that they are about."""
        found, self._personal = self._personal, []
        return found

    def _said(self, values: Sequence[Any], found: set[type]) -> tuple[I64, Sequence[Any]]:
        """The values that say something, and where. Chances of groups come with decisions alone."""
        if dict in found:
            self.undeclared += sum(isinstance(value, dict) for value in values)
        elif NoneType not in found:
            return np.arange(len(values)), values
        at = [place for place, value in enumerate(values) if not isinstance(value, (dict, NoneType))]
        return np.array(at, np.int64), [values[place] for place in at]

    def _takes(self, kind: str) -> bool:
        return kind in self._kinds or (len(self._kinds) < KINDS and self._wanted(kind))

    def _looks(self, kind: str) -> str | None:
        """What the name of a flag or a value looks like, if it is somebody's: nothing is kept under it."""
        field, _, name = kind.partition(".")
        return looks(name) if name and kind not in self._kinds and self._checks(field) else None

    def kind(self, kind: str) -> int:
        """The code of a kind, which is known from now on."""
        if kind not in self._kinds:
            self._kinds[kind] = siphash(Texts([kind]), self._key)[0]
        return self._codes.code(kind)

    def _values(self, kind: str, values: Sequence[Any], found: set[type]) -> tuple[Array, Array]:
        """The facts' 32 bits, and their ranks."""
        if stem(kind) == "values":
            bits = numbers.bits(values)
            return bits, bits
        if stem(kind) == "flags":
            return flags(values), flags(values)
        codes = self._vocabularies.encode(kind, texts(values, found), _limit(kind))
        return codes, self._text_ranks()[codes]

    def know(self, facts: Rows) -> None:
        """Takes the kinds and names that facts from a block have."""
        for code in np.unique(facts["kind"]).tolist():
            kind = self._codes.texts[code] or ""
            self.kind(kind)
            if stem(kind) in CODED_KINDS:
                values = np.unique(facts["fact"][facts["kind"] == code]).tolist()
                self._vocabularies.know(kind, (self._codes.texts[value] for value in values), _limit(kind))

    def _text_ranks(self) -> Array:
        new = self._codes.texts[len(self._ranks) :]
        if new:
            ranks = siphash(Texts([text or "" for text in new]), self._key) >> np.uint64(32)
            self._ranks = np.concatenate([self._ranks, ranks.astype(np.uint32)])
        return self._ranks

    # insertion

    def news(self, facts: Rows) -> News:
        """What of these is not known; it must be committed before more is asked for."""
        keys = facts["id"] ^ self._salts()[facts["kind"]]
        alone = len(firsts(keys)) == len(keys)  # as nearly always: each is the only one of its kind
        at = np.arange(len(facts)) if alone else _distinct(keys, facts)
        return self._sift(at, facts[at], keys[at], alone)

    def _salts(self) -> U64:
        salts = np.zeros(len(self._codes.texts), np.uint64)
        for kind, salt in self._kinds.items():
            salts[self._codes.code(kind)] = salt
        return salts

    def _sift(self, at: I64, facts: Rows, keys: U64, alone: bool) -> News:
        count = len(self._index)
        places, _ = self._index.put(keys)
        if len(self._index) > len(self._facts):
            more = np.zeros(len(self._index) * 5 // 4 - len(self._facts), FACT)
            self._facts = np.concatenate([self._facts, more])
        fresh = places >= count
        if alone and fresh.all():
            return News(at, facts, keys, places, facts, fresh, fresh, 0)
        held = self._facts[places]
        same_time = facts["time"] == held["time"]
        newer = fresh | (facts["time"] > held["time"]) | (same_time & (facts["rank"] > held["rank"]))
        known = ~fresh & same_time & (facts["rank"] == held["rank"])
        for i in np.flatnonzero(~known & ~newer).tolist():
            known[i] = _moment(facts[i]) in self._losers.get(int(keys[i]), ())
        new = np.flatnonzero(~known)
        wins, records = _largest(facts[new], places[new], newer[new])
        corrections = records - (len(self._index) - count)
        return News(at[new], facts[new], keys[new], places[new], held[new], fresh[new], wins, corrections)

    def commit(self, news: News) -> int:
        """Takes them in; how many facts were corrected by it."""
        if len(news.at) and news.fresh.all() and news.wins.all():  # their places follow one another
            self._facts[news.places[0] : news.places[0] + len(news.at)] = news.facts
            return 0
        beaten = news.wins & ~news.fresh
        losers = np.concatenate([news.facts[~news.wins], news.held[beaten]])
        keys = np.concatenate([news.keys[~news.wins], news.keys[beaten]])
        moments = zip(losers["time"].tolist(), losers["rank"].tolist(), strict=True)
        for key, moment in zip(keys.tolist(), moments, strict=True):
            self._losers.setdefault(key, set()).add(moment)
        self._facts[news.places[news.wins]] = news.facts[news.wins]
        return news.corrections

    # what is known

    def of(self, ids: U64) -> Rows:
        """The winning facts about these decisions."""
        found = [self._index.find(ids ^ salt) for salt in self._kinds.values()]
        places = np.concatenate([np.zeros(0, np.int64), *found])
        facts: Rows = self._facts[places[places >= 0]]
        return facts

    def count(self, ids: U64) -> int:
        """How many facts were ever known of these decisions."""
        keys = np.concatenate([np.zeros(0, np.uint64), *(ids ^ salt for salt in self._kinds.values())])
        beaten = sum(len(self._losers.get(key, ())) for key in keys.tolist()) if self._losers else 0
        return int(np.count_nonzero(self._index.find(keys) >= 0)) + beaten

    def beaten_outcomes(self, ids: U64) -> Iterator[tuple[int, int]]:
        """The times (ms) of outcomes that were corrected: (place in `ids`, time)."""
        salt = self._kinds.get("outcome")
        if self._losers and salt is not None:
            for i, key in enumerate((ids ^ salt).tolist()):
                yield from ((i, time) for time, _ in self._losers.get(key, ()))

    def totals(self, ids: U64) -> tuple[I64, I64]:
        """The sums of the times and of the ranks of all facts ever known of each decision."""
        totals = np.zeros(len(ids), np.int64), np.zeros(len(ids), np.int64)
        for salt in self._kinds.values():
            keys = ids ^ salt
            places = self._index.find(keys)
            known = places >= 0
            totals[0][known] += self._facts["time"][places[known]]
            totals[1][known] += self._facts["rank"][places[known]]
            for i, key in enumerate(keys.tolist() if self._losers else ()):
                for moment in self._losers.get(key, ()):
                    totals[0][i] += moment[0]
                    totals[1][i] += moment[1]
        return totals

    def everything(self) -> Rows:
        """All facts; the values of those that larger ones beat are forgotten."""
        keys = np.array(list(self._losers), np.uint64)
        beaten = np.repeat(self._facts[self._index.find(keys)], [len(m) for m in self._losers.values()])
        moments = [moment for moments in self._losers.values() for moment in moments]
        beaten["time"], beaten["rank"] = np.array(moments, np.int64).reshape(-1, 2).T
        beaten["fact"] = MISSING
        return np.concatenate([self._facts[: len(self)], beaten])


def _kinds(batch: Batch[Feedback]) -> dict[str, int]:
    """The columns that say something, and how often."""
    found = {name: batch.filled(name) for name in PLAIN if batch.holds(name)}
    for field in MAPS:
        found |= batch.held(field)
    return found


def _limit(kind: str) -> int:
    """How many values of a kind of feedback count by name."""
    return GROUPS if stem(kind) == "attributes" else CLASSES


def _distinct(keys: U64, facts: Rows) -> I64:
    """Where each fact comes for the first time, in order."""
    order = np.lexsort((facts["rank"], facts["time"], keys))
    new = np.ones(len(order), np.bool_)
    new[1:] = False
    for column in (keys, facts["time"], facts["rank"]):
        new[1:] |= np.diff(column[order]) != 0
    return np.sort(order[new])


def _largest(facts: Rows, places: I64, newer: Mask) -> tuple[Mask, int]:
    """Which of these distinct facts is the largest of its place, among those that are newer than what is
    held, and how many of them beat all that came before them."""
    at = np.flatnonzero(newer)
    at = at[np.argsort(places[at], kind="stable")]
    levels = np.empty(len(at), np.int64)
    levels[np.lexsort((facts["rank"][at], facts["time"][at]))] = np.arange(len(at))
    begins = np.diff(places[at], prepend=-1) != 0
    levels += np.cumsum(begins) * len(at)  # so that each place begins above the one before it
    records = at[levels == np.maximum.accumulate(levels)]
    last = np.diff(places[records], append=-1) != 0
    wins = np.zeros(len(facts), np.bool_)
    wins[records[last]] = True
    return wins, len(records)


def _moment(fact: np.void) -> tuple[int, int]:
    return int(fact["time"]), int(fact["rank"])
