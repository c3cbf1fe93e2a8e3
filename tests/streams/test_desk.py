"""The clock of a desk, what it keeps of panes, and what it takes up again after a restart."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import alert
from monitor.config import Config, Model
from monitor.events import Decision
from monitor.facts import Facts
from monitor.panes import Pane
from streams.desk import ALERT, SETTLE_SECONDS, Desk
from streams.messages import Clock
from streams.partition import shape
from tests.alerts.sample import CONFIG as ALERTING
from tests.alerts.sample import alert as alert_of

DAY_MS = 86_400_000
LOANS = Model(positive=["yes"], attributes=["sex"], windows=["all"])
CONFIG = Config(models={"loans": LOANS})


def desk_after(*clocks: Clock) -> Desk:
    desk = Desk(CONFIG)
    for clock in clocks:
        desk.tick(clock, 0.0)
    desk.settle(SETTLE_SECONDS)
    return desk


def clock(partition: int, time: int | None, idle: bool = False, of: int = 3) -> Clock:
    return Clock(partition, of, time, idle)


@pytest.mark.parametrize(
    ("clocks", "expected"),
    [
        ([clock(0, 10), clock(1, 20)], None),  # one partition has not spoken
        ([clock(0, 10), clock(1, 20), clock(2, 30)], 10),
        ([clock(0, 10, idle=True), clock(1, 20), clock(2, 30)], 20),
        ([clock(0, 10), clock(1, 20), clock(2, None)], None),  # it reads, and knows no time yet
        ([clock(0, 10), clock(1, 20), clock(2, None, idle=True)], 10),
        ([clock(0, 10, idle=True), clock(1, 20, idle=True), clock(2, None, idle=True)], 20),
        ([clock(0, None, idle=True), clock(1, None, idle=True), clock(2, None, idle=True)], None),
        ([clock(0, 10), clock(1, 20), clock(2, 30), clock(0, 40)], 20),
        ([clock(0, 10), clock(1, 20), clock(2, 30), clock(0, 5)], 5),  # as a new owner may say first
    ],
)
def test_the_clock_is_the_slowest_of_those_that_are_not_idle(
    clocks: list[Clock], expected: int | None
) -> None:
    assert desk_after(*clocks).clock == expected


told = st.builds(
    Clock,
    partition=st.integers(0, 2),
    partitions=st.just(3),
    time=st.none() | st.integers(0, 9),
    idle=st.booleans(),
)


@given(st.lists(told, max_size=30))
def test_the_clock_stands_still_until_all_have_spoken_and_never_falls(clocks: list[Clock]) -> None:
    desk, seen, times = Desk(CONFIG), set(), []
    for now, each in enumerate(clocks):
        desk.tick(each, float(now))
        desk.settle(float(now))
        seen.add(each.partition)
        assert desk.clock is None or len(seen) == 3
        times.append(-1 if desk.clock is None else desk.clock)
    assert all(before <= after for before, after in pairwise(times))


def test_what_is_told_first_waits_for_what_is_under_way() -> None:
    """All were idle; then much comes at once, and one partition speaks of it before the others do."""
    desk = desk_after(*(clock(partition, 10, idle=True) for partition in range(3)))
    assert desk.clock == 10
    desk.tick(clock(0, 90), 100.0)
    desk.settle(101.0)
    assert desk.clock == 10
    desk.tick(clock(1, 20), 102.0)
    desk.tick(clock(2, 30), 102.5)
    seen = []
    for now in (103.0, 104.9, 105.0):
        desk.settle(now)
        seen.append(desk.clock)
    assert seen == [20, 20, 20]
    desk.tick(clock(1, 90), 106.0)
    for now in (108.9, 109.0):
        desk.settle(now)
        seen.append(desk.clock)
    assert seen[3:] == [20, 30]


def test_the_clock_goes_on_where_it_stood_before_a_restart() -> None:
    desk = desk_after(*(clock(partition, 50) for partition in range(3)))
    items = desk.unsaved()
    assert desk.unsaved() == {}
    restored = Desk(CONFIG)
    restored.restore(items)
    assert (restored.clock, restored.unsaved()) == (50, {})
    for partition in range(3):
        restored.tick(clock(partition, 20), 0.0)
    restored.settle(SETTLE_SECONDS)
    assert restored.clock == 50


def test_the_oldest_arrival_since_the_last_reading_is_kept() -> None:
    desk = desk_after(*(Clock(0, 1, 5, False, arrived) for arrived in (0, 900, 700, 0, 800)))
    assert desk.arrived == 700


def panes(*numbers: int, partition: int = 0, model: str = "loans", cut: Model = LOANS) -> list[Pane]:
    """The panes of some decisions, all of one day."""
    facts = Facts({model: cut}, bytes(16))
    events = [
        Decision(id=f"d{n}", model=model, time=0.0, decision="yes", attributes={"sex": "FM"[n % 2]})
        for n in numbers
    ]
    facts.observe(events, np.full(len(events), DAY_MS, np.int64))
    return facts.panes[model].take(model, partition, shape(cut))


def groups(desk: Desk) -> dict[str, int]:
    watched = desk.models["loans"]
    desk.clock = 2 * DAY_MS
    assert watched.read(desk.clock, 0.0)
    return {name: group.n for name, group in watched.readings[0].attributes["sex"].groups.items()}


def test_the_newest_pane_of_a_place_counts_and_places_add_up() -> None:
    desk = Desk(CONFIG)
    (new,), (old,), (other,) = panes(0, 1, 2), panes(0), panes(3, 4, partition=1)
    assert desk.take(new) is not None
    assert desk.take(old) is None
    assert desk.take(new) is None
    assert desk.take(other) is not None
    assert groups(desk) == {"F": 3, "M": 2}


def test_panes_of_another_shape_or_of_an_unknown_model_are_left_out() -> None:
    desk = Desk(CONFIG)
    (cut_otherwise,) = panes(0, cut=Model(positive=["yes"], attributes=["sex"], windows=["1h", "all"]))
    (stranger,) = panes(0, model="others")
    assert desk.take(cut_otherwise) is desk.take(stranger) is None


def test_what_is_durable_comes_back_in_any_order() -> None:
    desk, items = Desk(CONFIG), {}
    for pane in [*panes(0, 1), *panes(2, partition=1), *panes(0, 1, 3)]:
        if item := desk.take(pane):
            items[item[0]] = item[1]
    assert len(items) == 2
    restored = Desk(CONFIG)
    restored.restore(dict(reversed(items.items())))
    assert groups(restored) == groups(desk) == {"F": 2, "M": 2}
    assert restored.untold == []


def test_all_alerts_are_to_be_told_again() -> None:
    firing = alert_of()
    desk = Desk(ALERTING)
    desk.restore({ALERT + firing.id.encode(): alert.encode(firing)})
    assert desk.untold == [firing]
    assert desk.alerts == {firing.id: firing}


def test_without_a_clock_nobody_is_judged() -> None:
    desk = Desk(ALERTING)
    desk.restore({ALERT + b"x": alert.encode(alert_of())})
    assert desk.judge_removed() == []


def test_an_alert_of_a_model_that_is_gone_ends() -> None:
    desk = Desk(CONFIG)
    desk.restore({ALERT + b"x": alert.encode(alert_of())})
    desk.tick(Clock(0, 1, 5 * DAY_MS, False), 0.0)
    desk.settle(SETTLE_SECONDS)
    (ended,) = desk.judge_removed()
    assert (ended.state, ended.note) == ("resolved", "the model was removed from the configuration")


def test_nothing_new_is_not_read_again() -> None:
    desk = Desk(CONFIG)
    for pane in panes(0, 1):
        desk.take(pane)
    watched = desk.models["loans"]
    assert [watched.read(clock, 0.0) for clock in (None, DAY_MS, DAY_MS + 1, 3 * DAY_MS)] == [
        False,
        True,
        False,
        True,
    ]


def test_silence_makes_a_reading_stale() -> None:
    desk = Desk(CONFIG)
    for pane in panes(*range(50)):
        desk.take(pane)
    watched = desk.models["loans"]
    watched.arrived = 1_000.0
    day = 86_400.0
    assert watched.read(2 * DAY_MS, 1_000.0 + day)
    fresh = {c.verdict for c in watched.readings[0].attributes["sex"].comparisons}
    assert watched.read(2 * DAY_MS, 1_000.1 + day)
    stale = {c.verdict for c in watched.readings[0].attributes["sex"].comparisons}
    assert "stale" not in fresh
    assert stale == {"stale"}
