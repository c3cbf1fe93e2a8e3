"""Bins are ordered, narrow, mirrored at zero, and hold what they say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.panes import bins

finite = st.floats(allow_nan=False, allow_infinity=False)
moderate = finite.filter(lambda value: value == 0 or 1e-37 < abs(value) < 3e38)


@given(st.lists(finite, min_size=2))
def test_codes_are_in_the_order_of_the_values(values: list[float]) -> None:
    ordered = bins.code(sorted(values)).astype(int)

    assert (np.diff(ordered) >= 0).all()


@given(moderate)
def test_a_bin_holds_its_value(value: float) -> None:
    code = bins.code(value)

    assert bins.lower(code) <= value <= bins.upper(code)
    assert bins.lower(code) <= bins.middle(code) <= bins.upper(code)


@given(moderate.filter(lambda value: value != 0))
def test_a_bin_is_at_most_a_32nd_of_its_value_wide(value: float) -> None:
    code = bins.code(value)

    assert bins.upper(code) - bins.lower(code) <= abs(value) / 32
    assert abs(bins.middle(code) - value) <= abs(value) / 32


@given(finite)
def test_negative_values_mirror_positive_ones(value: float) -> None:
    assert int(bins.code(value)) - bins.ZERO == bins.ZERO - int(bins.code(-value))
    assert bins.middle(bins.code(value)) == -bins.middle(bins.code(-value))


def test_a_positive_bin_begins_at_its_lower_edge_and_ends_before_its_upper() -> None:
    codes = np.arange(bins.ZERO + 32, bins.ZERO + bins.LARGEST, dtype=np.uint16)

    assert (bins.code(bins.lower(codes)) == codes).all()
    assert (bins.code(bins.upper(codes)) == codes + 1).all()
    assert (bins.code(np.nextafter(bins.upper(codes), 0)) == codes).all()


def test_the_smallest_integers_stand_for_themselves() -> None:
    integers = np.arange(-63, 64)

    assert len(set(bins.code(np.arange(-64, 65)).tolist())) == 129
    assert (bins.middle(bins.code(integers)) == integers).all()


def test_zero_is_one_bin_with_what_is_too_small_for_a_float32() -> None:
    assert bins.code([0.0, -0.0, 5e-324, -1e-40]).tolist() == [bins.ZERO] * 4
    assert bins.middle(bins.ZERO) == 0
    assert -bins.lower(bins.ZERO) == bins.upper(bins.ZERO) == 2.0**-126


def test_huge_values_fall_in_the_outermost_bins() -> None:
    assert bins.code([3.4e38, 1e39, 1.7e308, -1e39]).tolist() == [16351, 16351, 16351, 33]


@given(st.lists(st.lists(finite, min_size=3, max_size=3), min_size=1))
def test_the_shape_is_kept(rows: list[list[float]]) -> None:
    assert bins.code(rows).shape == bins.lower(bins.code(rows)).shape == (len(rows), 3)
