"""The tests of means, of a family's pairs of groups: since the start, and for changes."""

from monitor.sequential.bounded import ROWS, Gap, Means
from monitor.sequential.detector import Alarm
from monitor.sequential.nulls import Null
from monitor.sequential.shifts import Shifts
from monitor.sequential.steps import Sums
from monitor.trials.rated import Rated
from monitor.trials.slices import Ints


class Averaged:
    """As :class:`~monitor.trials.rated.Rated`, but what is fed are the sums of bounded numbers."""

    def __init__(self, gap: Gap, threshold: float) -> None:
        self.cells = Means(0, gap.kind, gap.limit, gap.low, gap.high)
        self.changes = Shifts(0, gap.kind, gap.limit, low=gap.low, high=gap.high, threshold=threshold)

    def feed(self, sums: Ints, time: int) -> list[Alarm]:
        """Consumes a slice's sums of groups a and b, (8, pairs); returns the changes found."""
        a, b = Sums(*sums[:ROWS]), Sums(*sums[ROWS:])
        self.cells.update(a, b)
        return self.changes.update(a, b, time)

    def of_month(self, n_a: int, total_a: int, n_b: int, total_b: int) -> float:  # noqa: ARG002
        """There is no exact test of means: a month proves nothing."""
        return 1.0

    def restore(self, cells: bytes, changes: bytes) -> None:
        """Takes up where records left off. The threshold of changes is today's, whatever it was then."""
        self.cells, self.changes.state = Means.from_bytes(cells), Shifts.from_bytes(changes).state

    @property
    def outside(self) -> Ints:
        """How many values of each pair lay outside their bounds, (pairs,), and counted as the nearest."""
        return self.cells.outside


def tests(null: Null | Gap, threshold: float) -> Rated | Averaged:
    """The tests against a limit; of changes at a threshold."""
    return Rated(null, threshold) if isinstance(null, Null) else Averaged(null, threshold)
