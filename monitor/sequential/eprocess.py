"""Unfair since the start? E-processes over blocks of counts, for many hypotheses at once.

The block-wise reverse-information-projection e-value (Turner, Ly, Grünwald, arXiv 2106.02693 and
2203.09785), averaged over a grid of alternatives. If a model complies, the chance that E *ever*
reaches 1/alpha is at most alpha, however often one looks (Ville's inequality). Rates may drift
from block to block as long as each block complies.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.sequential import confidence
from monitor.sequential.blocks import OPEN, Counts, close_due, counts
from monitor.sequential.logs import exp, log_mean_exp
from monitor.sequential.nulls import Null
from monitor.sequential.projections import Array
from monitor.sequential.state import Cellwise, State


class Cells(Cellwise):
    """E-processes of ``n`` hypotheses with the same limit: see :class:`~monitor.sequential.nulls.Null`.

    >>> cells = Cells(2, kind="difference", limit=0.05)   # one fair, one with a gap of 0.2
    >>> for _ in range(20):
    ...     cells.update(50, [20, 25], 50, [20, 15])
    >>> [bool(x) for x in cells.e >= 1 / 0.05]
    [False, True]
    >>> low, high = cells.interval(alpha=0.05)
    >>> bool(low[1] < 0.2 < high[1])
    True
    """

    def __init__(self, n: int, kind: str = "difference", limit: float = 0.05) -> None:
        self.null = Null(kind, limit)
        super().__init__(n, kind=kind, limit=limit)

    def fresh(self, n: int) -> State:
        return {
            "log_e": np.zeros((*self.null.shape, n)),
            "log_peak": np.zeros(n),
            "past": np.zeros((4, n), np.int64),
            "open": np.zeros((4, n), OPEN),
            "sums": np.zeros((confidence.SUMS, n)),
        }

    def update(self, n_a: ArrayLike, k_a: ArrayLike, n_b: ArrayLike, k_b: ArrayLike) -> None:
        """Consume the counts of one finished slice: events and positives of groups a and b, for every
        cell (shape (cells,) or scalars; 0 where nothing came). A slice must be so short that
        base rates cannot move within it, or hold at most 250 events a cell.
        """
        slice_ = counts(n_a, k_a, n_b, k_b, len(self))
        for cells, block in close_due(self.state["open"], slice_):
            self._close(cells, block)

    def _close(self, cells: NDArray[np.intp], block: Counts) -> None:
        at = cells if len(cells) < len(self) else slice(None)  # views are much faster than copies
        past = self.state["past"][:, at]
        log_e = self.state["log_e"][..., at] + self.null.log_e(block, self.null.alternatives(past))
        self.state["log_e"][..., at] = log_e
        peak = self.state["log_peak"][at]
        self.state["log_peak"][at] = np.maximum(peak, log_mean_exp(log_e))
        self.state["sums"][:, at] += confidence.increments(block, past)
        self.state["past"][:, at] = past + block

    @property
    def log_e(self) -> Array:
        """log E now, (cells,): the evidence against the limit so far."""
        return log_mean_exp(self.state["log_e"])

    @property
    def e(self) -> Array:
        """E now, (cells,)."""
        return exp(self.log_e)

    @property
    def peak(self) -> Array:
        """The largest E ever, (cells,): 1/peak is a p-value that is valid at all times. A verdict that
        may be permanent looks at it; :func:`~monitor.sequential.control.e_bh` must not.
        """
        return exp(self.state["log_peak"])

    def interval(self, alpha: float) -> tuple[Array, Array]:
        """(low, high) of the gap a - b, or of the ratio a / b, each (cells,): over the blocks consumed
        so far, with the chance of ever being wrong at most ``alpha``.
        """
        return self.bounds(self.state["sums"], alpha)

    def bounds(self, sums: Array, alpha: float) -> tuple[Array, Array]:
        """The interval that sums (5, cells) give."""
        ratio = self.null.kind == "ratio"
        return (confidence.ratio_bounds if ratio else confidence.difference_bounds)(sums, alpha)

    def within(self, alpha: float) -> NDArray[np.bool_]:
        """Where the interval proves that the limit is kept, (cells,)."""
        return self.null.contains(*self.interval(alpha))
