"""A growing table against lists."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.columns import Columns

TYPES = {"id": np.uint64, "score": np.float32, "flag": np.uint8}
steps = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(list(TYPES)), st.integers(0, 200)), min_size=1, max_size=20
)


@given(steps)
def test_it_holds_what_was_written_and_zeros_elsewhere(found: list[tuple[int, str, int]]) -> None:
    table = Columns(dict(TYPES))
    rows: list[dict[str, Any]] = []
    for more, name, value in found:
        table.extend(more)
        rows += [dict.fromkeys(TYPES, 0) for _ in range(more)]
        places = np.arange(len(rows))[:: value % 3 + 1]
        table.write(name, places, np.full(len(places), value))
        for place in places.tolist():
            rows[place][name] = value
    assert len(table) == len(rows)
    for name, kind in TYPES.items():
        assert table[name].tolist() == [row[name] for row in rows]
        assert table[name].dtype == kind


def test_a_column_costs_nothing_before_it_is_written() -> None:
    table = Columns(dict(TYPES))
    table.extend(1_000_000)
    assert table.nbytes == 0
    assert "flag" not in table
    table.write("flag", [3], [1])
    assert "flag" in table
    assert 1_000_000 <= table.nbytes < 2_000_000
    assert table["flag"].sum() == 1


def test_a_column_may_be_declared_later() -> None:
    table = Columns({})
    table.extend(2)
    table.types["late"] = np.int64
    assert table["late"].tolist() == [0, 0]
