"""From the counts of a window to what metrics read: a table of atoms by group, and histograms."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor import histogram, measures, proxies
from monitor.codes import MISSING
from monitor.config import Model
from monitor.events import scalar
from monitor.histogram import Histogram
from monitor.joined import within
from monitor.panes import ALL, UNIT, Window
from monitor.table import DECISION, Table

I64 = npt.NDArray[np.int64]
Term = tuple[int, str, int]  # a measure's place, the atom that it adds to, and with which weight
_LABELLED = {(True, True): "tp", (True, False): "fp", (False, True): "fn", (False, False): "tn"}
_NOBODY = np.zeros(1, np.int64)
_OVERRIDE = {True: "overridden_up", False: "overridden_down"}


class Tally:
    """One window of one model. `texts` are those of the codes in it."""

    def __init__(self, window: Window, texts: Sequence[str | None], model: Model) -> None:
        self._texts = texts
        self._positive = {scalar(value) for value in model.positive}
        self._positive_outcome = {scalar(value) for value in model.positive_outcome}
        self._groups = window.groups
        self._counts = window.counts
        self._group = window.pairs[:, 0]
        there = np.bincount(window.pairs[:, 1], minlength=len(window.measures)) > 0
        self._measure = (np.cumsum(there) - 1)[window.pairs[:, 1]]
        keys = window.measures[there]
        families = measures.family(keys)
        fields = np.stack([measures.field(keys, place) for place in range(3)], axis=1).astype(np.int64)
        self._families, self._fields = families.tolist(), fields.tolist()
        bins = np.where(families == measures.SCORE, fields[:, 0], fields[:, 1])
        self._levels, self._level = np.unique(bins, return_inverse=True)
        self._named = [self._histogram_name(*found) for found in self._measures()]
        self._atoms = self._summed(list(self._terms()))

    def everybody(self, atoms: Iterable[str]) -> int:
        """The sum of some atoms over all decisions."""
        rows = [row for row, group in enumerate(self._groups) if group == ALL]
        return int(sum(self._atoms[atom][rows].sum() for atom in atoms if atom in self._atoms))

    @property
    def proxies(self) -> list[str]:
        """The attributes whose groups are given as probabilities."""
        return proxies.known(name for name, _ in self._groups)

    def table(self, attribute: str) -> Table:
        """The atoms of an attribute's groups, the groups in alphabetical order."""
        rows = [row for row, (name, _) in enumerate(self._groups) if name == attribute]
        rows.sort(key=lambda row: self._groups[row][1])
        decided = sum(self._atoms.get(atom, _NOBODY) for atom in DECISION)
        rows = [row for row in rows if np.broadcast_to(decided, len(self._groups))[row]]
        whole = proxies.WHOLE if attribute.endswith(proxies.MARK) else None
        counts: dict[str, npt.NDArray[Any]] = {
            atom: found / whole if whole else found
            for atom, sums in self._atoms.items()
            if (found := sums[rows]).any()
        }
        numbers = {} if whole else self._by_group(rows)
        return Table([self._groups[row][1] for row in rows], counts, numbers)

    def within(self, attribute: str, condition: str) -> list[Table]:
        """The atoms of an attribute's groups in each value of a conditioning column, in order."""
        whole = self.table(within(attribute, condition))
        split = [group.rpartition(UNIT)[::2] for group in whole.groups]
        tables = []
        for value in sorted({value for _, value in split}):
            rows = [row for row, (_, other) in enumerate(split) if other == value]
            counts = {atom: sums[rows] for atom, sums in whole.counts.items()}
            tables.append(Table([split[row][0] for row in rows], counts))
        return tables

    def _by_group(self, rows: list[int]) -> dict[str, list[Histogram]]:
        """Each group's numbers; the score's by what the outcome was."""
        names = sorted({name for name in self._named if name})
        number = {name: place for place, name in enumerate(names)}
        named = np.array([number.get(name or "", -1) for name in self._named], np.int64)
        place = np.full(len(self._groups), -1)
        place[rows] = np.arange(len(rows))
        here = (named[self._measure] >= 0) & (place[self._group] >= 0)
        measure = self._measure[here]
        sums = np.zeros((len(names) * len(rows), len(self._levels)), np.int64)
        np.add.at(
            sums,
            (named[measure] * len(rows) + place[self._group[here]], self._level[measure]),
            self._counts[here],
        )
        parts_of, levels = np.nonzero(sums)
        bounds = np.searchsorted(parts_of, np.arange(len(sums) + 1)).tolist()
        keys, counts = self._levels[levels].astype(np.uint16), sums[parts_of, levels]
        parts = [Histogram(keys[low:high], counts[low:high]) for low, high in pairwise(bounds)]
        return {name: parts[i * len(rows) : (i + 1) * len(rows)] for name, i in number.items()}

    def histograms(self) -> dict[str, Histogram]:
        """Everybody's scores, numbers and categories, by the stream's name."""
        everybody = self._groups.index(ALL) if ALL in self._groups else -1
        counts = np.zeros(len(self._families), np.int64)
        ours = self._group == everybody
        np.add.at(counts, self._measure[ours], self._counts[ours])
        streams: dict[str, dict[Any, int]] = {}
        for found, count in zip(self._measures(), counts.tolist(), strict=True):
            if named := self._stream(*found):
                stream = streams.setdefault(named[0], {})
                stream[named[1]] = stream.get(named[1], 0) + count
        total = int(counts[[family == measures.CORE for family in self._families]].sum())
        return {name: _histogram(found, total) for name, found in streams.items()}

    def _stream(self, family: int, fields: list[int]) -> tuple[str, int | str] | None:
        if family == measures.SCORE:
            return "score", fields[0]
        if family == measures.NUMBER:
            return self._texts[fields[0]] or "", fields[1]
        if family == measures.CATEGORY:
            name = self._texts[fields[0]] or ""
            return name.replace("categories.", "features.", 1), self._texts[fields[1]] or ""
        return None

    def _measures(self) -> Iterator[tuple[int, list[int]]]:
        return zip(self._families, self._fields, strict=True)

    def _histogram_name(self, family: int, fields: list[int]) -> str | None:
        """Where a measure of numbers is kept by group; the score's bins by outcome."""
        if family == measures.SCORE:
            if fields[1] == MISSING:
                return "score.none"
            return "score.pos" if self._texts[fields[1]] in self._positive_outcome else "score.neg"
        return self._number(family, fields)

    def _terms(self) -> Iterator[Term]:
        for place, (family, fields) in enumerate(self._measures()):
            if family == measures.CORE:
                yield from ((place, atom, 1) for atom in self._core(*fields))
            elif family == measures.FLAG:
                yield place, f"{self._texts[fields[0]]}={'true' if fields[1] == 2 else 'false'}", 1
            elif family == measures.SUM:
                yield place, f"{self._texts[fields[0]]}.sum", 1 << 32 * fields[1]
            elif family == measures.REASON:
                yield place, f"reasons.{self._texts[fields[0]]}", 1
            elif name := self._number(family, fields):
                yield place, f"{name}.n", 1

    def _core(self, decision: int, outcome: int, final: int) -> Iterator[str]:
        positive = self._texts[decision] in self._positive
        yield self._atom(positive, outcome)
        yield f"decision.{self._texts[decision]}"
        if final != MISSING:
            finally_positive = self._texts[final] in self._positive
            yield f"final_{self._atom(finally_positive, outcome)}"
            yield "upheld" if positive == finally_positive else _OVERRIDE[finally_positive]

    def _atom(self, positive: bool, outcome: int) -> str:
        if outcome == MISSING:
            return "up" if positive else "un"
        return _LABELLED[positive, self._texts[outcome] in self._positive_outcome]

    def _number(self, family: int, fields: list[int]) -> str | None:
        """The name of a number that has a mean by group."""
        if family == measures.SCORE:
            return "score"
        name = (self._texts[fields[0]] or "") if family == measures.NUMBER else ""
        return name if name == "value" or name.startswith("values.") else None

    def _summed(self, terms: list[Term]) -> dict[str, I64]:
        """Each atom's sum over the measures that add to it, by group."""
        atoms = {atom: number for number, atom in enumerate(dict.fromkeys(atom for _, atom, _ in terms))}
        columns = [(place, atoms[atom], weight) for place, atom, weight in terms]
        places, numbers, weights = np.array(columns, np.int64).reshape(-1, 3).T
        used, place = np.unique(places, return_inverse=True)
        row = np.full(len(self._families), -1)
        row[used] = np.arange(len(used))
        ours = row[self._measure] >= 0
        counts = np.zeros((len(used), len(self._groups)), np.int64)
        np.add.at(counts, (row[self._measure[ours]], self._group[ours]), self._counts[ours])
        sums = np.zeros((len(atoms), len(self._groups)), np.int64)
        np.add.at(sums, numbers, counts[place] * weights[:, None])
        return dict(zip(atoms, sums, strict=True))


def without_outcomes(window: Window) -> Window:
    """The window as if no outcome had come: for decisions whose outcomes are not mature."""
    keys = window.measures.copy()
    labelled = np.isin(measures.family(keys), (measures.CORE, measures.SCORE))
    keys[labelled] &= ~np.uint64(0xFFFF << 24)  # field 1 is the outcome
    return Window(window.groups, keys, window.pairs, window.counts)


def together(first: Window, second: Window) -> Window:
    """The sum of two windows of the same panes."""
    moved = second.pairs + np.array([0, len(first.measures)])
    return Window(
        second.groups,
        np.concatenate([first.measures, second.measures]),
        np.concatenate([first.pairs, moved]),
        np.concatenate([first.counts, second.counts]),
    )


def _histogram(counts: dict[Any, int], total: int) -> Histogram:
    found = histogram.from_counts(counts)
    return Histogram(found.keys, found.counts, missing=max(0, total - found.total))
