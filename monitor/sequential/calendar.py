"""An exact test for each calendar period: an answer each month where decisions are few.

The unconditional test of two binomial rates (Chan 1998): outcomes are ordered by the score statistic
of Miettinen and Nurminen (1985), and the p-value is the largest chance, over all compliant rates, of an
outcome as extreme as the one seen. It is exact in the sense that matters: the chance of p <= alpha
is at most alpha for every compliant model and sample size. The largest chance is bounded from above,
not searched for on a grid: it rises with the rate that should be high and falls with the other, so its
value at two opposite corners bounds it on a whole stretch of the limit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.sequential.nulls import Null
from monitor.sequential.projections import Array, project_difference, project_ratio

STRETCHES = 32  # of the limit to begin with; those that may hold the maximum are halved
HALVINGS = 20
SLACK = 1.01  # until the bound is within 1 % of a value that is attained


@dataclass(frozen=True)
class Side:
    """One direction of unfairness: group 1's rate too high, beyond p_1 = slope p_2 + gap."""

    slope: float
    gap: float

    def score(self, n_1: int, k_1: ArrayLike, n_2: int, k_2: ArrayLike) -> Array:
        """The standardised distance beyond the limit (Miettinen and Nurminen 1985, eqs 8 and 10)."""
        k_1, k_2 = np.asarray(k_1, dtype=float), np.asarray(k_2, dtype=float)
        beyond = k_1 / n_1 - self.slope * k_2 / n_2 - self.gap
        p_1, p_2 = self._project(n_1, k_1, n_2, k_2)
        variance = p_1 * (1 - p_1) / n_1 + self.slope**2 * p_2 * (1 - p_2) / n_2
        return np.asarray(beyond / np.sqrt(np.maximum(variance, 1e-12)))

    def _project(self, n_1: int, k_1: Array, n_2: int, k_2: Array) -> tuple[Array, Array]:
        if self.slope == 1:
            return project_difference(k_1, n_1, k_2, n_2, self.gap)
        if self.slope < 1:
            return project_ratio(k_1, n_1, k_2, n_2, self.slope)
        p_2, p_1 = project_ratio(k_2, n_2, k_1, n_1, 1 / self.slope)
        return p_1, p_2

    def limit(self, at: Array) -> tuple[Array, Array]:
        """The pairs of rates on the limit, from its lower end (``at`` = 0) to its upper (1)."""
        low, high = max(0, -self.gap / self.slope), min(1, (1 - self.gap) / self.slope)
        p_2 = low + at * (high - low)
        return self.slope * p_2 + self.gap, p_2


def p_value(n_a: int, k_a: int, n_b: int, k_b: int, null: Null) -> float:
    """How often a compliant model, at worst, shows a period as extreme as this one: against the limit.

    >>> round(p_value(150, 90, 120, 40, Null("difference", 0.05)), 4)
    0.0011
    """
    one, two = (n_a, k_a), (n_b, k_b)
    if null.kind == "ratio":
        return _tail(Side(1 / null.limit, 0), *two, *one)
    p = _tail(Side(1, null.limit), *one, *two)
    if null.kind == "excess":
        return p
    return min(1.0, 2 * min(p, _tail(Side(1, null.limit), *two, *one)))


def p_value_within(n_a: int, k_a: int, n_b: int, k_b: int, null: Null) -> float:
    """How often a model at or beyond the limit, at worst, shows a period as good as this one.

    >>> round(p_value_within(150, 60, 120, 48, Null("difference", 0.2)), 4)
    0.0005
    """
    one, two = (n_a, k_a), (n_b, k_b)
    if null.kind == "ratio":
        return _tail(Side(null.limit, 0), *one, *two)
    p = _tail(Side(1, -null.limit), *two, *one)
    return p if null.kind == "excess" else max(p, _tail(Side(1, -null.limit), *one, *two))


def _tail(side: Side, n_1: int, k_1: int, n_2: int, k_2: int) -> float:
    if n_1 == 0 or n_2 == 0:
        return 1.0
    region = _region(side, n_1, k_1, n_2, k_2)
    edges = np.linspace(0, 1, STRETCHES + 1)
    low, high = edges[:-1], edges[1:]
    attained = 0.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        attained = max(attained, _chance(region, n_2, *side.limit(middle)).max())
        bound = _chance(region, n_2, side.limit(high)[0], side.limit(low)[1])
        if bound.max() <= SLACK * attained:
            break
        keep = bound > SLACK * attained
        low, high = np.r_[low[keep], middle[keep]], np.r_[middle[keep], high[keep]]
    return float(min(max(bound.max(), SLACK * attained), 1))


def _region(side: Side, n_1: int, k_1: int, n_2: int, k_2: int) -> NDArray[np.intp]:
    """For each number of group 1's positives the largest of group 2's that is as extreme as what was
    seen, -1 for none: (n_1 + 1,). The score falls with group 2's positives, so bisection finds it.
    """
    seen = side.score(n_1, k_1, n_2, k_2) - 1e-9
    ones = np.arange(n_1 + 1)
    low, high = np.full(n_1 + 1, -1), np.full(n_1 + 1, n_2)
    while (low < high).any():
        middle = (low + high + 1) // 2
        extreme = side.score(n_1, ones, n_2, middle) >= seen
        low, high = np.where(extreme, middle, low), np.where(extreme, high, middle - 1)
    return np.maximum.accumulate(low)


def _chance(region: NDArray[np.intp], n_2: int, p_1: Array, p_2: Array) -> Array:
    """The chance of the region at pairs of rates (points,)."""
    below = np.cumsum(_binomial(n_2, p_2), axis=1)
    below = np.concatenate([np.zeros((len(p_2), 1)), below], axis=1)
    return np.asarray(np.sum(_binomial(len(region) - 1, p_1) * below[:, region + 1], axis=1))


def _binomial(n: int, p: Array) -> Array:
    """The chances of 0 to n positives at rates p: (points, n + 1)."""
    k = np.arange(n + 1)
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    p = np.clip(p, 1e-300, 1 - 1e-16)[:, None]
    choices = factorials[n] - factorials - factorials[::-1]
    return np.asarray(np.exp(choices + k * np.log(p) + (n - k) * np.log1p(-p)))
