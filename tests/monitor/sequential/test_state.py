"""State as bytes: of every test, versioned."""

import json
import re

import numpy as np
import pytest

from monitor.sequential.bounded import Means
from monitor.sequential.changes import Changes
from monitor.sequential.eprocess import Cells
from monitor.sequential.shifts import Shifts
from monitor.sequential.state import Cellwise
from monitor.sequential.steps import Sums


def every_kind() -> list[Cellwise]:
    cells, changes = Cells(3, "ratio", 0.9), Changes(3, "difference", 0.1, threshold=50)
    means = Means(3, "difference", limit=2.0, low=-10.0, high=10.0)
    shifts = Shifts(3, "excess", limit=2.0, low=-10.0, high=10.0, threshold=50)
    for i in range(5):
        cells.update(40, [20, 10, 0], 30, [5, 6, 0])
        changes.update(40, [20, 10, 0], 30, [5, 6, 0], time=i)
        a, b = Sums(40, 5_000, 700_000, [1, 0, 0]), Sums(30, [700, 900, 0], [20_000, 30_000, 0], 0)
        means.update(a, b)
        shifts.update(a, b, time=i)
    return [cells, changes, means, shifts]


LARGEST = {Means: 200, Shifts: 320}  # means have twice the sums; all others 160


@pytest.mark.parametrize("test", every_kind(), ids=lambda test: type(test).__name__)
class TestEveryKind:
    def test_bytes_round_trip(self, test: Cellwise) -> None:
        again = type(test).from_bytes(test.to_bytes())
        assert again.to_bytes() == test.to_bytes()
        assert all(again.state[name].dtype == array.dtype for name, array in test.state.items())

    def test_a_cell_takes_few_bytes(self, test: Cellwise) -> None:
        test = type(test).from_bytes(test.to_bytes())
        test.grow(47)
        assert len(test.to_bytes()) <= 50 * LARGEST.get(type(test), 160)

    def test_new_cells_are_fresh_and_the_old_unchanged(self, test: Cellwise) -> None:
        grown = type(test).from_bytes(test.to_bytes())
        grown.grow(2)
        assert len(grown) == 5
        for name, fresh in test.fresh(2).items():
            np.testing.assert_array_equal(grown.state[name][..., :3], test.state[name])
            np.testing.assert_array_equal(grown.state[name][..., 3:], fresh)

    def test_a_restart_touches_its_cells_only(self, test: Cellwise) -> None:
        restarted = type(test).from_bytes(test.to_bytes())
        restarted.restart([1])
        for name, fresh in test.fresh(1).items():
            np.testing.assert_array_equal(restarted.state[name][..., [0, 2]], test.state[name][..., [0, 2]])
            np.testing.assert_array_equal(restarted.state[name][..., [1]], fresh)

    def test_a_newer_format_is_refused(self, test: Cellwise) -> None:
        line, _, body = test.to_bytes().partition(b"\n")
        newer = json.dumps(json.loads(line) | {"format": 2}).encode() + b"\n" + body
        message = f"state of {type(test).__name__}: format = 2: allowed is up to 1: upgrade Fairlead"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            type(test).from_bytes(newer)

    @pytest.mark.parametrize("data", [b"", b"\x00\x01\x02", b"[1]\n", b'{"format": 1}', b"{}\nabc"])
    def test_what_is_no_state_is_refused(self, test: Cellwise, data: bytes) -> None:
        with pytest.raises(ValueError, match=r"a line of JSON with its format is expected$"):
            type(test).from_bytes(data)

    def test_a_cut_state_is_refused(self, test: Cellwise) -> None:
        data = test.to_bytes()
        with pytest.raises(ValueError, match=r"bytes: \d+ are expected$"):
            type(test).from_bytes(data[:-1])


def test_another_tests_state_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^state of Changes: test = 'Cells': 'Changes' is expected$"):
        Changes.from_bytes(Cells(2).to_bytes())
