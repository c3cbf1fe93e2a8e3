"""Gaps in means of bounded numbers: scores, prices, ratings. Betting on sums, exactly.

The same supermartingales as in :mod:`~monitor.sequential.confidence`, at the limit: averaged over the bets
and both directions they are an e-process against \\|mean_a - mean_b\\| <= limit, whatever the
distribution, if all values lie between ``low`` and ``high``. Betting on block *means* by online
Newton step (Chugg et al. 2023) needs 8 to 15 times as many events at blocks of a hundred, because a
mean's stake is held by the range of a single value; ``benchmarks/stats.py`` prints both.

Values are rounded to whole steps of their range (:mod:`~monitor.sequential.steps`), and what lies outside
counts as the nearest bound: the claims are about the means of these.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.sequential import confidence
from monitor.sequential.blocks import close_due
from monitor.sequential.logs import exp
from monitor.sequential.projections import Array
from monitor.sequential.state import Cellwise, State
from monitor.sequential.steps import STEPS, Ints, Sums

ROWS = len(Sums._fields)  # of each group
SIGNS = {"difference": (1, -1), "excess": (1,)}  # the directions in which a gap may be too large


@dataclass(frozen=True)
class Gap:
    """The compliant gaps of two means of values from ``low`` to ``high``: of kind ``difference``
    \\|mean_a - mean_b\\| <= limit, of kind ``excess`` mean_a - mean_b <= limit; in the values' unit.

    Raises ValueError for another kind, where not low < high, and for a limit that no gap reaches.
    """

    kind: str
    limit: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if self.kind not in SIGNS:
            raise ValueError(f"kind = {self.kind!r}: allowed are {', '.join(SIGNS)}")
        if not -np.inf < self.low < self.high < np.inf:
            raise ValueError(
                f"low = {self.low!r}, high = {self.high!r}: two finite numbers with low < high are needed"
            )
        least = "0 <=" if self.kind == "difference" else f"{-self.widest!r} <"
        above = self.limit >= 0 if self.kind == "difference" else self.limit > -self.widest
        if not above or self.limit >= self.widest:
            allowed = f"{least} limit < high - low = {self.widest!r}"
            raise ValueError(f"limit = {self.limit!r}: allowed is {allowed}")

    @property
    def widest(self) -> float:
        """The largest gap that there can be."""
        return self.high - self.low

    def contains(self, low: Array, high: Array) -> NDArray[np.bool_]:
        """Where all gaps from ``low`` to ``high`` comply."""
        return (high <= self.limit) & ((low >= -self.limit) | (self.kind == "excess"))

    def surplus(self, sums: Array) -> Array:
        """How far sums (5, cells) of :func:`~monitor.sequential.confidence.mean_increments` are beyond the
        limit in each direction: (sides, cells).
        """
        weight, a, b = sums[:3]
        sides = [sign * (a - b) for sign in SIGNS[self.kind]]
        return np.asarray(np.stack(sides) - weight * self.limit / self.widest)


def checked(a: Sums, b: Sums, cells: int) -> Ints:
    """The sums of one slice as an array (8, cells). Raises ValueError for what no values have."""
    rows = np.empty((2 * ROWS, cells), np.int64)
    for row, given in zip(rows, (*a, *b), strict=True):
        values = np.asarray(given)
        if values.dtype.kind not in "iu":
            raise ValueError(f"sums = {values.dtype} numbers: whole numbers are needed")
        row[:] = values
    n, total, squares, outside = (rows[i::ROWS] for i in range(ROWS))
    fine = (total >= 0) & (total <= n * STEPS) & (squares <= total * STEPS) & (outside >= 0) & (outside <= n)
    fine &= n * squares.astype(float) >= total.astype(float) ** 2 * (1 - 1e-9)  # that of the same value
    if not fine.all():
        group, cell = np.argwhere(~fine)[0]
        given = ", ".join(map(str, rows[ROWS * group : ROWS * (group + 1), cell].tolist()))
        raise ValueError(
            f"({', '.join(Sums._fields)}) of group {'ab'[group]} in cell {cell} = ({given}):"
            f" allowed is that of values from 0 to {STEPS} steps"
        )
    return rows


def increments(block: NDArray[np.generic], past: NDArray[np.generic]) -> Array:
    """What blocks of sums (8, cells) add to the five of the bets, after the ``past`` sums: (5, cells)."""
    before, total, _ = _scaled(past)
    return confidence.mean_increments(*_scaled(block), (total + 0.5) / (before + 1))


def _scaled(sums: NDArray[np.generic]) -> tuple[Array, Array, Array]:
    """How many values, their sum, their squares' sum, each (2, cells), on the scale of 0 to 1."""
    n, total, squares = (sums[i::ROWS].astype(float) for i in range(3))
    return n, total / STEPS, squares / STEPS**2


class Means(Cellwise):
    """E-processes for ``n`` gaps between two groups' means: see :class:`Gap`.

    >>> from monitor.sequential.steps import sums
    >>> means = Means(1, kind="difference", limit=5.0, low=0.0, high=100.0)
    >>> for _ in range(20):   # groups with means of 50 and 30 and a standard deviation of 20
    ...     means.update(sums([30, 70] * 25, 0, 100), sums([10, 50] * 25, 0, 100))
    >>> bool(means.e[0] > 1 / 0.05)
    True
    >>> low, high = means.interval(alpha=0.05)
    >>> bool(low[0] < 20 < high[0])
    True
    """

    def __init__(self, n: int, kind: str, limit: float, low: float, high: float) -> None:
        self.null = Gap(kind, limit, low, high)
        super().__init__(n, kind=kind, limit=limit, low=low, high=high)

    def fresh(self, n: int) -> State:
        return {
            "log_peak": np.zeros(n),
            "past": np.zeros((2 * ROWS, n), np.int64),
            "open": np.zeros((2 * ROWS, n), np.int64),
            "sums": np.zeros((confidence.SUMS, n)),
        }

    def update(self, a: Sums, b: Sums) -> None:
        """Consume the sums of one finished slice, of groups a and b, for every cell (shape (cells,) or
        scalars). Slices are as short as those of :meth:`monitor.sequential.eprocess.Cells.update`.

        Raises ValueError for sums that no values have.
        """
        for cells, block in close_due(self.state["open"], checked(a, b, len(self))):
            self._close(cells, block)

    def _close(self, cells: NDArray[np.intp], block: Ints) -> None:
        past = self.state["past"][:, cells]
        self.state["sums"][:, cells] += increments(block, past)
        self.state["past"][:, cells] = past + block
        log_e = self.log_evidence(self.state["sums"][:, cells])
        self.state["log_peak"][cells] = np.maximum(self.state["log_peak"][cells], log_e)

    def log_evidence(self, sums: Array) -> Array:
        """log E of sums (5, cells): the mean over directions of what the bets made."""
        variation = sums[3] + sums[4]
        sides = [confidence.log_evidence(side, variation) for side in self.null.surplus(sums)]
        return np.asarray(np.logaddexp.reduce(sides) - np.log(len(sides)))

    @property
    def log_e(self) -> Array:
        """log E now, (cells,): the evidence that the gap exceeds the limit."""
        return self.log_evidence(self.state["sums"])

    @property
    def e(self) -> Array:
        """E now, (cells,)."""
        return exp(self.log_e)

    @property
    def peak(self) -> Array:
        """The largest E ever, (cells,): 1/peak is a p-value that is valid at all times."""
        return exp(self.state["log_peak"])

    @property
    def outside(self) -> Ints:
        """How many of the values fed so far lay outside the bounds, (cells,)."""
        fed = self.state["past"] + self.state["open"]
        return np.asarray(fed[ROWS - 1] + fed[2 * ROWS - 1])

    def interval(self, alpha: float) -> tuple[Array, Array]:
        """(low, high) of the gap of means a - b in the values' unit, each (cells,), right at all times."""
        return self.bounds(self.state["sums"], alpha)

    def bounds(self, sums: Array, alpha: float) -> tuple[Array, Array]:
        """The interval that sums (5, cells) give."""
        low, high = confidence.difference_bounds(sums, alpha)
        return low * self.null.widest, high * self.null.widest

    def within(self, alpha: float) -> NDArray[np.bool_]:
        """Where the interval proves that the limit is kept, (cells,)."""
        return self.null.contains(*self.interval(alpha))
