"""Numbers in 32 bits in which 0 means "not there": float32's bits, with zero written as -0.0."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

U32 = npt.NDArray[np.uint32]
_LARGEST = np.float64(np.finfo(np.float32).max)


def bits(values: Sequence[float | None]) -> U32:
    """The 32 bits of each number; beyond float32's range it is clipped.

    >>> bits([None, 0.0, 1.5]).tolist()
    [0, 2147483648, 1069547520]
    """
    numbers = _numbers(values)
    narrow = np.clip(numbers, -_LARGEST, _LARGEST).astype(np.float32)
    coded = np.where(narrow == 0, np.float32(-0.0), narrow).view(np.uint32)
    return np.where(np.isnan(numbers), np.uint32(0), coded)


def _numbers(values: Sequence[float | None]) -> npt.NDArray[np.float64]:
    """The same as an array; None is nan, which no event holds."""
    try:
        return np.array(values, np.float64)
    except OverflowError:
        return np.array([None if value is None else _float(value) for value in values], np.float64)


def _float(value: float) -> float:
    """The number; JSON's integers may be too large for a float."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def floats(bits: U32) -> npt.NDArray[np.float64]:
    """The numbers again; 0 bits give 0.0."""
    return bits.astype(np.uint32).view(np.float32).astype(np.float64) + 0.0


def millionths(numbers: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Each number in whole millionths, at most 10¹² in size, as its low 32 bits and the rest.

    >>> [part.tolist() for part in millionths(np.array([1.5, -1e9]))]
    [[1500000, 1530494976], [0, -232831]]
    """
    whole = np.rint(np.clip(numbers, -1e12, 1e12) * 1e6).astype(np.int64)
    return whole & 0xFFFFFFFF, whole >> 32
