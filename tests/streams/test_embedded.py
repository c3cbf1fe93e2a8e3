"""The embedded broker, with kafka-python and with a Faust worker."""

import socket
from collections.abc import Iterator

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams.embedded import PARTITIONS, EmbeddedBroker
from streams.guard import CRASHED
from tests.kafka.harness import Worker

API = (2, 1)


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


def produce(broker: EmbeddedBroker, topic: str, numbers: range, padding: bytes = b"") -> None:
    producer = KafkaProducer(bootstrap_servers=broker.address, api_version=API)
    for number in numbers:
        producer.send(topic, key=str(number).encode(), value=str(number).encode() + padding)
    producer.flush()
    producer.close()


def ends(broker: EmbeddedBroker, topic: str) -> list[tuple[int, int]]:
    """First and next offset of each partition."""
    reader = KafkaConsumer(bootstrap_servers=broker.address, api_version=API)
    every = [TopicPartition(topic, p) for p in range(PARTITIONS)]
    begin, end = reader.beginning_offsets(every), reader.end_offsets(every)
    reader.close()
    return [(begin[one], end[one]) for one in every]


def test_topics_have_four_partitions_and_keep_records(broker: EmbeddedBroker) -> None:
    broker.create("decisions", "decisions")
    produce(broker, "decisions", range(100))
    counts = ends(broker, "decisions")
    assert [begin for begin, _ in counts] == [0] * PARTITIONS
    assert sum(end for _, end in counts) == 100


def test_the_port_is_free_after_close() -> None:
    broker = EmbeddedBroker()
    assert broker.start() == broker.url == f"kafka://{broker.address}"
    host, port = broker.address.split(":")
    broker.close()
    broker.close()
    with socket.socket() as one:
        assert one.connect_ex((host, int(port))) != 0


def test_a_broker_that_does_not_run_says_so() -> None:
    with pytest.raises(RuntimeError, match="is not running"):
        EmbeddedBroker().create("decisions")


def test_a_worker_keeps_its_table_over_a_restart(broker: EmbeddedBroker) -> None:
    produce(broker, "g-decisions", range(1_000))
    produce(broker, "g-feedback", range(1_000, 2_000))
    with Worker(broker.address, "g", embedded=True, fetch=4_000) as worker:
        worker.wait_until_done(2_000)
        assert worker.stop() == 0
    with Worker(broker.address, "g", embedded=True) as worker:
        worker.wait_for(lambda line: "beat" in line)
        recovered = [line for line in worker.lines if "recovered" in line]
        assert sum(recovered[-1]["facts"].values()) == 2_000
        produce(broker, "g-feedback", range(2_000, 2_100))
        worker.wait_until_done(2_100)
        assert worker.stop() == 0


def test_a_worker_that_falls_behind_the_cut_log_says_so(broker: EmbeddedBroker) -> None:
    broker.create("g-decisions", "g-feedback")
    with Worker(broker.address, "g", embedded=True, fetch=40_000, pause=0.3) as worker:
        worker.wait_for(lambda line: "beat" in line)
        produce(broker, "g-decisions", range(1_200), bytes(30_000))
        assert min(begin for begin, _ in ends(broker, "g-decisions")) > 0
        assert worker.exit() == CRASHED
    assert "the broker dropped offsets" in worker.errors[-1]
    assert "replay more slowly" in worker.errors[-1]
