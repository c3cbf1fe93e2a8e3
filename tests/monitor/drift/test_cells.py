"""Cells hold about a tenth of the baseline each, and a cell of their own for what is new."""

import numpy as np

from monitor.drift import _cells, psi
from monitor.panes import histogram
from monitor.panes.histogram import Histogram


def cells(baseline: Histogram, current: Histogram) -> list[list[int]]:
    found = _cells.counts(baseline, current)
    assert found is not None
    return [row.tolist() for row in found]


def test_a_continuous_baseline_gives_ten_groups_of_about_a_tenth() -> None:
    scores = histogram.numeric(np.random.default_rng(8).beta(2, 5, 10_000))
    mine, same = cells(scores, scores)

    assert len(mine) == 10
    assert mine == same
    assert all(800 <= count <= 1200 for count in mine)


def test_the_outer_groups_of_a_continuous_baseline_are_open() -> None:
    scores = histogram.numeric(np.linspace(0.2, 0.8, 1000))
    mine, theirs = cells(scores, histogram.numeric([-5, 0.1, 0.5, 7, 8]))

    assert (theirs[0], theirs[-1], sum(theirs)) == (2, 2, 5)
    assert sum(mine) == 1000


def test_a_constant_has_cells_for_what_lies_beyond_it() -> None:
    assert cells(histogram.numeric([5] * 10), histogram.numeric([4, 5, 5, 6, 7])) == [[0, 10, 0], [1, 2, 2]]


def test_a_flag_keeps_both_values_apart_and_new_ones_from_them() -> None:
    flags = histogram.numeric([0] * 60 + [1] * 40)

    assert cells(flags, histogram.numeric([0, 1, 1, 2])) == [[60, 40, 0], [1, 2, 1]]


def test_a_heavy_value_is_never_split() -> None:
    mostly = histogram.numeric([0] * 95 + [3, 4, 5, 6, 7])

    assert cells(mostly, mostly)[0][0] == 95


def test_cells_that_nobody_is_in_are_left_out() -> None:
    assert cells(histogram.numeric([5] * 10), histogram.numeric([5] * 3)) == [[10], [3]]


def test_all_categories_of_both_are_cells() -> None:
    found = cells(histogram.categorical("aab"), histogram.categorical("bc"))

    assert found == [[2, 1, 0], [0, 1, 1]]


def test_psi_sees_a_constant_that_changes() -> None:
    limits = psi.interval(histogram.numeric([5] * 200), histogram.numeric([7] * 200))

    assert limits is not None
    assert limits[0] > 0.2
