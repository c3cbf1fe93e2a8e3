"""Old panes summed up: no window that may still be asked for loses a unit."""

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.arrays.codes import Codes
from monitor.panes import DECISION, OUTCOME, ROLLED, Panes, Window
from monitor.panes.packed import Pane
from tests.monitor.facts.test_facts import Event, events, fed
from tests.monitor.readable import cells


def sent(found: list[Event]) -> list[Pane]:
    facts = fed(found)
    return facts.panes["loans"].take("loans", 3, "shape")


def received(panes: list[Pane]) -> Panes:
    held = Panes(Codes(), 86_400_000)
    for pane in panes:
        assert held.put(pane)
    return held


def counts(window: Window) -> Counter[tuple[object, ...]]:
    """What a window counts, by group and measure's key."""
    found: Counter[tuple[object, ...]] = Counter()
    for (group, measure), count in zip(window.pairs.tolist(), window.counts.tolist(), strict=True):
        found[window.groups[group], int(window.measures[measure])] += count
    return found


@settings(max_examples=100)
@given(events, st.integers(0, 8))
def test_windows_are_as_before(found: list[Event], end: int) -> None:
    panes = received(sent(found))
    wholes = [(DECISION, None), (DECISION, end), (DECISION, end + 1), (OUTCOME, end)]
    before = [counts(panes.window(axis, start, None)) for axis, start in wholes]
    pane, old = panes.roll(end, "loans", "shape")
    assert [counts(panes.window(axis, start, None)) for axis, start in wholes] == before
    assert all((slot & 0xFFFFFF) < end for _, slot in old)
    assert panes.worn(end) == 0
    assert sum(cells(pane).values()) == before[0].total() - before[1].total()


@settings(max_examples=50)
@given(events, st.integers(0, 8), st.integers(0, 8))
def test_the_sum_and_the_rest_recover_and_roll_on(found: list[Event], first: int, more: int) -> None:
    all_panes = sent(found)
    panes = received(all_panes)
    whole = counts(panes.window(DECISION, None, None))
    rolled, old = panes.roll(first, "loans", "shape")
    rest = [pane for pane in all_panes if (pane.partition, pane.slot) not in old]
    recovered = received([rolled, *rest])
    recovered.roll(first + more, "loans", "shape")
    assert sum(counts(recovered.window(DECISION, None, None)).values()) == whole.total()


@settings(max_examples=50)
@given(events, st.integers(1, 8), st.randoms())
def test_what_a_crash_left_beside_the_sum_counts_once(
    found: list[Event], end: int, chance: random.Random
) -> None:
    """The sum is durable before the panes that are in it are removed; in a log they may come first."""
    all_panes = sent(found)
    panes = received(all_panes)
    whole, late = (
        counts(panes.window(axis, start, None)) for axis, start in ((DECISION, None), (OUTCOME, end))
    )
    rolled, _ = panes.roll(end, "loans", "shape")
    left = [*all_panes, rolled]
    chance.shuffle(left)
    recovered = Panes(panes.codes, 86_400_000)
    for pane in left:
        recovered.put(pane)
    assert counts(recovered.window(DECISION, None, None)) == whole
    assert counts(recovered.window(OUTCOME, end, None)) == late


def test_what_comes_for_a_summed_slice_is_refused() -> None:
    panes = received(sent([]))
    rolled, _ = panes.roll(5, "loans", "shape")
    assert (rolled.partition, panes.rolled) == (ROLLED, 5)
    late = Pane(model="loans", partition=0, slot=4, shape="shape", phi="ff", counted=b"")
    assert not panes.put(late)
    assert not received([rolled]).put(late)
