"""Counts per group: all that fairness metrics are computed from.

A table belongs to one model, one window and one attribute. It holds *atoms*: additive counts, so that
the table of a window is the sum of the tables of its panes.

| atom | counts |
|---|---|
| `tp` `fp` `fn` `tn` | decisions with an outcome: was the decision positive, was the outcome |
| `up` `un` | positive and negative decisions without an outcome |
| `final_tp` … `final_un` | the same of the final, human decision, where one came |
| `overridden_up` `overridden_down` `upheld` | what the human did with the model's decision |
| `flags.<name>=true` `flags.<name>=false` | events that carry the flag |
| `reasons.<code>` | decisions that give the reason |
| `decision.<class>` | decisions for that class, where there are more than two |
| `<x>.n` `<x>.sum` | a number: `score`, `value`, `values.<name>`; the sum in millionths |

Beside the atoms it holds a histogram for each number and group: `value`, `values.<name>`, and the score by
outcome as `score.none`, `score.neg` and `score.pos`; and `outcome_lag`, the days that outcomes took.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.panes.histogram import Histogram

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

UNKNOWN = "unknown"
DECISION = ("tp", "fp", "fn", "tn", "up", "un")
LAG = "outcome_lag"  # in days
SCORES = ("score.none", "score.neg", "score.pos")
MEAN = ".mean"  # ends the name of a number's mean
MICRO = 1_000_000  # sums of numbers are whole millionths, so that adding them is exact


@dataclass(frozen=True, eq=False)
class Binned:
    """Counts of each number, of shape (groups, bins), of so many `groups`; `keys` are the bins, in order."""

    keys: Ints
    counts: Mapping[str, Ints]
    groups: int


class Cut(Mapping[str, list[Histogram]]):
    """The histograms of matrices; a number's are made when they are asked for, as few metrics need them."""

    def __init__(self, binned: Binned) -> None:
        self._binned = binned

    def __getitem__(self, number: str) -> list[Histogram]:
        counts = self._binned.counts[number]
        group, level = np.nonzero(counts)
        ends = np.searchsorted(group, np.arange(len(counts) + 1)).tolist()
        keys, found = self._binned.keys[level].astype(np.uint16), counts[group, level]
        return [Histogram(keys[low:high], found[low:high]) for low, high in pairwise(ends)]

    def __contains__(self, number: object) -> bool:
        return number in self._binned.counts

    def __iter__(self) -> Iterator[str]:
        return iter(self._binned.counts)

    def __len__(self) -> int:
        return len(self._binned.counts)


@dataclass(frozen=True, eq=False)
class Table:
    """Atoms by group: each array of `counts`, each list of `histograms` has one entry for each of `groups`.

    >>> table = Table(["f", "m"], {"tp": np.array([3, 4]), "up": np.array([1, 0])})
    >>> table.sum(["tp", "up"]).tolist(), table.sum(["fp"]).tolist()
    ([4, 4], [0, 0])
    """

    groups: Sequence[str]
    counts: Mapping[str, NDArray[Any]]
    histograms: Mapping[str, Sequence[Histogram]] = field(default_factory=dict)
    binned: Binned | None = None  # the same as the histograms, where they were made of matrices

    def get(self, atom: str) -> Ints:
        """One atom's counts; an atom that never came counts 0."""
        found = self.counts.get(atom)
        return np.zeros(len(self.groups), np.int64) if found is None else found

    def sum(self, atoms: Iterable[str]) -> Ints:
        """The sum of some atoms, shape (groups,); an atom named twice counts twice."""
        total = np.zeros(len(self.groups), np.int64)
        for atom in atoms:
            if atom in self.counts:
                total = total + self.counts[atom]
        return total

    @property
    def decisions(self) -> Ints:
        """All decisions of each group."""
        return self.sum(DECISION)

    def histogram(self, name: str) -> Sequence[Histogram]:
        """A number's histogram in each group as it is kept; one that never came is empty."""
        found = self.histograms.get(name)
        return [Histogram() for _ in self.groups] if found is None else found

    def spread(self, number: str) -> list[Histogram]:
        """A number's histogram in each group; `score` is the score whatever the outcome."""
        parts = SCORES if number == "score" else (number,)
        found = [self.histograms[part] for part in parts if part in self.histograms]
        return [merged(histograms) for histograms in zip(*found, strict=True)] or [
            Histogram() for _ in self.groups
        ]


NOTHING = Table([], {})  # no groups


def stacked(tables: Sequence[Table]) -> Table:
    """Several tables as one, the groups of the first before those of the next: what is computed of each group
    is computed for all at once.

    >>> both = stacked([Table(["f"], {"tp": np.array([3])}), Table(["f"], {"fn": np.array([1])})])
    >>> both.groups, both.get("tp").tolist(), both.get("fn").tolist()
    (['f', 'f'], [3, 0], [0, 1])
    """
    if len(tables) == 1:
        return tables[0]
    groups = [group for table in tables for group in table.groups]
    atoms = dict.fromkeys(atom for table in tables for atom in table.counts)
    counts = {atom: np.concatenate([table.get(atom) for table in tables]) for atom in atoms}
    binned = [table.binned for table in tables if table.binned is not None]
    if binned and len(binned) == len(tables):
        whole = _joined(binned)
        return Table(groups, counts, Cut(whole), whole)
    names = dict.fromkeys(name for table in tables for name in table.histograms)
    spread = {name: [one for table in tables for one in table.histogram(name)] for name in names}
    return Table(groups, counts, spread)


def _joined(parts: Sequence[Binned]) -> Binned:
    """The counts of several tables over the bins that any of them has."""
    keys = np.unique(np.concatenate([part.keys for part in parts]))
    names = dict.fromkeys(name for part in parts for name in part.counts)
    starts = np.cumsum([0, *(part.groups for part in parts)])
    counts = {name: np.zeros((starts[-1], len(keys)), np.int64) for name in names}
    for part, start in zip(parts, starts.tolist(), strict=False):
        columns = np.searchsorted(keys, part.keys)
        for name, found in part.counts.items():
            counts[name][start : start + len(found), columns] = found
    return Binned(keys, counts, int(starts[-1]))


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """All of them together."""
    whole = Histogram()
    for histogram in histograms:
        whole = whole.merge(histogram)
    return whole
