"""Numbers in 32 bits: what is there is never taken for what is not, and sums are exact."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.numbers import bits, floats, millionths

numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**80), 2**80)


@given(st.lists(numbers))
def test_only_none_is_not_there(found: list[float | None]) -> None:
    assert [b == 0 for b in bits(found).tolist()] == [value is None for value in found]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_narrow_floats_come_back(found: list[float]) -> None:
    assert floats(bits(found)).tolist() == found


@pytest.mark.parametrize("value", [1e300, -1e300, 10**400, -(10**400)])
def test_what_is_too_large_is_clipped(value: float) -> None:
    (found,) = floats(bits([value])).tolist()
    assert math.isfinite(found)
    assert abs(found) == np.finfo(np.float32).max
    assert (found > 0) == (value > 0)


def test_zero_has_no_sign() -> None:
    assert bits([0.0, -0.0]).tolist() == [1 << 31] * 2
    assert str(floats(bits([-0.0]))[0]) == "0.0"


@given(st.lists(st.floats(-1e7, 1e7, width=32)))
def test_sums_of_millionths_are_whole(found: list[float]) -> None:
    low, high = millionths(np.array(found, np.float64))
    assert [a + (b << 32) for a, b in zip(low.tolist(), high.tolist(), strict=True)] == [
        round(value * 1e6) for value in found
    ]
    assert all(0 <= part < 1 << 32 for part in low.tolist())
