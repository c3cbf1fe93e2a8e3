"""When a block closes."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sequential.blocks import CAP, OPEN, close_due, counts


def closed(*slices: tuple[int, int]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """The (n_a, n_b) of the blocks that close on slices of so many, and what stays open."""
    open_ = np.zeros((4, 1), OPEN)
    blocks = [
        (int(block[0, 0]), int(block[2, 0]))
        for n_a, n_b in slices
        for _, block in close_due(open_, counts(n_a, 0, n_b, 0, 1))
    ]
    return blocks, (int(open_[0, 0]), int(open_[2, 0]))


@pytest.mark.parametrize(
    ("slices", "blocks", "left"),
    [
        ([(50, 49)], [], (50, 49)),
        ([(50, 50)], [(50, 50)], (0, 0)),
        ([(99, 0), (0, 1)], [(99, 1)], (0, 0)),
        ([(100, 0), (100, 0)], [], (200, 0)),  # one group alone is waited with
        ([(100, 0), (100, 0), (50, 0)], [(250, 0)], (0, 0)),  # up to the cap
        ([(90, 0), (100, 80)], [(90, 0), (100, 80)], (0, 0)),  # a slice that would break the cap begins anew
        ([(240, 0), (0, 0), (20, 0)], [(240, 0)], (20, 0)),
        ([(90, 0), (60, 60)], [(150, 60)], (0, 0)),
        ([(5_000, 3_000)], [(5_000, 3_000)], (0, 0)),  # one slice is one block, however large
        ([(0, 0)], [], (0, 0)),
    ],
)
def test_a_block_closes_when_due(slices, blocks, left) -> None:
    assert closed(*slices) == (blocks, left)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), max_size=30))
def test_nothing_is_lost_and_only_a_slice_breaks_the_cap(slices) -> None:
    blocks, left = closed(*slices)
    assert np.sum([*blocks, left], axis=0).tolist() == np.sum([*slices, (0, 0)], axis=0).tolist()
    assert sum(left) < CAP
    assert all(sum(block) <= CAP or block in slices for block in blocks)


def test_cells_close_independently() -> None:
    open_ = np.zeros((4, 3), OPEN)
    [(cells, block)] = close_due(open_, counts([60, 10, 80], 5, [40, 10, 80], 3, 3))
    assert cells.tolist() == [0, 2]
    assert block.tolist() == [[60, 80], [5, 5], [40, 80], [3, 3]]
    assert open_.tolist() == [[0, 10, 0], [0, 5, 0], [0, 10, 0], [0, 3, 0]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([5, 5], [1, 6], 5, 1), "k_a = 6 in cell 1: allowed is 0 to n_a = 5"),
        ((5, 1, [5, 5], [-1, 0]), "k_b = -1 in cell 0: allowed is 0 to n_b = 5"),
        ((5, 0.5, 5, 1), "counts = float64 numbers: whole numbers are needed"),
    ],
)
def test_impossible_counts_are_refused(given, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        counts(*given, cells=2)
