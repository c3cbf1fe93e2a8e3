"""Universal bins: where values of scores and numeric features are counted.

A value's bin is its sign, its binary exponent and the first five bits of its mantissa: 32 bins an octave,
each at most 3.1 % wide. The bins are the same for every stream, worker and period, so that counts in them
are exact, additive and mergeable, and no baseline is needed to define them.

Codes are unsigned 16-bit numbers in the order of the values: zero is 8192, positive values lie above it,
negative ones mirrored below. Magnitudes are those of normal 32-bit floats: what is smaller than 2⁻¹²⁶
counts as zero, what is larger than 3.4·10³⁸ in the outermost bin.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Codes: TypeAlias = NDArray[np.uint16]
Floats: TypeAlias = NDArray[np.float64]

ZERO = 8192
LARGEST = 254 * 32 + 31  # the magnitude of the outermost bin: float32's largest exponent, all mantissa bits
_MANTISSA_SHIFT = np.uint64(52 - 5)
_MAGNITUDE_MASK = np.uint64(0xFFFF)  # 11 bits of float64's exponent, 5 of its mantissa
_REBIAS = (1023 - 127) * 32  # from float64's exponent to float32's
_SMALLEST = 32  # below it lie float32's subnormals, which count as zero
_TOLD_APART = 64  # integers below it have a bin of their own


def code(values: ArrayLike) -> Codes:
    """The bin of each of `values`, which must be finite; same shape.

    >>> code([-1.0, 0.0, 1.0, 1.03, 1.04, 64, 65]).tolist()
    [4128, 8192, 12256, 12256, 12257, 12448, 12448]
    """
    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.uint64)
    magnitude = ((bits >> _MANTISSA_SHIFT) & _MAGNITUDE_MASK).astype(np.int32) - _REBIAS
    magnitude = np.where(magnitude < _SMALLEST, 0, np.minimum(magnitude, LARGEST))
    negative = (bits >> np.uint64(63)).astype(bool)
    return np.where(negative, ZERO - magnitude, ZERO + magnitude).astype(np.uint16).reshape(np.shape(values))


def coarse(codes: Codes) -> Codes:
    """The nearest of every fourth bin: values to within 7 %, in a quarter of the bins.

    >>> middle(coarse(code([1, 7, 30, 31, 100]))).tolist()
    [1.0, 7.0, 30.0, 32.0, 105.0]
    """
    return ((codes.astype(np.int32) + 2) // 4 * 4).astype(np.uint16)


def lower(codes: ArrayLike) -> Floats:
    """The lower edge of each bin. Positive bins contain it, negative ones do not.

    >>> lower(code([1.04, -1.0])).tolist()
    [1.03125, -1.03125]
    """
    signed = _signed(codes)
    return np.where(signed > 0, _edge(signed), -_edge(1 - signed))


def upper(codes: ArrayLike) -> Floats:
    """The upper edge of each bin. Negative bins contain it, positive ones do not.

    >>> upper(code([1.04, -1.0])).tolist()
    [1.0625, -1.0]
    """
    signed = _signed(codes)
    return np.where(signed < 0, -_edge(-signed), _edge(1 + signed))


def middle(codes: ArrayLike) -> Floats:
    """The value that stands for each bin: an integer that begins it and has it to itself, else its middle.

    Integers below 64 therefore stand for themselves. Any other value is off by less than the width of a
    bin, 3.1 %.

    >>> middle(code([-3, 0, 0.51, 34, 70])).tolist()
    [-3.0, 0.0, 0.5078125, 34.0, 71.0]
    """
    signed = _signed(codes)
    start, end = _edge(np.abs(signed)), _edge(np.abs(signed) + 1)
    own_integer = (start == np.floor(start)) & (start < _TOLD_APART)
    return np.sign(signed) * np.where(own_integer, start, (start + end) / 2)


def _signed(codes: ArrayLike) -> NDArray[np.int32]:
    return np.asarray(codes).astype(np.int32) - ZERO


def _edge(magnitude: NDArray[np.int32]) -> Floats:
    """The smallest absolute value of a bin of this magnitude. Zero's neighbours begin at 2⁻¹²⁶."""
    known = np.maximum(magnitude, _SMALLEST)
    return np.where(magnitude <= 0, 0.0, np.ldexp(1 + known % 32 / 32, known // 32 - 127))
