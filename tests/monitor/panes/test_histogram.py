"""Histograms are exact and additive, whatever the split of the values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.panes import bins, histogram
from monitor.panes.histogram import Histogram

numbers = st.lists(st.floats(allow_nan=False, allow_infinity=False))
names = st.lists(st.text(max_size=4))


@given(numbers, numbers)
def test_merging_numbers_counts_them_together(some: list[float], more: list[float]) -> None:
    together = histogram.numeric(some + more, missing=3)

    assert histogram.numeric(some, missing=1).merge(histogram.numeric(more, missing=2)) == together


@given(names, names)
def test_merging_categories_counts_them_together(some: list[str], more: list[str]) -> None:
    together = histogram.categorical(some + more)

    assert histogram.categorical(some).merge(histogram.categorical(more)) == together


@given(names)
def test_a_category_counts_as_often_as_it_comes(some: list[str]) -> None:
    counted = histogram.categorical(some)

    assert dict(zip(counted.keys, counted.counts, strict=True)) == {name: some.count(name) for name in some}
    assert counted.total == len(some)


@given(numbers)
def test_counts_by_code_make_the_same_histogram(some: list[float]) -> None:
    codes = bins.code(some).tolist()

    assert histogram.from_counts({code: codes.count(code) for code in codes}) == histogram.numeric(some)


def test_numbers_and_categories_do_not_merge() -> None:
    with pytest.raises(ValueError, match="no keys in common"):
        histogram.numeric([1]).merge(histogram.categorical("a"))


def test_an_empty_histogram_merges_with_either_kind() -> None:
    for full in (histogram.numeric([1]), histogram.categorical("a")):
        assert Histogram().merge(full) == full.merge(Histogram()) == full
        assert Histogram().merge(full).numeric is full.numeric


def test_middles_stand_for_the_values() -> None:
    assert np.array_equal(histogram.numeric([18, 21, 35]).middles, [18.0, 21.0, 35.0])


def test_histograms_differ_by_missing_values_alone() -> None:
    assert histogram.numeric([1], missing=1) != histogram.numeric([1])


def test_a_stream_of_both_kinds_is_of_the_kind_of_most_and_misses_the_others() -> None:
    few_names = histogram.from_counts({bins.ZERO: 5, "n/a": 2}, missing=1)
    few_numbers = histogram.from_counts({bins.ZERO: 2, "n/a": 5})

    assert few_names == Histogram(np.array([bins.ZERO], np.uint16), np.array([5]), 3)
    assert few_numbers == histogram.categorical(["n/a"] * 5, missing=2)


@given(numbers, names)
def test_no_value_of_a_mixed_stream_is_lost(some: list[float], more: list[str]) -> None:
    found = histogram.majority(histogram.numeric(some), histogram.categorical(more))

    assert found.total == max(len(some), len(more))
    assert found.total + found.missing == len(some) + len(more)


def test_a_draw_is_of_numbers() -> None:
    assert histogram.from_counts({bins.ZERO: 1, "a": 1}).numeric
    assert histogram.from_counts({}).numeric
