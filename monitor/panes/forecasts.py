"""Numeric decisions that foretell something: how far they are from what came, feedback's value `actual`."""

import numpy as np
import numpy.typing as npt

from monitor.arrays import numbers

FORETOLD, CAME = "value", "values.actual"
ABSOLUTE, SQUARED = "abs_error", "squared_error"


def errors(
    foretold: numbers.U32, came: numbers.U32
) -> tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[np.float64]]]:
    """The places where both are there, and the absolute and squared errors at these.

    >>> at, found = errors(numbers.bits([3.0, 5.0, None]), numbers.bits([1.0, None, 2.0]))
    >>> at.tolist(), found["abs_error"].tolist(), found["squared_error"].tolist()
    ([0], [2.0], [4.0])
    """
    at = np.flatnonzero((foretold != 0) & (came != 0))
    off = np.abs(numbers.floats(foretold[at]) - numbers.floats(came[at]))
    return at, {ABSOLUTE: off, SQUARED: off**2}
