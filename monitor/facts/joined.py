"""Decisions of one model with what feedback has said of them since, and the panes they make."""

import numpy as np
import numpy.typing as npt

from monitor.arrays.codes import Codes, Vocabularies
from monitor.arrays.columns import Columns
from monitor.arrays.index import Index
from monitor.config import Model, slice_ms
from monitor.config.durations import milliseconds
from monitor.events import Decision
from monitor.events.batches import Batch
from monitor.facts.blocks import OWN, TYPES, Array
from monitor.facts.counting import Counting
from monitor.facts.lookout import Lookout
from monitor.facts.spelling import Spelling
from monitor.panes import Panes, slot

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


_PLACE = "place"  # in the index of ids


class Joined:
    """The table of one model's decisions in one partition.

    Its columns are those of a block of decisions, written over by feedback of the same name, and outcome,
    outcome_time (ms), final and values; repeat is 1 where tests do not count a decision. The ids are in an
    index that all models share, of which the table has the rows alone.
    """

    def __init__(self, model: Model, codes: Codes, ids: Index) -> None:
        self.panes = Panes(codes, slice_ms(model))
        self.sealed = 0  # event time in ms: what is from before is too late
        self.said = 0  # facts of feedback about its decisions
        self._model = model
        self.lookout = Lookout(model)
        self._vocabularies = Vocabularies(codes, self.lookout.checks)
        self._ids = ids
        self._table = Columns({_PLACE: np.uint32})
        self.spelling = Spelling(model, codes, self._vocabularies)
        self.counting = Counting(model, self.spelling, self._vocabularies, self._table, self.panes)
        own = ("time", "decision", "score", "value", "outcome", "outcome_time", "final", "repeat")
        named = (f"attributes.{part}" for part in self.spelling.parts)  # older blocks may lack some
        for column in (*own, *named, *(f"slices.{name}" for name in model.slices)):
            self._declare(column)

    def __len__(self) -> int:
        return len(self._table)

    @property
    def nbytes(self) -> int:
        return self._table.nbytes

    @property
    def refused(self) -> dict[str, int]:
        """Values that count as `__other__` because their field has too many, by field."""
        return self._vocabularies.refused

    def columns(self, batch: Batch[Decision], ids: U64, now: int) -> dict[str, Array]:
        """The events as the columns of a block.

        `now` is the event time (ms) that has been reached; what should not be in events is noted with it.
        """
        columns = self.spelling.columns(batch, ids)
        self.lookout.decisions(batch, self._vocabularies.personal(), now)
        return columns

    def all(self, name: str) -> Array:
        return self._ids.keys[self._table[_PLACE]] if name == "id" else self._table[name]

    def column(self, name: str, rows: I64) -> Array:
        return self._ids.keys[self._table[_PLACE][rows]] if name == "id" else self._table[name][rows]

    def _declare(self, column: str) -> None:
        self._table.types.setdefault(column, TYPES[column.partition(".")[0]])

    @property
    def wait(self) -> int:
        """How long feedback may come after a decision, in ms."""
        return milliseconds(self._model.feedback_within)

    def end(self, clock: int) -> int:
        """Before which time (ms) no feedback may come any more, down to a whole slice."""
        width = self.panes.width
        return max(self.sealed, (clock - self.wait) // width * width)

    def overdue(self, decided: I64, said: I64) -> npt.NDArray[np.bool_]:
        """Which of what was `said` may come after the time of its decision (both in ms) was sealed."""
        width = self.panes.width
        return decided < (said - self.wait) // width * width

    def dead(self, end: int) -> npt.NDArray[np.bool_]:
        """Which decisions are, with their outcomes, from before `end` (ms)."""
        return (self._table["time"] < end) & (self._table["outcome_time"] < end)

    def rows(self, rows: I64) -> dict[str, Array]:
        """Decisions as the columns of a block; feedback of the same name has written over them."""
        names = [name for name in self._table.types if name in self._table and name.partition(".")[0] in OWN]
        wanted = dict.fromkeys(["id", "time", "decision", *names])
        return {name: self.column(name, rows) for name in wanted}

    def append(self, columns: dict[str, Array], places: I64) -> I64:
        """Adds decisions, not yet counted, whose ids are at some places of the index; returns their rows."""
        start = len(self._table)
        self._table.extend(len(places))
        self._table.write(_PLACE, slice(start, len(self._table)), places)
        for name, values in columns.items():
            if name != "id":
                self.write(name, slice(start, len(self._table)), values)
        return np.arange(start, len(self._table))

    def write(self, column: str, rows: I64 | slice, values: Array) -> None:
        self._declare(column)
        self._table.write(column, rows, values)

    def takes(self, kind: str) -> bool:
        """Whether feedback of this kind is kept: an attribute only if it is declared."""
        stem, _, name = kind.partition(".")
        return stem != "attributes" or name in self.spelling.parts

    def slots(self, axis: int, times: I64) -> U64:
        return slot(axis, times, self.panes.width)
