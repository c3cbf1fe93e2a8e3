"""Decisions and feedback become durable facts, and only then panes and clocks."""

import json

import pytest

from monitor.arrays.hashing import partitions
from monitor.arrays.texts import Texts
from monitor.panes.packed import load
from streams import messages
from streams.bundles import Bundle
from streams.collect import BUNDLES, PAUSE
from streams.messages import Clock, PaneMessage
from streams.shelf import MANY
from tests.streams.line import COUNT, DAY, Line, decision, outcome


@pytest.fixture
async def line() -> Line:
    made = Line()
    await made.start()
    return made


def clocks(line: Line) -> list[Clock]:
    found = (messages.decode(value) for value in line.log.values(line.topics.panes))
    return [each for each in found if isinstance(each, Clock)]


def origin(message: messages.Message) -> int:
    """The partition that a message is about."""
    assert isinstance(message, (Clock, PaneMessage))
    return message.partition if isinstance(message, Clock) else load(message.panes[0]).partition


async def collected(line: Line) -> None:
    collect = line.worker.collect
    await line._feed(collect._take, line.topics.decisions, line.topics.feedback)
    await collect._flush()


async def test_panes_go_out_behind_their_facts_and_clocks_behind_their_panes(line: Line) -> None:
    await line.produce(*map(decision, range(10)))
    line.log.order.clear()
    await collected(line)
    facts, panes = line.topics.facts, line.topics.panes
    topics = [topic for topic, _ in line.log.order]
    assert topics == [facts] * topics.count(facts) + [panes] * topics.count(panes)
    told = [messages.decode(value) for topic, value in line.log.order if topic == panes]
    for source in range(COUNT):
        ours = [m for m in told if origin(m) == source]
        assert [type(message) for message in ours] == [PaneMessage, *[Clock] * COUNT]


async def test_every_clock_goes_to_every_partition_of_the_panes(line: Line) -> None:
    await collected(line)
    assert sorted(clock.partition for clock in clocks(line)) == [
        p for p in range(COUNT) for _ in range(COUNT)
    ]
    assert {clock.partitions for clock in clocks(line)} == {COUNT}


async def test_a_clock_that_stands_still_is_not_told_again_at_once(line: Line) -> None:
    await collected(line)
    before = len(clocks(line))
    await line.worker.collect._flush()
    assert len(clocks(line)) == before


async def test_a_topic_s_partition_rests_as_long_as_its_bundle_cost_and_not_while_it_is_behind(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect, bundle = line.worker.collect, Bundle(line.topics.decisions, 0, [])
    rests = [collect._rest(bundle, spent) for spent in (0.0, 0.001, 60.0)]
    assert rests == [0.0, pytest.approx(0.001 * BUNDLES * 2 * COUNT), PAUSE]
    monkeypatch.setattr(line.worker.app.consumer, "is_live", lambda tp: tp.topic != bundle.topic)
    assert collect._rest(bundle, 60.0) == 0.0


async def test_a_partition_that_left_and_came_back_is_left_to_who_holds_it_now(line: Line) -> None:
    await line.produce(*map(decision, range(40)))
    await line.settle()
    collect = line.worker.collect
    old, items = collect.partitions[0], dict(collect.table.items(0))
    old.age = lambda _: {"loans": 1}  # there is something to be dropped
    old.shelf.due = lambda: [*items]  # and to be merged
    collect._recovered(0, items)
    line.log.order.clear()
    await collect._merge(old)
    await collect._drop(old)
    assert line.log.order == []


async def test_what_belongs_elsewhere_arrives_there(line: Line) -> None:
    wrong = [n for n in range(40) if partitions(Texts([f"d{n}"]), COUNT)[0] == 1]
    for number in wrong:
        await line.log.send(line.topics.decisions, None, decision(number), 0)
    await line.settle()
    assert line.worker.collect.counts["misrouted"] == len(wrong)
    assert sum(line.groups().values()) == len(wrong)


async def test_refused_events_are_told_with_their_place(line: Line) -> None:
    await line.log.send(line.topics.decisions, None, b"{", 1)
    await collected(line)
    (record,) = map(json.loads, line.log.values(line.topics.invalid))
    assert (record["topic"], record["partition"], record["offset"]) == (line.topics.decisions, 1, 0)


async def test_small_blocks_are_replaced_only_when_the_merged_one_is_durable(line: Line) -> None:
    for number in range(80):
        await line.produce(decision(number))
        await collected(line)
    collect = line.worker.collect
    rows = {p: len(collect.table.items(p)) for p in collect.partitions}
    assert max(rows.values()) <= MANY
    assert {p: set(state.shelf.keys()) for p, state in collect.partitions.items()} == {
        p: set(collect.table.items(p)) for p in rows
    }
    await line.start()
    await line.turn()
    assert sum(len(state.facts.codes.texts) for state in line.worker.collect.partitions.values()) > 0
    assert line.worker.health().pending == 80


async def test_a_restart_reads_nothing_twice_and_knows_the_time(line: Line) -> None:
    await line.produce(*map(decision, range(10)))
    await line.produce(*map(outcome, range(10)), feedback=True)
    await collected(line)
    line.commit()
    await line.start()
    health = line.worker.health()
    assert (health.pending, health.orphans, health.events) == (0, 0, {})
    topics = (line.topics.decisions, line.topics.feedback)
    states = line.worker.collect.partitions.values()
    times = [[state.clock(dict.fromkeys(topics, now))[0] for now in (0.0, 3.0)] for state in states]
    assert times == [[None, 2 * DAY * 1000]] * COUNT


async def test_a_partition_that_leaves_during_a_turn_is_passed_over(line: Line) -> None:
    """The partitions of a turn are known when it begins, and each of them may wait for Kafka."""
    worker = line.worker
    for table in (worker.collect.table, worker.evaluate.table):
        table.ready = frozenset([*table.ready, COUNT])
    await worker.collect._flush()
    await worker.evaluate._evaluate()
    assert {clock.partition for clock in clocks(line)} == set(range(COUNT))


async def test_a_partition_that_left_is_forgotten(line: Line) -> None:
    await line.produce(*map(decision, range(10)))
    await collected(line)
    line.worker.collect._revoked(0)
    assert set(line.worker.collect.partitions) == {1}
