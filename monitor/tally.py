"""From the counts of a window to what metrics read: a table of atoms by group, and histograms."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor import bins, histogram, measures
from monitor.codes import MISSING
from monitor.config import Model
from monitor.events import scalar
from monitor.histogram import Histogram
from monitor.panes import ALL, Window
from monitor.table import Table

I64 = npt.NDArray[np.int64]
Matrix = npt.NDArray[Any]
Term = tuple[int, str, int]  # a measure's place, the atom that it adds to, and with which weight
_LABELLED = {(True, True): "tp", (True, False): "fp", (False, True): "fn", (False, False): "tn"}
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
        used, self._measure = np.unique(window.pairs[:, 1], return_inverse=True)
        keys = window.measures[used]
        self._families = measures.family(keys).tolist()
        self._fields = np.stack([measures.field(keys, place) for place in range(3)], axis=1).tolist()
        self._atoms = self._summed(list(self._terms()), np.int64)
        self._atoms |= self._squares()

    def table(self, attribute: str) -> Table:
        """The atoms of an attribute's groups, the groups in alphabetical order."""
        rows = [row for row, (name, _) in enumerate(self._groups) if name == attribute]
        rows.sort(key=lambda row: self._groups[row][1])
        counts = {atom: sums[rows] for atom, sums in self._atoms.items() if sums[rows].any()}
        table = Table([self._groups[row][1] for row in rows], counts)
        here = table.decisions > 0
        return Table(
            [g for g, some in zip(table.groups, here, strict=True) if some],
            {atom: sums[here] for atom, sums in counts.items()},
        )

    def histograms(self) -> dict[str, Histogram]:
        """Everybody's scores, numbers and categories, by the stream's name."""
        everybody = self._groups.index(ALL) if ALL in self._groups else -1
        counts = np.zeros(len(self._families), np.int64)
        ours = self._group == everybody
        np.add.at(counts, self._measure[ours], self._counts[ours])
        streams: dict[str, dict[Any, int]] = {}
        for family, fields, count in zip(self._families, self._fields, counts.tolist(), strict=True):
            if named := self._stream(family, fields):
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

    def _terms(self) -> Iterator[Term]:
        for place, (family, fields) in enumerate(zip(self._families, self._fields, strict=True)):
            if family == measures.CORE:
                yield from ((place, atom, 1) for atom in self._core(*fields))
            elif family == measures.FLAG:
                yield place, f"{self._texts[fields[0]]}={'true' if fields[1] == 2 else 'false'}", 1
            elif family == measures.SUM:
                yield place, f"{self._texts[fields[0]]}.sum", 1 << 32 * fields[1]
            elif name := self._number(family, fields):
                yield place, f"{name}.n", 1

    def _core(self, decision: int, outcome: int, final: int) -> Iterator[str]:
        positive = self._texts[decision] in self._positive
        yield self._atom(positive, outcome)
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

    def _squares(self) -> dict[str, Matrix]:
        """The sums of squares, from the middles of the bins: for intervals only."""
        middles, terms = np.zeros(len(self._families)), []
        for place, (family, fields) in enumerate(zip(self._families, self._fields, strict=True)):
            if name := self._number(family, fields):
                code = fields[0] if family == measures.SCORE else fields[1]
                middles[place] = bins.middle(np.array([code], np.uint16))[0]
                terms.append((place, f"{name}.sumsq", 1))
        return self._summed(terms, np.float64, middles**2)

    def _summed(self, terms: list[Term], dtype: Any, by: Matrix | None = None) -> dict[str, Matrix]:
        """Each atom's sum over the measures that add to it, by group."""
        atoms = {atom: np.zeros(len(self._groups), dtype) for _, atom, _ in terms}
        order = np.argsort(self._measure, kind="stable")
        bounds = np.searchsorted(self._measure[order], np.arange(len(self._families) + 1))
        for place, atom, weight in terms:
            cells = order[bounds[place] : bounds[place + 1]]
            factor = weight if by is None else by[place]
            atoms[atom][self._group[cells]] += (self._counts[cells] * factor).astype(dtype)
        return atoms


def _histogram(counts: dict[Any, int], total: int) -> Histogram:
    found = histogram.from_counts(counts)
    return Histogram(found.keys, found.counts, missing=max(0, total - found.total))
