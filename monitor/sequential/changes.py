"""Did the gap of two rates become unfair? The e-detector over the bets of the e-process since the start."""

from numpy.typing import ArrayLike

from monitor.sequential.blocks import OPEN, Counts, counts
from monitor.sequential.detector import Alarm, Detector
from monitor.sequential.nulls import Null
from monitor.sequential.projections import Array


class Changes(Detector):
    """Change detectors of ``n`` hypotheses with the same limit: see :class:`~monitor.sequential.nulls.Null`.

    ``threshold`` is A: the expected number of blocks between two false alarms is at least that. Times are
    numbers of any one unit; onsets are kept to 7 digits of them (seconds since 1970: to 2 minutes).

    >>> changes = Changes(1, kind="difference", limit=0.05, threshold=1000)
    >>> for day in range(100):
    ...     alarms = changes.update(50, 20, 50, 20 if day < 60 else 10, time=day)
    ...     if alarms:
    ...         print(f"alarm on day {day}: changed about day {alarms[0].onset:.0f}")
    ...         break
    alarm on day 66: changed about day 59
    """

    rows, kept = 4, OPEN

    def __init__(
        self, n: int, kind: str = "difference", limit: float = 0.05, threshold: float = 1000
    ) -> None:
        self.null = Null(kind, limit)
        super().__init__(n, self.null.shape, threshold, kind=kind, limit=limit)

    def gains(self, block: Counts, past: Array) -> Array:
        return self.null.log_e(block, self.null.alternatives(past))

    def update(
        self, n_a: ArrayLike, k_a: ArrayLike, n_b: ArrayLike, k_b: ArrayLike, time: float
    ) -> list[Alarm]:
        """Consume the counts of one finished slice that began at ``time`` (see
        :meth:`monitor.sequential.eprocess.Cells.update`); returns the alarms, whose cells begin anew.
        """
        return self.consume(counts(n_a, k_a, n_b, k_b, len(self)), time)
