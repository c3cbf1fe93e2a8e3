"""Counts of random decisions on two groups, slice by slice."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray


def counts(
    seed: int, runs: int, slices: int, *, share: ArrayLike, p_a: ArrayLike, p_b: ArrayLike, size: int = 50
) -> Iterator[NDArray[np.int64]]:
    """Counts (4, runs) of each slice of ``size`` events; share of b and the rates: numbers or (slices,)."""
    rng = np.random.default_rng(seed)
    shares, rates_a, rates_b = (np.broadcast_to(x, slices) for x in (share, p_a, p_b))
    for s, a, b in zip(shares, rates_a, rates_b, strict=True):
        n_b = rng.binomial(size, s, runs)
        n_a = size - n_b
        yield np.stack([n_a, rng.binomial(n_a, a), n_b, rng.binomial(n_b, b)])
