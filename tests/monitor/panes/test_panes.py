"""Panes: the larger Φ wins, partitions add up, windows are sums; nothing depends on the order of codes."""

from collections import Counter

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.codes import LIMIT, OTHER, Codes
from monitor.panes import measures
from monitor.panes.packed import Pane, unpack
from monitor.panes.panes import DECISION, GROUPS, OUTCOME, PAIRS, UNIT, Panes, Window, limit

WIDTH = 1000
added = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from("FMX"), st.sampled_from(["yes", "no"]), st.integers(1, 9)),
    max_size=20,
)  # slice, group, decision, count
Cells = Counter[tuple[int, str, str]]
Added = list[tuple[int, str, str, int]]


def fill(panes: Panes, found: Added, time: int = 1) -> Panes:
    """Adds counts to the axis of decisions; every slice advances by `time`."""
    for number, group, decision, count in found:
        slots = np.array([number + (DECISION << 24)], np.uint64)
        keys = measures.pack(measures.CORE, panes.codes.code(decision), 0, 0)
        rows = panes.group("sex", panes.codes.encode([group]))
        panes.add(slots, rows, keys, np.array([count]))
        panes.advance(slots, np.array([time]), np.array([0]))
    return panes


def new(*before: str) -> Panes:
    """Panes of a process whose codes are its own."""
    codes = Codes()
    codes.encode(before)
    return Panes(codes, WIDTH)


def shown(window: Window, codes: Codes) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for (row, measure), count in zip(window.pairs.tolist(), window.counts.tolist(), strict=True):
        attribute, group = window.groups[row]
        assert attribute == "sex"
        decision = codes.texts[int(measures.field(window.measures[measure : measure + 1], 0)[0])]
        found[group, str(decision)] += count
    return found


def expected(*parts: Added, first: int = 0, last: int = 99) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for number, group, decision, count in (row for part in parts for row in part):
        if first <= number < last:
            found[group, decision] += count
    return found


@given(added, added, st.integers(0, 6), st.integers(0, 6))
def test_windows_are_sums_over_slices_and_partitions(one: Added, two: Added, first: int, last: int) -> None:
    evaluate = new("M", "no")
    for partition, part in enumerate((one, two)):
        for pane in fill(new(), part).take("m", partition, "s"):
            assert evaluate.put(pane)
    everything = shown(evaluate.window(DECISION, None, None), evaluate.codes)
    assert everything == expected(one, two)
    part = shown(evaluate.window(DECISION, first, last), evaluate.codes)
    assert part == expected(one, two, first=first, last=last)
    assert not len(evaluate.window(OUTCOME, None, None).counts)


@given(added, st.integers(0, 6), st.integers(0, 6))
def test_a_series_is_its_window_slice_by_slice(found: Added, first: int, last: int) -> None:
    panes = fill(new(), found)
    slices, window = panes.series(DECISION, first, last)
    by_slice: Counter[int] = Counter()
    for number, count in zip(slices.tolist(), window.counts.tolist(), strict=True):
        by_slice[number] += count
    hand: Counter[int] = Counter()
    for number, _, _, count in found:
        hand[number] += count if first <= number < last else 0
    assert +by_slice == +hand


@given(added, added, st.permutations([0, 1, 2, 3]))
def test_of_one_place_the_pane_with_the_larger_phi_is_kept(old: Added, more: Added, order: list[int]) -> None:
    """In whatever order an older and a newer state arrive, each twice."""
    collect = fill(new(), old)
    before = collect.take("m", 0, "s")
    after = fill(collect, more).take("m", 0, "s")
    states = [before, after, before, after]
    evaluate = new("X")
    for place in order:
        for pane in states[place]:
            evaluate.put(pane)
    assert shown(evaluate.window(DECISION, None, None), evaluate.codes) == expected(old, more)


def test_a_pane_that_is_no_newer_changes_nothing() -> None:
    (pane,) = fill(new(), [(3, "F", "yes", 5)]).take("m", 0, "s")
    evaluate = new()
    assert [evaluate.put(pane), evaluate.put(pane)] == [True, False]
    assert evaluate.dirty == {3}


def test_only_what_changed_is_taken() -> None:
    panes = fill(new(), [(1, "F", "yes", 1), (2, "F", "yes", 1)])
    assert [pane.slot for pane in panes.take("m", 0, "s")] == [1, 2]
    assert panes.take("m", 0, "s") == []
    assert [pane.slot for pane in fill(panes, [(2, "M", "no", 1)]).take("m", 0, "s")] == [2]


def test_counts_that_fell_to_nothing_leave_no_trace() -> None:
    panes = fill(new(), [(1, "F", "yes", 3), (1, "F", "yes", -3), (1, "M", "yes", 2)])
    (pane,) = panes.take("m", 0, "s")
    assert unpack(pane.counted).groups == [("sex", "M")]


def test_phi_outgrows_sixty_four_bits() -> None:
    panes = fill(new(), [(1, "F", "yes", 1)] * 20, time=2**60)
    (pane,) = panes.take("m", 0, "s")
    assert int(pane.phi, 16) == 20 * 2**92


def test_a_pane_is_the_same_behind_a_wire() -> None:
    (pane,) = fill(new(), [(1, "F", "yes", 1), (1, "M", "no", 2)]).take("m", 7, "s")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(pane), type=Pane) == pane


def test_groups_of_all_partitions_together_are_capped() -> None:
    evaluate = new()
    for partition in range(4):
        crowd = [(0, f"g{partition}-{i}", "yes", 1) for i in range(GROUPS)]
        for pane in fill(new(), crowd).take("m", partition, "s"):
            evaluate.put(pane)
    found = shown(evaluate.window(DECISION, None, None), evaluate.codes)
    assert len(found) == GROUPS + 1
    assert found[OTHER, "yes"] == 3 * GROUPS
    for partition in range(4):  # and the newer pane replaces what was counted as __other__
        crowd = [(0, f"g{partition}-{i}", "yes", 2) for i in range(GROUPS)]
        for pane in fill(new(), crowd, time=2).take("m", partition, "s"):
            assert evaluate.put(pane)
    found = shown(evaluate.window(DECISION, None, None), evaluate.codes)
    assert (len(found), found[OTHER, "yes"]) == (GROUPS + 1, 6 * GROUPS)


def test_pairs_of_a_group_and_its_slice_may_be_more() -> None:
    assert (limit("sex"), limit(f"sex{UNIT}region")) == (GROUPS, PAIRS)


def test_more_groups_than_any_model_has_stay_in_their_slot() -> None:
    panes = new(*map(str, range(30_000)))
    rows = np.concatenate([panes.group(name, np.arange(2, 30_000)) for name in ("sex", "age", "race")])
    slots, keys = np.full(len(rows), 4, np.uint64), np.repeat(measures.pack(measures.CORE, 1), len(rows))
    panes.add(slots, rows, keys, np.ones(len(rows), np.int64))
    assert np.unique(panes.slots()).tolist() == [4]
    window = panes.window(DECISION, 4, 5)
    assert sorted(window.pairs[:, 0].tolist()) == sorted(rows.tolist())
    assert window.counts.sum() == len(rows) > 1 << 16


def test_counts_stay_with_their_groups_when_old_slices_are_dropped() -> None:
    panes = new()
    for pane in fill(new(), [(1, "F", "yes", 2), (3, "M", "no", 5)]).take("m", 0, "s"):
        panes.put(pane)
    panes.roll(2, "m", "s")
    assert shown(panes.window(DECISION, 2, 9), panes.codes) == {("M", "no"): 5}
    assert shown(panes.window(DECISION, None, None), panes.codes) == {("M", "no"): 5, ("F", "yes"): 2}


def test_numbers_keep_their_names_however_many_values_others_named() -> None:
    collect, evaluate = new("values.csat", "values.nps"), new()
    for number in range(LIMIT):
        evaluate.codes.value(f"t{number}")
    slots, rows = np.zeros(2, np.uint64), collect.group("sex", [1, 1])
    collect.add(slots, rows, measures.pack(measures.NUMBER, [2, 3], 7), np.array([4, 5]))
    collect.advance(slots, np.ones(2, np.int64), np.ones(2, np.int64))
    for pane in collect.take("m", 0, "s"):
        evaluate.put(pane)
    window = evaluate.window(DECISION, None, None)
    names = [evaluate.codes.texts[code] for code in measures.field(window.measures, 0).tolist()]
    counts = dict(zip(window.pairs[:, 1].tolist(), window.counts.tolist(), strict=True))
    assert {names[measure]: count for measure, count in counts.items()} == {"values.csat": 4, "values.nps": 5}
