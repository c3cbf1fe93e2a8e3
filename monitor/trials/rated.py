"""The tests of rates, of a family's pairs of groups: since the start, and for changes."""

import numpy as np

from monitor.sequential.calendar import p_value
from monitor.sequential.changes import Changes
from monitor.sequential.detector import Alarm
from monitor.sequential.eprocess import Cells
from monitor.sequential.nulls import Null
from monitor.trials.slices import Ints


class Rated:
    """`cells` since the start, `changes` for changes; they have no pairs yet."""

    def __init__(self, null: Null, threshold: float) -> None:
        self._null = null
        self.cells = Cells(0, null.kind, null.limit)
        self.changes = Changes(0, null.kind, null.limit, threshold)

    def feed(self, sums: Ints, time: int) -> list[Alarm]:
        """Consumes a slice's events and positives of groups a and b, (4, pairs); returns changes found."""
        n_a, k_a, n_b, k_b = sums
        self.cells.update(n_a, k_a, n_b, k_b)
        return self.changes.update(n_a, k_a, n_b, k_b, time)

    def of_month(self, n_a: int, k_a: int, n_b: int, k_b: int) -> float:
        """The p-value of the exact test of a month's counts."""
        complies = self._null.complies(np.asarray(k_a / n_a), np.asarray(k_b / n_b))
        return 1.0 if complies else p_value(n_a, k_a, n_b, k_b, self._null)

    def restore(self, cells: bytes, changes: bytes) -> None:
        """Takes up where records left off. The threshold of changes is today's, whatever it was then."""
        self.cells, self.changes.state = Cells.from_bytes(cells), Changes.from_bytes(changes).state

    @property
    def outside(self) -> Ints:
        """How many values of each pair lay outside their bounds, (pairs,): events have none."""
        return np.zeros(len(self.cells), np.int64)
