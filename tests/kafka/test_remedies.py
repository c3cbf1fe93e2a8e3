"""Faust's faults, one by one, on a real Apache Kafka. Without a remedy: test_stock.py and its neighbours."""

import signal
from contextlib import ExitStack

import pytest
from confluent_kafka import Producer

from streams.guard import CRASHED
from tests.kafka.broker import create_topics
from tests.kafka.harness import Group, Worker

pytestmark = pytest.mark.kafka


def test_bundles_are_committed_to_the_end(group: Group) -> None:
    group.send(range(5_000))
    with group.worker(fetch=20_000) as worker:
        worker.wait_until_done(10_000)
        group.send(range(5_000, 6_000))
        worker.wait_until_done(12_000)
        worker.wait_for(lambda _: group.lag() == 0)  # by the timer, not by the stop
        assert worker.stop() == 0
    assert group.facts() == group.sent
    assert not [line for line in worker.errors if "CRITICAL" in line or "streams" in line]


def test_sigterm_finishes_the_bundle_in_hand_and_commits_it(group: Group) -> None:
    group.send(range(2_000))
    with group.worker(fetch=5_000, pause=0.3) as worker:
        worker.wait_for(lambda line: sum(line["facts"].values()) > 0)
        assert worker.stop() == 0
    assert 0 < sum(n for n, _ in group.committed().values()) == len(group.facts())


def test_what_comes_while_a_bundle_is_in_hand_is_the_next_bundle(group: Group) -> None:
    """Fetched ahead were only what came first, and the rest would wait for the bundle after."""
    with group.worker(pause=2.0) as worker:
        worker.wait_for_beats(1)
        group.send_one(b"first", partition=0)
        worker.wait_for(lambda line: line.get("waiting") == [1])
        for number in range(5):
            group.send_one(b"%d" % number, partition=0)
        worker.wait_until_done(6)
        assert worker.stop() == 0
    assert {b"first", b"0 1 2 3 4"} == {b" ".join(sorted(block.split())) for block in group.blocks()}


def test_nothing_is_lost_when_a_worker_is_killed(group: Group) -> None:
    group.send(range(20_000))
    for _ in range(3):
        with group.worker(fetch=3_000, pause=0.05) as worker:
            start = len(group.facts())
            worker.wait_for(lambda line, start=start: sum(line["facts"].values()) > start + 300)
            worker.send(signal.SIGKILL)
            worker.exit()
    with group.worker() as worker:
        worker.wait_until_done(40_000)
        assert worker.stop() == 0
    assert group.facts() == group.sent


def test_nothing_is_skipped_when_workers_come_and_go(group: Group) -> None:
    group.send(range(20_000))
    with group.worker(fetch=4_000, pause=0.01) as first:
        first.wait_for(lambda line: sum(line["facts"].values()) > 0)
        for turn in range(2):
            with group.worker(fetch=4_000, pause=0.01) as second:
                second.wait_for(lambda line: line.get("beat") == 2)
                held = first.wait_for(lambda line: line.get("beat") == 2)
                assert len(held["held"]) == len(held["facts"]) == 2  # forgotten, in both layers
                group.send(range(20_000 + 500 * turn, 20_500 + 500 * turn))
                assert second.stop() == 0
            first.wait_for(lambda line: line.get("beat") == 4)
        first.wait_until_done(42_000)
        assert first.stop() == 0
    assert group.facts() == group.sent
    assert group.lag() == 0


def test_what_was_read_but_not_finished_before_a_rebalance_comes_again(group: Group) -> None:
    """Faust reads on during its seek, throws that away, and without a commit does not come back."""
    group.send(range(2_000))
    slow = {"pause": 0.5, "slow_seek": 0.5}
    with group.worker(**slow) as first:
        first.wait_for(lambda line: "recovered" in line)
        with group.worker(**slow) as second:
            second.wait_for(lambda line: line.get("beat") == 2 and line["at_end"])
            first.wait_for(lambda line: line.get("beat") == 2 and line["at_end"])
            assert group.facts() == group.sent  # while both run: another rebalance would read it again


def test_a_killed_worker_is_replaced_without_a_hole(group: Group) -> None:
    group.send(range(10_000))
    with group.worker(fetch=4_000, pause=0.01) as first, group.worker(fetch=4_000, pause=0.01) as second:
        second.wait_for(lambda line: line.get("beat") == 2)
        second.send(signal.SIGKILL)
        group.send(range(10_000, 11_000))
        first.wait_for(lambda line: line.get("beat") == 4)
        first.wait_until_done(22_000)
        assert first.stop() == 0
    assert group.facts() == group.sent
    assert group.lag() == 0


def test_who_stood_still_knows_what_was_written_meanwhile(group: Group) -> None:
    """It writes what it had in hand behind the others' records, and gets its partitions back."""
    group.send(range(100))
    with group.worker(pause=1.0) as first:
        first.wait_until_done(200)
        group.send(range(100, 200))
        first.wait_for(lambda line: line.get("waiting"))
        first.send(signal.SIGSTOP)
        with group.worker() as second:
            group.send(range(200, 300))
            second.wait_until_done(600)
            first.send(signal.SIGCONT)
            first.wait_for(lambda line: line.get("beat") == 2)
            second.wait_for(lambda line: line.get("beat") == 2)
            assert second.stop() == 0
        first.wait_for(lambda line: line.get("beat") == 4)
        first.wait_until_done(600)
        assert first.stop() == 0


def test_the_state_is_recovered_before_the_first_event(group: Group) -> None:
    group.send(range(1_000))
    with group.worker() as worker:
        worker.wait_until_done(2_000)
        assert worker.stop() == 0
    with group.worker() as worker:
        worker.wait_for(lambda line: "beat" in line)
        recovered = [line for line in worker.lines if "recovered" in line]
        assert [line["recovered"] for line in recovered] == [0, 1, 2, 3]
        assert sum(recovered[-1]["facts"].values()) == 2_000
        assert worker.stop() == 0


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"poison", "RuntimeError: poison"), (b"huge", "a record of 1,000,004 bytes; at most 900,000")],
)
def test_an_error_ends_the_process_and_its_event_comes_again(group: Group, value: bytes, reason: str) -> None:
    group.send(range(100))
    with group.worker() as worker:
        worker.wait_until_done(200)
        bad = group.send_one(value, 2)
        assert worker.exit() == CRASHED
    assert [reason in line for line in worker.errors] == [True]
    assert group.committed()[group.inputs[0], 2][0] <= bad
    with group.worker() as worker:
        assert worker.exit() == CRASHED
    assert group.committed()[group.inputs[0], 2][0] == bad


def test_batches_are_read_however_they_are_packed(group: Group) -> None:
    """Without cramjam a single one of these would end the worker, again and again."""
    with group.worker() as worker:
        for packing in ("gzip", "lz4", "snappy", "zstd"):
            producer = Producer({"bootstrap.servers": group.address, "compression.type": packing})
            value = f"{packing}/{'x' * 1_000}".encode()  # what is shorter packed
            producer.produce(group.inputs[0], value, partition=1)
            producer.flush()
            group.sent.add(value)
        worker.wait_until_done(4)
        assert worker.stop() == 0
    assert group.facts() == group.sent


def test_topics_that_cannot_be_joined_stop_the_start(kafka: str, unique: str) -> None:
    """The log of a table is one of them: Faust ignores it where it is missing, and has nothing to recover."""
    for name, counts in {"a": (2, 4, 2), "b": (2, None, 2), "c": (2, 2, None), "d": (2, 2, 1)}.items():
        topics = zip(("decisions", "feedback", "facts-changelog"), counts, strict=True)
        create_topics(kafka, {f"{unique}{name}-{topic}": n for topic, n in topics if n})
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(kafka, f"{unique}{name}")) for name in "abcd"]
        assert [worker.exit() for worker in workers] == [CRASHED] * 4
    unequal, missing, unlogged, short = [worker.errors[-1] for worker in workers]
    assert f"{unique}a-decisions has 2, {unique}a-feedback has 4" in unequal
    assert f"topic {unique}b-feedback does not exist" in missing
    assert f"topic {unique}c-facts-changelog does not exist" in unlogged
    assert f"{unique}d-feedback has 2, {unique}d-facts-changelog has 1" in short
