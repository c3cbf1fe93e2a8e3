"""Panes as records: what is packed comes back, older records are read, newer ones are refused."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.panes import packed
from monitor.panes.packed import Counted, Pane, pack, unpack

NUMBERS = st.integers(-(2**62), 2**62)
KEYS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20, unique=True)


@st.composite
def counts(draw: st.DrawFn) -> Counted:
    keys = draw(KEYS)
    groups = draw(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), min_size=1, max_size=9))
    places = st.tuples(st.integers(0, len(groups) - 1), st.integers(0, len(keys) - 1))
    pairs = draw(st.lists(places, max_size=50, unique=True))
    numbers = draw(st.lists(NUMBERS, min_size=len(pairs), max_size=len(pairs)))
    return Counted(
        draw(st.dictionaries(st.integers(1, 9), st.text(max_size=3))),
        groups,
        np.array(keys, np.uint64),
        np.array(pairs, np.int64).reshape(-1, 2),
        np.array(numbers, np.int64),
    )


def cells(found: Counted) -> dict[tuple[int, int], int]:
    """Each count by its group's place and its measure."""
    pairs = zip(found.pairs.tolist(), found.counts.tolist(), strict=True)
    return {(group, int(found.measures[measure])): count for (group, measure), count in pairs}


@given(counts())
def test_what_is_packed_comes_back(counted: Counted) -> None:
    found = unpack(pack(counted))
    assert (found.texts, found.groups) == (counted.texts, counted.groups)
    assert found.measures.tolist() == sorted(counted.measures.tolist())
    assert cells(found) == cells(counted)


def test_nothing_comes_back_as_nothing() -> None:
    nothing = np.zeros(0, np.int64)
    found = unpack(pack(Counted({}, [], nothing.astype(np.uint64), nothing.reshape(0, 2), nothing)))
    assert (len(found.measures), found.pairs.shape, len(found.counts)) == (0, (0, 2), 0)


def test_a_crowd_of_cells_takes_about_a_byte_each() -> None:
    chance = np.random.default_rng(1)
    keys = np.sort(chance.choice(2**40, 2_000, replace=False).astype(np.uint64))
    places = np.flatnonzero(chance.random(2_000 * 40) < 0.5)
    pairs = np.stack(np.divmod(places, 2_000), axis=1)
    counted = Counted({}, [("a", str(n)) for n in range(40)], keys, pairs, chance.poisson(2, len(pairs)) + 1)
    assert len(pack(counted)) < 1.3 * len(pairs)


def test_a_record_of_the_first_version_is_read() -> None:
    old = {
        "model": "loans", "partition": 3, "slot": 9, "shape": "s", "phi": "ff", "texts": {1: "yes"},
        "groups": [("sex", "F"), ("sex", "M")], "measures": np.array([7, 5], "<u8").tobytes(),
        "cells": np.array([[1, 0], [0, 1]], "<u4").tobytes(), "counts": np.array([4, -2], "<i8").tobytes(),
    }  # fmt: skip
    pane = packed.load(msgspec.msgpack.encode(old))
    assert (pane.model, pane.partition, pane.slot, pane.shape, pane.phi) == ("loans", 3, 9, "s", "ff")
    found = unpack(pane.counted)
    assert (found.texts, found.groups) == ({1: "yes"}, [("sex", "F"), ("sex", "M")])
    assert cells(found) == {(1, 7): 4, (0, 5): -2}


def test_a_record_of_a_newer_version_is_refused() -> None:
    pane = Pane(version=2, model="loans", partition=0, slot=0, shape="", phi="1", counted=b"")
    with pytest.raises(ValueError, match=r"^pane: version = 2: allowed is up to 1: upgrade Fairlead$"):
        packed.load(msgspec.msgpack.encode(pane))
