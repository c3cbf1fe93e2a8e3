"""Names in the panes of many partitions: the first ones count by name, the others together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.codes import MISSING, OTHER_CODE
from monitor.panes import measures
from monitor.panes.caps import NAMES, Caps

FAMILIES = sorted(measures.FIELDS)
keys = st.lists(
    st.tuples(st.sampled_from(FAMILIES), *[st.integers(0, 300)] * 3).map(
        lambda drawn: int(measures.pack(drawn[0], *drawn[1 : 1 + len(measures.FIELDS[drawn[0]])])[0])
    ),
    min_size=1,
    max_size=60,
)


@given(st.lists(keys, max_size=9))
def test_only_names_beyond_the_cap_change_and_they_stay_what_they_are(several: list[list[int]]) -> None:
    caps, said = Caps(), dict[int, int]()
    for some in several:
        found = caps.capped(np.array(some, np.uint64)).tolist()
        for before, after in zip(some, found, strict=True):
            assert said.setdefault(before, after) == after
            for place in range(3):
                old, new = (int(measures.field(np.array([k], np.uint64), place)[0]) for k in (before, after))
                assert new == old or (new == OTHER_CODE and (before >> 56, place) in NAMES)
    names = {(k >> 56, (k >> 40) & 0xFFFF) for k in said.values() if k >> 56 == measures.REASON}
    assert len(names - {(measures.REASON, MISSING), (measures.REASON, OTHER_CODE)}) <= 100


def test_categories_are_capped_for_each_feature() -> None:
    caps = Caps()
    for feature in (7, 8):
        found = caps.capped(measures.pack(measures.CATEGORY, feature, np.arange(2, 302)))
        assert int((measures.field(found, 1) == OTHER_CODE).sum()) == 200
        assert set(measures.field(found, 0).tolist()) == {feature}
