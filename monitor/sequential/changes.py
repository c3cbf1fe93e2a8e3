"""Became unfair? A Shiryaev-Roberts e-detector over the same blocks, with an estimate of the onset.

SR is the sum of the e-processes started at each block so far (Shin, Ramdas, Rinaldo 2022): it forgets a
long fair past. It alarms at SR >= A and begins anew. While a model complies, E[SR] grows by at most 1
a block, so that among any number N of blocks the expected number of false alarms is at most N/A.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.sequential.blocks import OPEN, Counts, close_due, counts
from monitor.sequential.logs import exp, log_mean_exp, total
from monitor.sequential.nulls import Null
from monitor.sequential.projections import Array
from monitor.sequential.state import Cellwise, State

HALF_LIFE = 5_000  # events after which a past count weighs half, in choosing the alternatives


class Alarm(NamedTuple):
    """A cell reached its threshold: ``sr`` is SR then, ``onset`` about when the change began."""

    cell: int
    sr: float
    onset: float


class Changes(Cellwise):
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

    def __init__(
        self, n: int, kind: str = "difference", limit: float = 0.05, threshold: float = 1000
    ) -> None:
        if not threshold >= 1:
            raise ValueError(f"threshold = {threshold!r}: allowed is 1 or more")
        self.null, self.threshold = Null(kind, limit), threshold
        super().__init__(n, kind=kind, limit=limit, threshold=threshold)

    def fresh(self, n: int) -> State:
        return {
            "log_sr": np.full((*self.null.shape, n), -np.inf),
            "onset": np.zeros((*self.null.shape, n), np.float32),
            "past": np.zeros((4, n)),
            "begun": np.full(n, np.nan),
            "open": np.zeros((4, n), OPEN),
        }

    def update(
        self, n_a: ArrayLike, k_a: ArrayLike, n_b: ArrayLike, k_b: ArrayLike, time: float
    ) -> list[Alarm]:
        """Consume the counts of one finished slice that began at ``time`` (see
        :meth:`monitor.sequential.eprocess.Cells.update`); returns the alarms, whose cells begin anew.
        """
        slice_ = counts(n_a, k_a, n_b, k_b, len(self))
        begun = self.state["begun"]
        begun[np.isnan(begun) & (slice_[0] + slice_[2] > 0)] = time
        alarms = []
        for cells, block in close_due(self.state["open"], slice_):
            self._close(cells, block)
            alarms += self._alarms(cells)
            begun[cells] = time
        return alarms

    def _close(self, cells: NDArray[np.intp], block: Counts) -> None:
        past = self.state["past"][:, cells]
        log_e = self.null.log_e(block, self.null.alternatives(past))
        self.state["past"][:, cells] = past * 0.5 ** ((block[0] + block[2]) / HALF_LIFE) + block
        told = (block[0] > 0) & (block[2] > 0)  # a block without one of the groups is not one to start at
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
