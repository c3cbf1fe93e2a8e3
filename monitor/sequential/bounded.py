"""Gaps in means of bounded numbers: scores, prices, ratings. Betting on sums, exactly.

The same supermartingales as in :mod:`~monitor.sequential.confidence`, at the limit: averaged over the bets
and both directions they are an e-process against \\|mean_a - mean_b\\| <= limit, whatever the
distribution, if all values lie between ``low`` and ``high``. Betting on block *means* by online
Newton step (Chugg et al. 2023) needs 8 to 15 times as many events at blocks of a hundred, because a
mean's stake is held by the range of a single value; ``benchmarks/stats.py`` prints both.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.sequential import confidence
from monitor.sequential.blocks import close_due
from monitor.sequential.logs import exp
from monitor.sequential.projections import Array
from monitor.sequential.state import Cellwise, State

Sums = tuple[ArrayLike, ArrayLike, ArrayLike]


class Means(Cellwise):
    """E-processes for ``n`` gaps between two groups' means of values from ``low`` to ``high``.

    ``limit`` is the largest compliant gap, in the values' unit. Raises ValueError where not
    low < high, 0 <= limit < high - low.

    >>> means = Means(1, limit=5.0, low=0.0, high=100.0)
    >>> for _ in range(20):   # groups with means of 50 and 30 and a standard deviation of 20
    ...     means.update((50, 50 * 50, 50 * (50**2 + 20**2)), (50, 50 * 30, 50 * (30**2 + 20**2)))
    >>> bool(means.e[0] > 1 / 0.05)
    True
    >>> low, high = means.interval(alpha=0.05)
    >>> bool(low[0] < 20 < high[0])
    True
    """

    def __init__(self, n: int, limit: float, low: float, high: float) -> None:
        if not -np.inf < low < high < np.inf:
            raise ValueError(f"low = {low!r}, high = {high!r}: two finite numbers with low < high are needed")
        if not 0 <= limit < high - low:
            raise ValueError(f"limit = {limit!r}: allowed is 0 <= limit < high - low = {high - low!r}")
        self.limit, self.low, self.range = limit, low, high - low
        super().__init__(n, limit=limit, low=low, high=high)

    def fresh(self, n: int) -> State:
        return {
            "log_peak": np.zeros(n),
            "past": np.zeros((6, n)),
            "open": np.zeros((6, n)),
            "sums": np.zeros((confidence.SUMS, n)),
        }

    def update(self, a: Sums, b: Sums) -> None:
        """Consume one finished slice: of groups a and b how many values, their sum, and the sum of their
        squares, for every cell (shape (cells,) or scalars). For merged shards to agree to the last
        bit values must add exactly: round them to a fixed fraction, such as 1/1024, first.

        Raises ValueError for sums that values from ``low`` to ``high`` cannot have.
        """
        slice_ = np.stack([np.broadcast_to(np.asarray(x, dtype=float), len(self)) for x in (*a, *b)])
        self._check(slice_)
        for cells, block in close_due(self.state["open"], slice_):
            self._close(cells, block)

    def _check(self, slice_: Array) -> None:
        n, total, squares = self._scaled(slice_)
        slack = 1e-9 * (1 + n)
        wrong = (total < -slack) | (squares > total + slack) | (n * squares < total**2 - n * slack)
        if wrong.any():
            group, cell = np.argwhere(wrong)[0]
            given = ", ".join(f"{x:g}" for x in slice_[3 * group : 3 * group + 3, cell])
            allowed = f"that of values from {self.low:g} to {self.low + self.range:g}"
            raise ValueError(
                f"(n, sum, squares) of group {'ab'[group]} in cell {cell} = ({given}): allowed is {allowed}"
            )

    def _scaled(self, sums: Array) -> tuple[Array, Array, Array]:
        """How many values, their sum, their squares' sum, each (2, cells), on the scale of 0 to 1."""
        n, total, squares = sums[0::3], sums[1::3], sums[2::3]
        shifted = squares - self.low * (2 * total - self.low * n)
        return n, (total - self.low * n) / self.range, shifted / self.range**2

    def _close(self, cells: NDArray[np.intp], block: Array) -> None:
        past = self.state["past"][:, cells]
        n, total, _ = self._scaled(past)
        guess = (total + 0.5) / (n + 1)
        self.state["sums"][:, cells] += confidence.mean_increments(*self._scaled(block), guess)
        self.state["past"][:, cells] = past + block
        log_e = self._log_e(self.state["sums"][:, cells])
        self.state["log_peak"][cells] = np.maximum(self.state["log_peak"][cells], log_e)

    def _log_e(self, sums: Array) -> Array:
        weight, a, b, var_a, var_b = sums
        allowed = weight * self.limit / self.range
        sides = [confidence.log_evidence(sign * (a - b) - allowed, var_a + var_b) for sign in (1, -1)]
        return np.asarray(np.logaddexp(*sides) - np.log(2))

    @property
    def log_e(self) -> Array:
        """log E now, (cells,): the evidence that the gap exceeds the limit."""
        return self._log_e(self.state["sums"])

    @property
    def e(self) -> Array:
        """E now, (cells,)."""
        return exp(self.log_e)

    @property
    def peak(self) -> Array:
        """The largest E ever, (cells,): 1/peak is a p-value that is valid at all times."""
        return exp(self.state["log_peak"])

    def interval(self, alpha: float) -> tuple[Array, Array]:
        """(low, high) of the gap of means a - b in the values' unit, each (cells,), right at all times."""
        low, high = confidence.difference_bounds(self.state["sums"], alpha)
        return low * self.range, high * self.range

    def within(self, alpha: float) -> NDArray[np.bool_]:
        """Where the interval proves that the limit is kept, (cells,)."""
        low, high = self.interval(alpha)
        return (low >= -self.limit) & (high <= self.limit)
