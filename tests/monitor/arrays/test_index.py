"""The hash table against a dictionary."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.index import Index

keys = st.one_of(st.integers(0, 20), st.integers(0, 2**64 - 1), st.integers(0, 40).map(lambda n: n << 58))


@given(st.lists(st.lists(keys, max_size=50), max_size=10))
def test_rows_are_numbers_in_the_order_of_first_arrival(batches: list[list[int]]) -> None:
    index, expected = Index(), dict[int, int]()
    for batch in batches:
        rows, fresh = index.put(np.array(batch, np.uint64))
        for key, row, is_fresh in zip(batch, rows.tolist(), fresh.tolist(), strict=True):
            assert is_fresh == (key not in expected)
            assert row == expected.setdefault(key, len(expected))
    assert len(index) == len(expected)
    assert index.keys.tolist() == list(expected)


@given(st.lists(keys, unique=True, max_size=100), st.lists(keys, max_size=100))
def test_what_is_not_there_is_not_found(there: list[int], asked: list[int]) -> None:
    index = Index()
    index.put(np.array(there, np.uint64))
    expected = [there.index(key) if key in there else -1 for key in asked]
    assert index.find(np.array(asked, np.uint64)).tolist() == expected


def test_it_grows_and_stays_small() -> None:
    index, chance = Index(), np.random.default_rng(3)
    many = np.unique(chance.integers(0, 2**64, 200_000, dtype=np.uint64))
    for part in np.array_split(many, 37):
        index.put(part)
    assert (index.find(many) == np.arange(len(many))).all()
    assert index.nbytes / len(many) <= 8 * 1.5 + 4 * 4
