"""Distinct rows are those that a dictionary finds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.distinct import distinct

NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(0, 3)


@given(st.lists(st.tuples(NUMBERS, st.integers(0, 3)), max_size=200))
def test_distinct_rows_in_the_order_of_their_first(rows: list[tuple[int, int]]) -> None:
    columns = np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.uint16)
    places, which = distinct(*columns)
    firsts = {row: place for place, row in reversed([*enumerate(rows)])}
    assert places.tolist() == sorted(firsts.values())
    assert [rows[places[number]] for number in which] == rows


def test_many_rows_that_all_differ() -> None:
    numbers = np.random.default_rng(1).permutation(100_000)
    places, which = distinct(numbers)
    assert (places == np.arange(100_000)).all()
    assert (which == places).all()
