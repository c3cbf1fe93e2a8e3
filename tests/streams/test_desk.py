"""The clock of a desk, what it keeps of panes, and what it takes up again after a restart."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import alert
from monitor.config import Config, Model, Rule
from monitor.events import Decision
from monitor.facts import Facts
from monitor.panes import packed
from monitor.panes.packed import Pane
from streams.desk import ALERT, SETTLE_SECONDS, Desk
from streams.messages import Clock, pane_key
from streams.partition import shape
from tests.alerts.sample import CONFIG as ALERTING
from tests.alerts.sample import alert as alert_of

DAY_MS = 86_400_000
LOANS = Model(positive=["yes"], attributes=["sex"], windows=["all"])
CONFIG = Config(models={"loans": LOANS})


def desk_after(*clocks: Clock) -> Desk:
    desk = Desk(CONFIG)
    said = {clock.partition: clock for clock in clocks}
    for clock in clocks:
        desk.tick(clock, 0.0)
    for now in (1.5, SETTLE_SECONDS):
        tell(desk, now, *said.values())
    desk.settle(SETTLE_SECONDS)
    return desk


def tell(desk: Desk, now: float, *clocks: Clock) -> None:
    for clock in clocks:
        desk.tick(clock, now)


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
    idle = [clock(partition, 10, idle=True) for partition in range(3)]
    desk = desk_after(*idle)
    assert desk.clock == 10
    tell(desk, 4.0, clock(0, 90), *idle[1:])
    desk.settle(5.0)
    assert desk.clock == 10
    tell(desk, 6.0, clock(1, 20), idle[2])
    tell(desk, 6.5, clock(2, 30))
    seen = []
    for now in (7.0, 8.9, 9.0):
        desk.settle(now)
        seen.append(desk.clock)
    assert seen == [20, 20, 20]
    tell(desk, 10.0, clock(1, 90))
    for now in (12.9, 13.0):
        desk.settle(now)
        seen.append(desk.clock)
    assert seen[3:] == [20, 30]


def test_who_was_idle_and_is_silent_holds_the_clock() -> None:
    """Its worker died; what has come to it since, nobody knows before its successor has spoken."""
    idle = [clock(partition, 10, idle=True) for partition in range(3)]
    desk = desk_after(*idle)
    for now in (4.0, 5.0, 6.0, 7.0, 8.0, 9.0):
        tell(desk, now, clock(0, 90), clock(1, 90))
        desk.settle(now)
    assert desk.clock == 10
    for now in (10.0, 11.0, 12.0, 13.0):
        tell(desk, now, clock(0, 90), clock(1, 90), clock(2, 40))
        desk.settle(now)
    assert desk.clock == 40


def test_nothing_is_settled_while_kafka_is_silent() -> None:
    """What was told just before may be half of what there is: the rest has not been fetched."""
    desk = desk_after(*(clock(partition, 10) for partition in range(3)))
    tell(desk, 4.0, *(clock(partition, 90) for partition in range(3)))
    desk.settle(8.0, heard=False)
    desk.settle(9.0)
    assert desk.clock == 10
    tell(desk, 9.5, clock(1, 20))
    desk.settle(12.6)
    assert desk.clock == 20


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


def test_panes_of_another_shape_or_of_an_unknown_model_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    set_aside: Counter[str] = Counter()
    desk = Desk(CONFIG, set_aside=set_aside)
    (cut_otherwise,) = panes(0, cut=Model(positive=["yes"], attributes=["sex"], windows=["1h", "all"]))
    (stranger,) = panes(0, model="others")
    assert desk.take(cut_otherwise) is desk.take(stranger) is None
    restored = Desk(CONFIG, set_aside=set_aside)
    restored.restore({pane_key(cut_otherwise): packed.dump([cut_otherwise])[0]})
    assert set_aside == {"loans": 2}
    (line,) = caplog.messages
    assert line.startswith("loans: counts that another configuration cut are set aside")
    assert len(restored.models["loans"].panes.slots()) == 0


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


def test_before_there_is_a_clock_counts_are_shown_and_nothing_is_decided() -> None:
    desk = Desk(CONFIG)
    for pane in panes(*range(50)):
        desk.take(pane)
    watched = desk.models["loans"]
    assert not watched.read(None, 0.0)
    (early,) = watched.readings
    assert watched.unsaved() == {}
    assert watched.read(2 * DAY_MS, 0.0)
    (found,) = watched.readings
    shown = [reading.attributes["sex"].groups for reading in (early, found)]
    assert shown[0] == shown[1] != {}
    assert {c.verdict for c in early.attributes["sex"].comparisons} <= {"undecided", "undefined"}


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


def taken(desk: Desk, found: list[Pane]) -> dict[bytes, bytes]:
    return dict(item for pane in found if (item := desk.take(pane)))


def test_detectors_go_on_after_a_restart_though_much_came_late() -> None:
    """What came late was not fed; rebuilt from the counts, it would have been."""
    rules = [Rule(metric=name, stream="selection") for name in ("page_hinkley", "hddm_a")]
    model = Model(positive=["yes"], attributes=["sex"], windows=["all"], rules=rules)
    config, chance = Config(models={"loans": model}), np.random.default_rng(5)
    facts = Facts({"loans": model}, bytes(16))
    granted = (chance.random((60, 50)) < np.where(np.arange(60) < 30, 0.2, 0.7)[:, None]).ravel().tolist()
    events = [
        Decision(id=f"{n}", model="loans", time=0.0, decision="yes" if yes else "no", attributes={"sex": "F"})
        for n, yes in enumerate(granted)
    ]
    days = np.repeat(np.arange(60), 50) * DAY_MS
    late = chance.random(len(events)) < 0.3
    live, table = Desk(config), {}
    for upto in range(1, 61):
        for came in (~late & (days == (upto - 1) * DAY_MS), late & (days == (upto - 3) * DAY_MS)):
            some = np.flatnonzero(came)
            facts.observe([events[i] for i in some], days[some])
        table |= taken(live, facts.panes["loans"].take("loans", 0, shape(model)))
        live.clock = upto * DAY_MS
        watched = live.models["loans"]
        watched.read(live.clock, 0.0)
        table |= watched.unsaved()
        if upto % 7 == 0:
            restored = Desk(config)
            restored.restore(table)
            restored.models["loans"].read(live.clock, 0.0)
            assert restored.models["loans"].readings == watched.readings
            live = restored
    found = {d.measure: d for d in live.models["loans"].readings[0].drift if d.stream == "selection"}
    assert set(found) == {"adwin", "page_hinkley", "hddm_a"}
    assert found["adwin"].value == 1
    assert found["adwin"].n < len(events) - late.sum() // 2
