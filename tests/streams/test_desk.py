"""The clock of a desk, what it keeps of panes, and what it takes up again after a restart."""

from collections import Counter
from math import inf

import numpy as np
import pytest

from alerts import alert
from monitor.config import Config, Model, Rule
from monitor.events import Decision
from monitor.facts import Facts
from monitor.panes import packed
from monitor.panes.packed import Pane
from streams.clocks import LOOKS, Speaker
from streams.desk import ALERT, Desk
from streams.messages import Clock, pane_key
from streams.partition import shape
from tests.alerts.sample import CONFIG as ALERTING
from tests.alerts.sample import alert as alert_of

DAY_MS = 86_400_000
LOANS = Model(positive=["yes"], attributes=["sex"], windows=["all"])
CONFIG = Config(models={"loans": LOANS})


def tell(desk: Desk, *times: int | None) -> None:
    """All partitions say how far they are, as often as it takes, and it stands for long."""
    speakers = [Speaker() for _ in times]
    for _ in range(2 * LOOKS + 1):
        for partition, (speaker, time) in enumerate(zip(speakers, times, strict=True)):
            word = speaker.word(Clock(partition, len(times), time, False), inf)
            speaker.logged(word, 0.0)
            desk.tick(word, 0.0)
    desk.settle(inf)


def test_the_clock_follows_what_all_have_said_and_never_falls() -> None:
    desk, seen = Desk(CONFIG), []
    for times in ([None, 7], [10, 20], [5, 30], [90, 80]):
        tell(desk, *times)
        seen.append(desk.clock)
    assert seen == [None, 10, 10, 80]


def test_the_clock_goes_on_where_it_stood_before_a_restart() -> None:
    desk = Desk(CONFIG)
    tell(desk, 50, 60)
    items = desk.unsaved()
    assert desk.unsaved() == {}
    restored = Desk(CONFIG)
    restored.restore(items)
    assert (restored.clock, restored.unsaved()) == (50, {})
    tell(restored, 20, 30)
    assert restored.clock == 50


def test_the_oldest_arrival_since_the_last_reading_is_kept() -> None:
    desk = Desk(CONFIG)
    for pane in panes(1):
        desk.take(pane)
    for arrived in (0, 900, 700, 0, 800):
        desk.tick(Clock(0, 1, 5, False, arrived), 0.0)
    assert desk.models["loans"].came == 700


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


def test_panes_that_a_crash_left_beside_their_sum_are_removed_and_count_once() -> None:
    desk = Desk(CONFIG)
    (old,) = panes(0, 1)
    desk.take(old)
    rolled, _ = desk.models["loans"].panes.roll(2, "loans", shape(LOANS))
    left = {pane_key(pane): packed.dump([pane])[0] for pane in (old, rolled)}
    restored = Desk(CONFIG)
    restored.restore(left)
    assert groups(restored) == {"F": 1, "M": 1}
    ages = [restored.models["loans"].age(2 * DAY_MS) for _ in range(2)]
    assert ages == [({}, [pane_key(old)]), ({}, [])]


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
    tell(desk, 5 * DAY_MS)
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
