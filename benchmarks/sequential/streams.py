"""Random streams of decisions on two groups, event by event, many runs at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

EVENTS = 100_000
CHUNK = 200  # runs held in memory at once
MIXES = (0.5, 0.1, 0.01)  # shares of the minority, group b
P_MINORITY = 0.3


@dataclass(frozen=True)
class Events:
    """Which group each event belongs to (True: the minority, b) and what was decided: (runs, events)."""

    minority: NDArray[np.bool_]
    positive: NDArray[np.bool_]

    def __getitem__(self, runs: slice) -> "Events":
        return Events(self.minority[runs], self.positive[runs])

    def slices(self, size: int) -> NDArray[np.int64]:
        """Counts n_a, k_a, n_b, k_b of each ``size`` events in a row: (slices, 4, runs)."""
        shape = (self.minority.shape[0], -1, size)
        n_b = self.minority.reshape(shape).sum(axis=2)
        k = self.positive.reshape(shape).sum(axis=2)
        k_b = (self.minority & self.positive).reshape(shape).sum(axis=2)
        return np.stack([size - n_b, k - k_b, n_b, k_b]).transpose(2, 0, 1)


def stream(
    rng: np.random.Generator,
    runs: int,
    share: ArrayLike,
    gap: ArrayLike,
    *,
    p_minority: ArrayLike = P_MINORITY,
    events: int = EVENTS,
) -> Events:
    """Independent decisions; ``share`` of the minority, its rate and the ``gap`` of the majority above it are
    numbers or arrays (events,).
    """
    share, gap, p_minority = (np.asarray(x, dtype=np.float32) for x in (share, gap, p_minority))
    minority = rng.random((runs, events), dtype=np.float32) < share
    rates = np.where(minority, p_minority, p_minority + gap)
    return Events(minority, rng.random((runs, events), dtype=np.float32) < rates)


def drifting(rng: np.random.Generator, runs: int, events: int = EVENTS) -> Events:
    """A fair stream: base rate and share of the minority move together, slowly, the gap is always 0."""
    phase = np.linspace(0, 2 * np.pi, events, dtype=np.float32)
    wave = (1 - np.cos(phase)) / 2
    return stream(rng, runs, 0.2 + 0.6 * wave, 0.0, p_minority=0.2 + 0.4 * wave, events=events)


def chunks(runs: int) -> Iterator[int]:
    """``runs`` in portions that fit into memory."""
    for start in range(0, runs, CHUNK):
        yield min(CHUNK, runs - start)
