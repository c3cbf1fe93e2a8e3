"""How large is the gap? Confidence sequences: intervals that are right at all times at once.

For values x in [0, 1] with mean m, and a guess g made before x was seen, E exp(l (x - m) -
psi(l) (x - g)^2) <= 1 with psi(l) = -log(1 - l) - l, 0 <= l < 1 (Fan, Grama, Liu 2015; Howard, Ramdas,
McAuliffe, Sekhon 2021, theorem 4). Each block contributes w (mean_a - mean_b) with the weight w =
n_a n_b / (n_a + n_b), by which no single event counts for more than 1; products over blocks are
supermartingales, so is their mean over a grid of l, and the gaps that it does not reject at
level alpha form the sequence. It estimates the w-weighted mean of the blocks' gaps, so base
rates and gaps may drift; five sums are its whole state.
"""

from collections.abc import Callable

import numpy as np

from monitor.sequential.logs import log_mean_exp
from monitor.sequential.projections import Array

SUMS = 5  # rows: w, w mean_a, w mean_b, and the variation around the guess, of a and of b
BETS = np.geomspace(1e-5, 0.9, 32)[:, None]
HALVINGS = 40  # of an interval no longer than 2: to a width of 2e-12


def increments(block: np.ndarray, past: np.ndarray) -> Array:
    """What blocks of counts (4, cells) add to the sums (5, cells), after the ``past`` counts (4, cells)."""
    n, k = block[0::2], block[1::2]
    guess = (past[1::2] + 0.5) / (past[0::2] + 1)
    return mean_increments(n, k, k, guess)


def mean_increments(n: np.ndarray, total: np.ndarray, squares: np.ndarray, guess: np.ndarray) -> Array:
    """What blocks of values in [0, 1] add to the sums (5, cells).

    Arguments have shape (2, cells), the rows are groups a and b: how many values, their sum, the
    sum of their squares, and the guess of their mean. A block without one of the groups adds nothing.
    """
    each = n[::-1] / (n[0] + n[1])  # weight / n
    variation = squares - guess * (2 * total - n * guess)
    return np.concatenate([each[:1] * n[0], each * total, each * each * variation])


def log_evidence(surplus: Array, variation: Array, largest: Array | float = 1.0) -> Array:
    """The log e-value for E[surplus] > 0, of sums ``surplus`` with ``variation``, both (cells,).

    ``largest`` is the most that a single event can count for; bets that it could ruin are not made.
    """
    stake = BETS * largest
    cost = np.where(stake < 1, -np.log1p(-np.minimum(stake, 0.999)) - stake, np.inf) / np.square(largest)
    return log_mean_exp(BETS * surplus - cost * np.maximum(variation, 1e-300))


def difference_bounds(sums: Array, alpha: float) -> tuple[Array, Array]:
    """(low, high), each (cells,), of the mean difference a - b: at all times right with 1 - alpha."""
    weight, a, b, var_a, var_b = sums

    def lower(sign: float) -> Array:
        def log_e(gap: Array) -> Array:
            return log_evidence(sign * (a - b) - weight * gap, var_a + var_b)

        return _largest_rejected(log_e, np.full(len(weight), -1.0), np.ones(len(weight)), alpha / 2)

    return lower(1), -lower(-1)


def ratio_bounds(sums: Array, alpha: float) -> tuple[Array, Array]:
    """(low, high), each (cells,), of the ratio of the mean rates a / b; high is inf while b may be 0."""
    _, a, b, var_a, var_b = sums
    low = _lowest_ratio(a, b, var_a, var_b, alpha / 2)
    inverse = _lowest_ratio(b, a, var_b, var_a, alpha / 2)
    return low, np.divide(1, inverse, where=inverse > 0, out=np.full_like(inverse, np.inf))


def _lowest_ratio(a: Array, b: Array, var_a: Array, var_b: Array, alpha: float) -> Array:
    """The lower bound of a / b, found as an angle, by testing a <= ratio * b."""

    def log_e(angle: Array) -> Array:
        ratio = np.tan(angle)
        return log_evidence(a - ratio * b, var_a + ratio**2 * var_b, largest=np.maximum(ratio, 1))

    return np.tan(_largest_rejected(log_e, np.zeros(len(a)), np.full(len(a), 1.57), alpha))


def _largest_rejected(log_e: Callable[[Array], Array], low: Array, high: Array, alpha: float) -> Array:
    """Where ``log_e``, falling from ``low`` to ``high``, crosses log(1/alpha), from below; else ``low``."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        rejected = log_e(middle) >= np.log(1 / alpha)
        low, high = np.where(rejected, middle, low), np.where(rejected, high, middle)
    return low
