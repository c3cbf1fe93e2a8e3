"""Without a remedy: what Faust does to events and offsets then, on a real Apache Kafka."""

import signal
from contextlib import closing

import pytest
from kafka import KafkaProducer

from streams.guard import CRASHED
from tests.kafka.broker import create_topics
from tests.kafka.deployment import wait_until
from tests.kafka.harness import Group, Worker

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("without", ["", "wait"])
def test_what_is_committed_is_durable(group: Group, without: str) -> None:
    """Faust commits what an agent has finished, also while its producer still has what came of it."""
    group.send(range(200))
    with group.worker(slow_send=3.0, without=without) as worker:
        wait_until(lambda: group.done() > 0, "a commit")
        worker.send(signal.SIGKILL)
        worker.exit()
    assert (len(group.facts()) >= group.done()) is (not without)


def test_an_event_whose_agent_failed_is_acknowledged(group: Group) -> None:
    group.send(range(100))
    with group.worker(without="guard") as worker:
        worker.wait_until_done(200)
        bad = group.send_one(b"poison", 2)
        wait_until(lambda: group.committed()[group.inputs[0], 2][0] > bad, "the event to be passed over")


def test_what_is_read_while_a_rebalance_seeks_is_lost(group: Group) -> None:
    """See test_remedies.py, where it comes again."""
    group.send(range(2_000))
    stock = {"pause": 1.5, "slow_seek": 1.0, "without": "gate"}
    with group.worker(**stock) as first:
        first.wait_for(lambda line: "recovered" in line)
        with group.worker(**stock) as second:
            first.wait_for(lambda line: line.get("beat") == 2)
            second.wait_for_beats(14)  # longer than the four bundles take that each of them has
            assert group.facts() < group.sent


def test_bundles_leave_gaps_at_which_the_commit_sticks(group: Group) -> None:
    for start in range(0, 3_000, 50):  # in as many batches, which are fetched one by one
        group.send(range(start, start + 50))
    with group.worker(fetch=1_000, without="commits") as worker:
        worker.wait_for(lambda line: sum(line["facts"].values()) == 6_000)
        worker.wait_for_beats(4)  # commits come three times in two of them
        assert group.lag() > 0


@pytest.mark.parametrize("without", ["", "writer"])
def test_blocks_stay_only_if_they_name_their_writer(group: Group, without: str) -> None:
    for start in (0, 1_000):
        group.send(range(start, start + 1_000))
        with group.worker(without=without) as worker:
            worker.wait_for(lambda line: line.get("at_end", False) and group.lag() == 0)
            assert worker.stop() == 0
    with group.worker() as worker:
        held = worker.wait_for(lambda line: line.get("beat") == 4)["facts"]
    assert (sum(held.values()) == len(group.sent)) is (not without)


def test_topics_that_cannot_be_joined_are_joined(kafka: str, unique: str) -> None:
    create_topics(kafka, {f"{unique}-decisions": 2, f"{unique}-feedback": 4})
    create_topics(kafka, {f"{unique}-facts-changelog": 2}, compacted=True)
    with Worker(kafka, unique, without="counts") as worker:
        assert worker.wait_for(lambda line: "beat" in line)["held"] == [0, 1]


def test_a_table_whose_log_is_missing_holds_nothing(kafka: str, unique: str) -> None:
    """The worker is ready, and each event ends it."""
    create_topics(kafka, {f"{unique}-decisions": 1, f"{unique}-feedback": 1})
    with Worker(kafka, unique, without="counts") as worker:
        assert worker.wait_for(lambda line: "beat" in line)["held"] == []
        with closing(KafkaProducer(bootstrap_servers=kafka)) as producer:
            producer.send(f"{unique}-decisions", value=b"event", partition=0)
        assert worker.exit() == CRASHED
