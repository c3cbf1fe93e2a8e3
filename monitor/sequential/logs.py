"""Means of numbers that are too large or too small to hold: kept as logarithms."""

from math import prod

import numpy as np

from monitor.sequential.projections import Array

LARGEST = 700.0  # exp of it still fits a float


def log_mean_exp(x: Array) -> Array:
    """log(mean(exp(x))) over all axes but the last, the cells; -inf where all of a cell's x is.

    >>> np.exp(log_mean_exp(np.log([[1.0, 5.0], [3.0, 7.0]]))).round(6).tolist()
    [2.0, 6.0]
    """
    x = _rows(x)
    largest = x.max(axis=0)
    top = np.where(largest > -np.inf, largest, 0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(total(np.exp(x - top)) / len(x)) + top)


def total(x: Array) -> Array:
    """The sum over all axes but the last, of one number after another: numpy's own order of summation
    depends on how many cells there are, and so would the last bit.
    """
    return np.asarray(np.cumsum(_rows(x), axis=0)[-1])


def _rows(x: Array) -> Array:
    """All axes but the last as one, also where there is no cell: while one group alone has come."""
    return x.reshape(prod(x.shape[:-1]), x.shape[-1])


def exp(x: Array) -> Array:
    """exp(x), held at a number that still fits: an e-value of 1e304 is as good as any beyond."""
    return np.asarray(np.exp(np.minimum(x, LARGEST)))
