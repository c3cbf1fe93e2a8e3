"""Records that are many, large or packed: with our bounds, and beside them without."""

from collections.abc import Callable

import pytest
from confluent_kafka import Producer

from streams.guard import CRASHED
from tests.kafka.harness import Group

pytestmark = pytest.mark.kafka
Groups = Callable[[str], Group]


def test_an_agent_that_is_slow_holds_one_bundle_a_partition_and_nobody_up(groups: Groups) -> None:
    """Faust reads on: 4,096 messages, of whatever size, or until a full queue stops all topics."""
    sides = [groups(word) for word in ("ours", "stock", "short")]
    for group in sides:
        for start in range(0, 3_000, 50):  # in as many batches, which are fetched one by one
            group.send(range(start, start + 50))
    slow = {"fetch": 1_000, "pause": 1_000, "apart": True}  # decisions are never done, feedback at once
    unbounded = {"without": "rest", "settings": {"stream_buffer_maxsize": 4_096}}
    short = {"without": "rest", "settings": {"stream_buffer_maxsize": 4}}
    ours, stock, blocked = sides
    with (
        ours.worker(**slow) as bounded,
        stock.worker(**slow, **unbounded) as hoards,
        blocked.worker(**slow, **short) as stands,
    ):
        hoards.wait_for(lambda line: sum(line.get("waiting", [])) == 3_000)
        bounded.wait_for(
            lambda line: sum(line["facts"].values()) == 3_000 and len(line.get("waiting", [])) == 4
        )
        stands.wait_for(lambda line: line.get("waiting", []) != [])
        stands.wait_for_beats(2)
        assert sum(stands.lines[-1]["facts"].values()) < 3_000


@pytest.mark.parametrize("without", ["", "all"])
def test_who_has_all_partitions_in_hand_fetches_none(groups: Groups, without: str) -> None:
    """Faust takes none for all, and what the agents have not finished would pile up."""
    group = groups("")
    for start in range(0, 1_000, 50):  # in as many batches, which are fetched one by one
        group.send(range(start, start + 50))
    with group.worker(fetch=1_000, pause=1_000, without=without) as worker:
        worker.wait_for(lambda line: len(line.get("waiting", [])) >= 8)  # of four partitions of two topics
        worker.wait_for_beats(2)
        assert (len(worker.lines[-1]["waiting"]) == 8) is (not without)


def test_what_is_large_is_written_in_parts(groups: Groups) -> None:
    """`huge` in test_remedies.py is as large, and whole: it ends each worker that comes to it."""
    group = groups("")
    bad = group.send_one(b"large", 2)
    for _ in range(2):
        with group.worker() as worker:
            worker.wait_for(lambda line: line.get("facts", {}).get("2") == 1 and group.lag() == 0)
            assert worker.stop() == 0
    assert group.committed()[group.inputs[0], 2][0] == bad + 1


def test_a_packed_batch_ends_a_worker_without_cramjam(groups: Groups) -> None:
    """See test_remedies.py, where all packings are read."""
    group = groups("")
    producer = Producer({"bootstrap.servers": group.address, "compression.type": "lz4"})
    producer.produce(group.inputs[0], b"x" * 1_000, partition=1)
    producer.flush()
    with group.worker(without="cramjam") as worker:
        assert worker.exit() == CRASHED
    assert "Libraries for lz4 compression codec not found" in worker.errors[-1]
    assert group.done() == 0
