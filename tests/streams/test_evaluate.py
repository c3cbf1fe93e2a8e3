"""Panes become readings and alerts: durable first, told again after a restart, the newest pane counts."""

import asyncio
import random
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from msgspec.structs import replace

from alerts import alert
from alerts.alert import State
from monitor.config import Config, Rule
from monitor.panes import measures, packed
from monitor.panes.packed import Counted, Pane
from streams.evaluate import QUICK_SECONDS, newest
from streams.messages import bundles
from streams.partition import shape
from streams.parts import LARGEST, PART
from streams.turns import Turns
from tests.alerts.doubles import Crash
from tests.streams.line import COUNT, CROWD, LOANS, Line, decision


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


async def test_who_waited_for_a_slow_kafka_does_not_rest_from_it(line: Line) -> None:
    async def slow(topic: str, *arguments: Any) -> Any:
        await asyncio.sleep(0.5 if topic == line.topics.pane_table else 0)
        return await line.log.send(topic, *arguments)

    await line.produce(decision(0))
    await line.settle()  # what is loaded at a first reading takes long
    line.worker.evaluate._turns = Turns()
    line.worker.app.producer = SimpleNamespace(send=slow)
    await line.produce(*map(decision, range(1, CROWD)))
    await line.settle()
    line.worker.app.producer = line.log
    await line.produce(decision(CROWD))
    for _ in range(10):  # much sooner than twice as long as the writes took
        await line.turn()
        await asyncio.sleep(0.05)
    assert sum(line.groups().values()) == CROWD + 1


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


@pytest.mark.parametrize(("took", "threaded"), [(2 * QUICK_SECONDS, True), (QUICK_SECONDS / 2, False)])
async def test_what_takes_long_is_read_in_a_thread(
    line: Line, monkeypatch: pytest.MonkeyPatch, took: float, threaded: bool
) -> None:
    threads: list[object] = []

    async def to_thread(work: Any, *arguments: Any) -> Any:
        threads.append(work)
        return work(*arguments)

    await line.produce(*map(decision, range(4)))
    await line.settle()
    monkeypatch.setattr(asyncio, "to_thread", to_thread)
    (watched,) = [each for desk in line.worker.evaluate.desks.values() for each in desk.models.values()]
    watched.took = took
    await line.turn()  # nothing has changed: how long a reading takes is not forgotten by that
    threads.clear()
    await line.produce(decision(4))
    await line.settle()
    assert bool(threads) is threaded


async def test_a_partition_that_left_is_forgotten(line: Line) -> None:
    await line.produce(*map(decision, range(CROWD)))
    await line.settle()
    for partition in list(line.worker.evaluate.desks):
        line.worker.evaluate._revoked(partition)
    assert (line.worker.readings(), line.worker.alerts()) == ([], [])


def pane(phi: int, partition: int = 0, slot: int = 0) -> Pane:
    return Pane(model="loans", partition=partition, slot=slot, shape="", phi=f"{phi:x}", counted=b"")


def test_of_several_panes_of_one_place_the_newest_is_kept() -> None:
    held: dict[tuple[str, int, int], Pane] = {}
    newest(held, [pane(9), pane(16), pane(10), pane(1, partition=1), pane(2, slot=1)])
    newest(held, [pane(15), pane(3, slot=1)])
    assert {name[1:]: int(found.phi, 16) for name, found in held.items()} == {
        (0, 0): 16,
        (1, 0): 1,
        (0, 1): 3,
    }


def large(phi: int, seed: int) -> Pane:
    """A pane of several parts: its texts cannot be packed."""
    text = random.Random(seed).randbytes(1_200_000).hex()
    texts = {code + 1: text[code * 60_000 : (code + 1) * 60_000] for code in range(40)}
    keys = measures.pack(measures.NUMBER, np.arange(1, 41), 0)
    pairs = np.stack([np.zeros(40, np.int64), np.arange(40)], axis=1)
    counts = packed.pack(Counted(texts, [("sex", "F")], keys, pairs, np.full(40, phi)))
    return Pane(model="loans", partition=0, slot=1, shape=shape(LOANS), phi=f"{phi:x}", counted=counts)


async def take(line: Line, records: list[bytes]) -> None:
    for record in records:
        await line.log.send(line.topics.panes, b"loans", record, None)
    await line._feed(line.worker.evaluate._take, line.topics.panes)
    line.commit()


def counted(line: Line) -> set[int]:
    """What each cell of the model counts."""
    (panes,) = [d.models["loans"].panes for d in line.worker.evaluate.desks.values() if "loans" in d.models]
    return set(panes.window(0, None, None).counts.tolist())


def laid(line: Line) -> int:
    """How many parts the table holds."""
    table = line.worker.evaluate.table
    return sum(key.startswith(PART) for p in table.partitions_ready() for key in table.items(p))


async def test_a_large_pane_is_taken_when_its_last_part_has_come_in_whatever_order(line: Line) -> None:
    records = [record for _, record in bundles([large(3, seed=1)])]
    assert len(records) > 2
    await take(line, records[:0:-1])
    assert all(desk.models == {} for desk in line.worker.evaluate.desks.values())
    await line.start()
    await take(line, records[:1])
    assert counted(line) == {3}
    for others in (bundles([large(2, seed=2)]), bundles([large(3, seed=1)])):
        await take(line, [record for _, record in others])
        assert counted(line) == {3}
    assert laid(line) == len(records)
    await line.start()
    assert counted(line) == {3}


@pytest.mark.parametrize("writes", range(9))
async def test_a_crash_between_parts_leaves_one_whole_pane(line: Line, writes: int) -> None:
    """Four parts of a newer pane, its head, the end of the four before: one pane is always there, whole."""
    await take(line, [record for _, record in bundles([large(3, seed=1)])])
    newer = [record for _, record in bundles([large(5, seed=2)])]
    line.log.crash_after = len(newer) + writes
    with pytest.raises(Crash):
        await take(line, newer)
    line.log.crash_after = None
    await line.start()
    assert counted(line) in ({3}, {5})
    await take(line, [])
    assert counted(line) == {5}
    await line.start()
    assert counted(line) == {5}


async def test_tests_of_many_pairs_of_groups_are_taken_up_again() -> None:
    """Their state is larger than a record may be."""
    rule = Rule(metric="selection_rate", reference="highest", compare="ratio", min=0.5)
    line = Line(Config(models={"loans": replace(LOANS, rules=[rule])}))
    await line.start()
    await line.produce(*(decision(n, attributes={"sex": f"g{n % 60}"}) for n in range(CROWD)))
    await line.settle()
    (watched,) = [w for desk in line.worker.evaluate.desks.values() for w in desk.models.values()]
    state = watched._trials.to_bytes()
    assert len(state) > 2 * LARGEST
    assert laid(line) == 3
    line.commit()
    await line.start()
    (again,) = [w for desk in line.worker.evaluate.desks.values() for w in desk.models.values()]
    assert again._trials.to_bytes() == state


async def test_a_desk_that_left_and_came_back_is_left_to_who_holds_it_now(line: Line) -> None:
    await line.produce(*map(decision, range(CROWD)))
    await line.settle()
    evaluate = line.worker.evaluate
    (number,) = [number for number, desk in evaluate.desks.items() if desk.models]
    old = evaluate.desks[number]
    old.untold = list(old.alerts.values())
    line.log.order.clear()
    async with old.lock:
        attending = asyncio.create_task(evaluate._attend(number))
        await asyncio.sleep(0)
        evaluate._revoked(number)
        evaluate._recovered(number, evaluate.table.items(number))
    await attending
    assert line.log.order == []


async def test_a_model_that_left_while_it_was_read_has_no_turn(line: Line) -> None:
    await line.produce(*map(decision, range(CROWD)))
    await line.settle()
    evaluate = line.worker.evaluate
    ((number, desk),) = [(number, desk) for number, desk in evaluate.desks.items() if desk.models]
    (watched,) = desk.models.values()
    watched.panes.dirty.add(0)
    watched.took = 1.0
    reading = asyncio.create_task(evaluate._look(number, desk, watched))
    await asyncio.sleep(0)
    evaluate._revoked(number)
    evaluate._turns.took = turned = Mock()
    await reading
    assert not turned.called


async def test_counts_that_another_configuration_cut_are_counted(line: Line) -> None:
    await take(line, [record for _, record in bundles([pane(1), pane(2, slot=1)])])
    assert line.worker.health().set_aside == {"loans": 2}
    assert len(line.log.values(line.topics.pane_table)) == COUNT  # holdings began, and nothing else
