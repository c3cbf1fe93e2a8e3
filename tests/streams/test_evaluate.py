"""Panes become readings and alerts: durable first, told again after a restart, the newest pane counts."""

import pytest

from alerts import alert
from alerts.alert import State
from monitor.panes import Pane
from streams.evaluate import newest
from tests.streams.line import CROWD, Line, decision


@pytest.fixture
async def line() -> Line:
    made = Line()
    await made.start()
    return made


async def test_a_gap_becomes_an_alert_that_is_durable_before_it_is_sent(line: Line) -> None:
    await line.produce(*map(decision, range(CROWD)))
    line.log.order.clear()
    await line.settle()
    assert line.groups() == {"F": CROWD // 2, "M": CROWD // 2}
    assert [state for _, state in line.states()] == ["firing"]
    order = [topic for topic, _ in line.log.order]
    sent = order.index(line.topics.alerts)
    assert order[sent - 1] == line.topics.pane_table
    (record,) = line.log.values(line.topics.alerts)
    assert alert.decode(record).state is State.FIRING


async def test_after_a_restart_the_state_is_sent_again_and_nothing_else_changes(line: Line) -> None:
    await line.produce(*map(decision, range(CROWD)))
    await line.settle()
    before = line.log.values(line.topics.alerts)
    line.commit()
    await line.start()
    await line.settle()
    after = line.log.values(line.topics.alerts)
    assert len(before) == 1
    assert after == before * 2
    assert line.groups() == {"F": CROWD // 2, "M": CROWD // 2}


async def test_an_old_pane_changes_nothing(line: Line) -> None:
    """As a worker sends it that was away for a while."""
    await line.produce(*map(decision, range(20)))
    await line.settle()
    old = [record for tp, log in line.log.records.items() if tp.topic == line.topics.panes for record in log]
    await line.produce(*map(decision, range(20, CROWD)))
    await line.settle()
    writes = len(line.log.values(line.topics.pane_table))
    for key, value in old:
        await line.log.send(line.topics.panes, key, value, None)
    await line.settle()
    assert line.groups() == {"F": CROWD // 2, "M": CROWD // 2}
    assert len(line.log.values(line.topics.pane_table)) == writes


async def test_the_wait_from_arrival_to_verdict_is_measured(line: Line) -> None:
    await line.produce(*map(decision, range(4)))
    await line.settle()
    latency = line.worker.health().latency
    assert sum(latency.counts) == 1
    assert latency.total > 0


async def test_a_partition_that_left_is_forgotten(line: Line) -> None:
    await line.produce(*map(decision, range(CROWD)))
    await line.settle()
    for partition in list(line.worker.evaluate.desks):
        line.worker.evaluate._revoked(partition)
    assert (line.worker.readings(), line.worker.alerts()) == ([], [])


def pane(phi: int, partition: int = 0, slot: int = 0) -> Pane:
    return Pane(
        model="loans", partition=partition, slot=slot, shape="", phi=f"{phi:x}", texts={}, groups=[],
        measures=b"", cells=b"", counts=b"",
    )  # fmt: skip


def test_of_several_panes_of_one_place_the_newest_is_kept() -> None:
    held: dict[tuple[str, int, int], Pane] = {}
    newest(held, [pane(9), pane(16), pane(10), pane(1, partition=1), pane(2, slot=1)])
    newest(held, [pane(15), pane(3, slot=1)])
    assert {name[1:]: int(found.phi, 16) for name, found in held.items()} == {
        (0, 0): 16,
        (1, 0): 1,
        (0, 1): 3,
    }
