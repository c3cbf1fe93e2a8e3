"""What a compliant model may do, and how strongly one block of counts speaks against it.

A block is the counts of two groups, a and b: an array of shape (4, cells) with the rows ``n_a, k_a,
n_b, k_b`` (events and positives). Its e-value against a set of compliant pairs of rates is the
likelihood ratio of an alternative ``t``, chosen before the block was seen, to ``o``, the
projection of ``t`` onto the set. Its expectation is at most 1 for every compliant pair: it is
log-concave in the rates and the sets are convex (Turner, Ly, Grünwald, arXiv 2106.02693), and by
the inequality of means only the block's *mean* rates have to comply.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitor.sequential.projections import Array, project_difference, project_ratio

GAPS = np.array([0.02, 0.05, 0.1, 0.2])  # how far beyond the limit the alternatives lie: none is tuned
FACTORS = np.array([0.95, 0.85, 0.7, 0.5])
CLIP = 1e-4  # an alternative never stakes everything on a rate of 0 or 1
A_OVER_B, B_OVER_A = (0, 1, 2, 3), (2, 3, 0, 1)


@dataclass(frozen=True)
class Kind:
    """One form of limit: its range in words and as a check, how to project, where to look."""

    allowed: str
    allows: Callable[[float], bool]
    project: Callable[..., tuple[Array, Array]]
    alternatives: Callable[[float], Array]
    sides: tuple[tuple[int, ...], ...]


KINDS = {
    "difference": Kind(
        "0 <= limit < 0.8",
        lambda limit: 0 <= limit < 0.8,
        project_difference,
        lambda limit: limit + GAPS,
        (A_OVER_B, B_OVER_A),
    ),
    "excess": Kind(
        "-0.8 < limit < 0.8",
        lambda limit: -0.8 < limit < 0.8,
        project_difference,
        lambda limit: limit + GAPS,
        (A_OVER_B,),
    ),
    "ratio": Kind(
        "0 < limit <= 1",
        lambda limit: 0 < limit <= 1,
        project_ratio,
        lambda limit: limit * FACTORS,
        (A_OVER_B,),
    ),
}


@dataclass(frozen=True)
class Null:
    """The compliant pairs of rates: of kind ``difference`` \\|p_a - p_b\\| <= limit, of kind ``excess``
    p_a - p_b <= limit, of kind ``ratio`` p_a >= limit * p_b (the four-fifths rule has limit 0.8).

    Raises ValueError for another kind, or a limit that the kind does not allow.

    >>> past, block = np.zeros((4, 1)), np.array([[50], [35], [50], [15]])
    >>> null = Null("difference", 0.05)
    >>> null.log_e(block, null.alternatives(block)).shape
    (4, 2, 1)
    """

    kind: str
    limit: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind = {self.kind!r}: allowed are {', '.join(KINDS)}")
        if not KINDS[self.kind].allows(self.limit):
            allowed = KINDS[self.kind].allowed
            raise ValueError(f"limit = {self.limit!r}: allowed for {self.kind!r} is {allowed}")

    @property
    def widest(self) -> float:
        """The largest gap that there can be; ratios have none."""
        return np.inf if self.kind == "ratio" else 1.0

    @property
    def shape(self) -> tuple[int, int]:
        """(alternatives on each side, sides)."""
        return len(self._grid), len(KINDS[self.kind].sides)

    @cached_property
    def _grid(self) -> Array:
        return KINDS[self.kind].alternatives(self.limit)[:, None]

    def alternatives(self, past: NDArray[np.generic]) -> tuple[Array, Array]:
        """The rates bet on in the next block, from past counts (4, cells) alone; each (alternatives,
        sides x cells): the likeliest rates at each gap of the grid, under a prior of half an event
        of each sort in each group.
        """
        n_a, k_a, n_b, k_b = self._sides(past)
        t_a, t_b = KINDS[self.kind].project(k_a + 0.5, n_a + 1, k_b + 0.5, n_b + 1, self._grid)
        return np.clip(t_a, CLIP, 1 - CLIP), np.clip(t_b, CLIP, 1 - CLIP)

    def log_e(self, block: NDArray[np.generic], rates: tuple[Array, Array]) -> Array:
        """Log e-values of blocks (4, cells) for each alternative and side: (alternatives, sides, cells).

        0 where the alternative itself complies, and in a block that has only one of the groups.
        """
        (t_a, t_b), (n_a, k_a, n_b, k_b) = rates, self._sides(block)
        told = (n_a > 0) & (n_b > 0)
        n_a, n_b = np.where(told, n_a, 1), np.where(told, n_b, 1)
        o_a, o_b = KINDS[self.kind].project(n_a * t_a, n_a, n_b * t_b, n_b, self.limit)
        log_e = k_a * np.log(t_a / o_a) + (n_a - k_a) * np.log((1 - t_a) / (1 - o_a))
        log_e += k_b * np.log(t_b / o_b) + (n_b - k_b) * np.log((1 - t_b) / (1 - o_b))
        beyond = t_a < self.limit * t_b if self.kind == "ratio" else t_a - t_b > self.limit
        return np.asarray((log_e * (beyond & told)).reshape(*self.shape, -1))

    def complies(self, p_a: Array, p_b: Array) -> NDArray[np.bool_]:
        """Where a pair of rates complies."""
        if self.kind == "ratio":
            return p_a >= self.limit * p_b
        return self.contains(p_a - p_b, p_a - p_b)

    def contains(self, low: Array, high: Array) -> NDArray[np.bool_]:
        """Where all values from ``low`` to ``high``, of the gap a - b or the ratio a / b, comply."""
        if self.kind == "ratio":
            return low >= self.limit
        return (high <= self.limit) & ((low >= -self.limit) | (self.kind == "excess"))

    def _sides(self, counts: NDArray[np.generic]) -> NDArray[np.generic]:
        """Counts (4, cells) seen from each side in turn: (4, sides x cells)."""
        return np.concatenate([counts[list(side)] for side in KINDS[self.kind].sides], axis=1)
