"""From the counts of a window to what metrics read: a table of atoms by group, and histograms."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.panes import histogram, measures, proxies
from monitor.panes.histogram import Histogram
from monitor.panes.meanings import Meanings
from monitor.panes.panes import ALL, UNIT, Window, within
from monitor.panes.table import DECISION, Binned, Cut, Table

I64 = npt.NDArray[np.int64]
_NOBODY = np.zeros(1, np.int64)


class Tally:
    """One window of one model. `meanings` are those of its measures."""

    def __init__(self, window: Window, meanings: Meanings) -> None:
        self._groups = window.groups
        self._counts = window.counts
        self._group = window.pairs[:, 0]
        there = np.bincount(window.pairs[:, 1], minlength=len(window.measures)) > 0
        self._measure = (np.cumsum(there) - 1)[window.pairs[:, 1]]
        self._layout = meanings.layout(window.measures[there])
        self._atoms = self._summed()

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
        rows = [row for row in rows if self._decided[row]]
        whole = proxies.WHOLE if attribute.endswith(proxies.MARK) else None
        counts: dict[str, npt.NDArray[Any]] = {
            atom: found / whole if whole else found
            for atom, sums in self._atoms.items()
            if (found := sums[rows]).any()
        }
        groups = [self._groups[row][1] for row in rows]
        if whole:
            return Table(groups, counts)
        binned = self._by_group(rows)
        return Table(groups, counts, Cut(binned), binned)

    @cached_property
    def _decided(self) -> list[int]:
        """Everybody's and each group's decisions."""
        decided = sum(self._atoms.get(atom, _NOBODY) for atom in DECISION)
        return np.broadcast_to(decided, len(self._groups)).tolist()  # type: ignore[no-any-return]

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

    def _by_group(self, rows: list[int]) -> Binned:
        """Each group's numbers; the score's by what the outcome was."""
        names, levels, named = self._layout.names, self._layout.levels, self._layout.named
        place = np.full(len(self._groups), -1)
        place[rows] = np.arange(len(rows))
        here = (named[self._measure] >= 0) & (place[self._group] >= 0)
        measure = self._measure[here]
        part = named[measure] * len(rows) + place[self._group[here]]
        sums = np.zeros(len(names) * len(rows) * len(levels), np.int64)
        np.add.at(sums, part * len(levels) + self._layout.level[measure], self._counts[here])
        whole = sums.reshape(len(names), len(rows), len(levels))
        return Binned(levels, dict(zip(names, whole, strict=True)), len(rows))

    def histograms(self) -> dict[str, Histogram]:
        """Everybody's scores, numbers and categories, by the stream's name."""
        everybody = self._groups.index(ALL) if ALL in self._groups else -1
        meanings = self._layout.meant
        counts = np.zeros(len(meanings), np.int64)
        ours = self._group == everybody
        np.add.at(counts, self._measure[ours], self._counts[ours])
        streams: dict[str, dict[Any, int]] = {}
        total = 0
        for meant, count in zip(meanings, counts.tolist(), strict=True):
            total += count if meant.core else 0
            if meant.stream:
                stream = streams.setdefault(meant.stream[0], {})
                stream[meant.stream[1]] = stream.get(meant.stream[1], 0) + count
        return {name: _histogram(found, total) for name, found in streams.items()}

    def _summed(self) -> dict[str, I64]:
        """Each atom's sum over the measures that add to it, by group."""
        layout, size = self._layout, len(self._groups)
        row = np.full(len(layout.meant), -1)
        row[layout.used] = np.arange(len(layout.used))
        ours = row[self._measure] >= 0
        counts = np.zeros(len(layout.used) * size, np.int64)
        np.add.at(counts, row[self._measure[ours]] * size + self._group[ours], self._counts[ours])
        sums = np.zeros((len(layout.atoms), size), np.int64)
        added = counts.reshape(len(layout.used), size)[layout.place] * layout.weights[:, None]
        np.add.at(sums, layout.numbers, added)
        return dict(zip(layout.atoms, sums, strict=True))


def without_outcomes(window: Window) -> Window:
    """The window as if no outcome had come: for decisions whose outcomes are not mature."""
    keys = window.measures.copy()
    labelled = np.isin(measures.family(keys), (measures.CORE, measures.SCORE))
    keys[labelled] &= ~np.uint64(0xFFFF << 24)  # field 1 is the outcome
    kept = (measures.family(keys) != measures.LAG)[window.pairs[:, 1]]
    return Window(window.groups, keys, window.pairs[kept], window.counts[kept])


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
