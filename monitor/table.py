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
| `<x>.n` `<x>.sum` `<x>.sumsq` | a number: `score`, `value`, `values.<name>`; the sum in millionths |

Beside the atoms it holds a histogram for each number and group: `value`, `values.<name>`, and the score by
outcome as `score.none`, `score.neg` and `score.pos`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.histogram import Histogram

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

UNKNOWN = "unknown"
DECISION = ("tp", "fp", "fn", "tn", "up", "un")
SCORES = ("score.none", "score.neg", "score.pos")
MICRO = 1_000_000  # sums of numbers are whole millionths, so that adding them is exact


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

    def spread(self, number: str) -> list[Histogram]:
        """A number's histogram in each group; `score` is the score whatever the outcome."""
        parts = SCORES if number == "score" else (number,)
        found = [self.histograms[part] for part in parts if part in self.histograms]
        return [merged(histograms) for histograms in zip(*found, strict=True)] or [
            Histogram() for _ in self.groups
        ]


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """All of them together."""
    whole = Histogram()
    for histogram in histograms:
        whole = whole.merge(histogram)
    return whole
