"""Did the gap of two means become unfair? The e-detector over bets on bounded numbers.

With each stake l of a grid, block by block, exp(l surplus - psi(l) variation) is an e-value of
:mod:`~monitor.sequential.bounded`: the surplus is the block's weighted gap beyond the limit in one direction,
the variation is around a guess of the means that is made of past blocks alone. The stakes are given in
advance, so that the process that begins with any block is a supermartingale while the model complies.
"""

import numpy as np

from monitor.sequential.blocks import Counts
from monitor.sequential.bounded import ROWS, SIGNS, Gap, checked, increments
from monitor.sequential.detector import Alarm, Detector
from monitor.sequential.projections import Array
from monitor.sequential.steps import Sums

# Who stakes less waits for more than 50,000 events, and does not watch for changes.
STAKES = np.geomspace(0.03, 0.9, 7)[:, None, None]
COSTS = -np.log1p(-STAKES) - STAKES


class Shifts(Detector):
    """Change detectors of ``n`` gaps of means with the same limit: see
    :class:`~monitor.sequential.bounded.Gap`, and for ``threshold`` and times
    :class:`~monitor.sequential.changes.Changes`.

    >>> from monitor.sequential.steps import sums
    >>> shifts = Shifts(1, kind="difference", limit=0.05, low=0, high=1, threshold=1000)
    >>> for day in range(100):
    ...     theirs = sums([0.3, 0.7] * 25 if day < 60 else [0.1, 0.4] * 25, 0, 1)
    ...     alarms = shifts.update(sums([0.3, 0.7] * 25, 0, 1), theirs, time=day)
    ...     if alarms:
    ...         print(f"alarm on day {day}: changed about day {alarms[0].onset:.0f}")
    ...         break
    alarm on day 63: changed about day 59
    """

    rows, kept = 2 * ROWS, np.int64

    def __init__(self, n: int, kind: str, limit: float, *, low: float, high: float, threshold: float) -> None:
        self.null = Gap(kind, limit, low, high)
        shape = (len(STAKES), len(SIGNS[kind]))
        super().__init__(n, shape, threshold, kind=kind, limit=limit, low=low, high=high)

    def gains(self, block: Counts, past: Array) -> Array:
        sums = increments(block, past)
        return np.asarray(STAKES * self.null.surplus(sums) - COSTS * (sums[3] + sums[4]))

    def update(self, a: Sums, b: Sums, time: float) -> list[Alarm]:
        """Consume the sums of one finished slice that began at ``time`` (see
        :meth:`monitor.sequential.bounded.Means.update`); returns the alarms, whose cells begin anew.
        """
        return self.consume(checked(a, b, len(self)), time)
