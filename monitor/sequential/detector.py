"""A Shiryaev-Roberts e-detector over blocks, with an estimate of the onset; of what, its subclasses say.

SR is the sum of the e-processes started at each block so far (Shin, Ramdas, Rinaldo 2022): it forgets a
long compliant past. It alarms at SR >= A and begins anew. While a model complies, E[SR] grows by at most 1
a block, so that among any number N of blocks the expected number of false alarms is at most N/A.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.sequential.blocks import Counts, close_due
from monitor.sequential.logs import exp, log_mean_exp, total
from monitor.sequential.projections import Array
from monitor.sequential.state import Cellwise, State

HALF_LIFE = 5_000  # events after which a past count weighs half, in choosing the bets


class Alarm(NamedTuple):
    """A cell reached its threshold: ``sr`` is SR then, ``onset`` about when the change began."""

    cell: int
    sr: float
    onset: float


class Detector(Cellwise):
    """Change detectors of ``n`` hypotheses: SR is the mean over several bets, of ``shape`` (bets, sides).

    A slice is an array of ``rows`` numbers by cell, as in :func:`monitor.sequential.blocks.close_due`; what
    is not yet in a block is kept as ``kept``.
    """

    rows: int
    kept: type[np.generic]

    def __init__(self, n: int, shape: tuple[int, int], threshold: float, **settings: Any) -> None:
        if not threshold >= 1:
            raise ValueError(f"threshold = {threshold!r}: allowed is 1 or more")
        self._shape, self.threshold = shape, threshold
        super().__init__(n, **settings, threshold=threshold)

    def fresh(self, n: int) -> State:
        return {
            "log_sr": np.full((*self._shape, n), -np.inf),
            "onset": np.zeros((*self._shape, n), np.float32),
            "past": np.zeros((self.rows, n)),
            "begun": np.full(n, np.nan),
            "open": np.zeros((self.rows, n), self.kept),
        }

    def gains(self, block: NDArray[Any], past: Array) -> Array:
        """The log e-value of blocks for each bet and side, chosen by ``past`` sums: (bets, sides, cells)."""
        raise NotImplementedError

    def consume(self, slice_: Counts, time: float) -> list[Alarm]:
        """Takes a slice that began at ``time``; returns the alarms, whose cells begin anew."""
        begun = self.state["begun"]
        begun[np.isnan(begun) & (slice_[0] + slice_[self.rows // 2] > 0)] = time
        alarms = []
        for cells, block in close_due(self.state["open"], slice_):
            self._close(cells, block)
            alarms += self._alarms(cells)
            begun[cells] = time
        return alarms

    def _close(self, cells: NDArray[np.intp], block: Counts) -> None:
        past, n_a, n_b = self.state["past"][:, cells], block[0], block[self.rows // 2]
        log_e = self.gains(block, past)
        self.state["past"][:, cells] = past * 0.5 ** ((n_a + n_b) / HALF_LIFE) + block
        told = (n_a > 0) & (n_b > 0)  # a block without one of the groups is not one to start at
        self._start(cells[told])
        self.state["log_sr"][..., cells] += log_e

    def _start(self, cells: NDArray[np.intp]) -> None:
        """Add an e-process that starts now; the onset is the mean start, weighted by their values."""
        old, onset = self.state["log_sr"][..., cells], self.state["onset"][..., cells]
        log_sr = np.logaddexp(old, 0)
        now = self.state["begun"][cells]
        self.state["onset"][..., cells] = now + (onset - now) * np.exp(old - log_sr)
        self.state["log_sr"][..., cells] = log_sr

    def _alarms(self, cells: NDArray[np.intp]) -> list[Alarm]:
        log_sr = log_mean_exp(self.state["log_sr"][..., cells])
        over = log_sr >= np.log(self.threshold)
        if not over.any():
            return []
        alarmed = cells[over]
        onsets = self._onset(alarmed)
        self.state["log_sr"][..., alarmed] = -np.inf
        rows = zip(alarmed, exp(log_sr[over]), onsets, strict=True)
        return [Alarm(int(cell), float(sr), float(onset)) for cell, sr, onset in rows]

    def _onset(self, cells: NDArray[np.intp]) -> Array:
        log_sr = self.state["log_sr"][..., cells]
        weights = np.exp(log_sr - log_sr.max(axis=(0, 1)))
        return total(self.state["onset"][..., cells] * weights) / total(weights)

    @property
    def sr(self) -> Array:
        """SR now, (cells,): 0 before the first block and after an alarm."""
        return exp(log_mean_exp(self.state["log_sr"]))
