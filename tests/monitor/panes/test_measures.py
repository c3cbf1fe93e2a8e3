"""Measures packed into 64 bits come apart again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.panes import measures
from monitor.panes.measures import FIELDS

small = st.integers(0, 65_535)
found = st.tuples(st.sampled_from(list(FIELDS)), small, small, small)


@given(st.lists(found, min_size=1))
def test_fields_come_apart_again(each: list[tuple[int, int, int, int]]) -> None:
    keys = np.concatenate([measures.pack(family, *fields) for family, *fields in each])
    assert len(set(keys.tolist())) == len(set(each))
    assert measures.family(keys).tolist() == [family for family, *_ in each]
    for place in range(3):
        assert measures.field(keys, place).tolist() == [fields[place + 1] for fields in each]


@given(st.lists(found, min_size=1))
def test_recoding_changes_codes_alone(each: list[tuple[int, int, int, int]]) -> None:
    keys = np.concatenate([measures.pack(family, *fields) for family, *fields in each])
    codes = (np.arange(65_536) ^ 0x5A5A).astype(np.uint16)
    again = measures.recoded(keys, codes)
    for place in range(3):
        coded = [FIELDS[family][place : place + 1] == "c" for family, *_ in each]
        before, after = measures.field(keys, place).tolist(), measures.field(again, place).tolist()
        assert after == [b ^ 0x5A5A if c else b for b, c in zip(before, coded, strict=True)]
    assert measures.family(again).tolist() == measures.family(keys).tolist()
    assert measures.recoded(again, codes).tolist() == keys.tolist()


def test_one_number_fits_many() -> None:
    keys = measures.pack(measures.FLAG, 7, np.array([1, 2, 2]))
    assert measures.field(keys, 0).tolist() == [7, 7, 7]
    assert measures.coded(keys, 0).all()
    assert not measures.coded(keys, 1).any()
