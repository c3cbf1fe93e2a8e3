"""What each measure adds to: atoms, a histogram by group, a stream; found once for all windows of a model."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.arrays.codes import MISSING
from monitor.config import Model
from monitor.events import scalar
from monitor.panes import measures
from monitor.panes.forecasts import ABSOLUTE, SQUARED
from monitor.panes.table import LAG

_LABELLED = {(True, True): "tp", (True, False): "fp", (False, True): "fn", (False, False): "tn"}
_OVERRIDE = {True: "overridden_up", False: "overridden_down"}


KEPT = 16  # layouts
NUMBERS = ("value", ABSOLUTE, SQUARED)  # beside the score and values of feedback


class Meaning(NamedTuple):
    """One measure: the atoms that it adds to, with which weight; the histogram by group that it is a bin of;
    the stream that it is of, with its bin or category."""

    terms: tuple[tuple[str, int], ...]
    histogram: str | None
    stream: tuple[str, int | str] | None
    core: bool


class Layout:
    """What a set of measures adds to, as arrays: `level` and `named` have an entry for each measure.

    `levels` are the bins, `level` each measure's. `names` are the numbers that have histograms by group,
    `named` each measure's, -1 where it has none. Measure `used[place[i]]` adds `weights[i]` times its counts
    to `atoms[numbers[i]]`.
    """

    def __init__(self, keys: npt.NDArray[np.uint64], meant: Sequence[Meaning]) -> None:
        self.meant = meant
        first = np.isin(measures.family(keys), (measures.SCORE, measures.LAG))
        bins = np.where(first, measures.field(keys, 0), measures.field(keys, 1))
        self.levels, self.level = np.unique(bins, return_inverse=True)
        self.names = sorted({meaning.histogram for meaning in meant if meaning.histogram})
        number: dict[str | None, int] = {name: place for place, name in enumerate(self.names)}
        self.named = np.array([number.get(meaning.histogram, -1) for meaning in meant], np.int64)
        terms = [(place, *term) for place, meaning in enumerate(meant) for term in meaning.terms]
        self.atoms = list(dict.fromkeys(atom for _, atom, _ in terms))
        atoms = {atom: number for number, atom in enumerate(self.atoms)}
        columns = [(place, atoms[atom], weight) for place, atom, weight in terms]
        places, self.numbers, self.weights = np.array(columns, np.int64).reshape(-1, 3).T
        self.used, self.place = np.unique(places, return_inverse=True)


class Meanings:
    """The meanings of one model's measures. `texts` are those of the codes; it may grow."""

    def __init__(self, texts: Sequence[str | None], model: Model) -> None:
        self._texts = texts
        self._positive = {scalar(value) for value in model.positive}
        self._positive_outcome = {scalar(value) for value in model.positive_outcome}
        self._known: dict[int, Meaning] = {}
        self._layouts: dict[bytes, Layout] = {}

    def layout(self, keys: npt.NDArray[np.uint64]) -> Layout:
        """The layout of some keys; the newest are kept, as reading after reading has the same measures."""
        packed = keys.tobytes()
        if packed not in self._layouts:
            if len(self._layouts) >= KEPT:
                self._layouts.pop(next(iter(self._layouts)))
            self._layouts[packed] = Layout(keys, self.of(keys))
        return self._layouts[packed]

    def of(self, keys: npt.NDArray[np.uint64]) -> list[Meaning]:
        """The meaning of each key."""
        packed, known = keys.tolist(), self._known
        fresh = [place for place, key in enumerate(packed) if key not in known]
        if fresh:
            some = keys[fresh]
            fields = zip(*(measures.field(some, place).tolist() for place in range(3)), strict=True)
            for place, family, three in zip(fresh, measures.family(some).tolist(), fields, strict=True):
                known[packed[place]] = self._meaning(family, list(three))
        return [known[key] for key in packed]

    def _meaning(self, family: int, fields: list[int]) -> Meaning:
        return Meaning(
            terms=tuple(self._terms(family, fields)),
            histogram=self._histogram(family, fields),
            stream=self._stream(family, fields),
            core=family == measures.CORE,
        )

    def _stream(self, family: int, fields: list[int]) -> tuple[str, int | str] | None:
        if family == measures.SCORE:
            return "score", fields[0]
        if family == measures.NUMBER:
            return self._texts[fields[0]] or "", fields[1]
        if family == measures.CATEGORY:
            name = self._texts[fields[0]] or ""
            return name.replace("categories.", "features.", 1), self._texts[fields[1]] or ""
        return None

    def _histogram(self, family: int, fields: list[int]) -> str | None:
        """Where a measure of numbers is kept by group; the score's bins by outcome."""
        if family == measures.SCORE:
            if fields[1] == MISSING:
                return "score.none"
            return "score.pos" if self._texts[fields[1]] in self._positive_outcome else "score.neg"
        return LAG if family == measures.LAG else self._number(family, fields)

    def _terms(self, family: int, fields: list[int]) -> Iterator[tuple[str, int]]:
        if family == measures.CORE:
            yield from ((atom, 1) for atom in self._core(*fields))
        elif family == measures.FLAG:
            yield f"{self._texts[fields[0]]}={'true' if fields[1] == 2 else 'false'}", 1
        elif family == measures.SUM:
            yield f"{self._texts[fields[0]]}.sum", 1 << 32 * fields[1]
        elif family == measures.REASON:
            yield f"reasons.{self._texts[fields[0]]}", 1
        elif name := self._number(family, fields):
            yield f"{name}.n", 1

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
        return name if name in NUMBERS or name.startswith("values.") else None
