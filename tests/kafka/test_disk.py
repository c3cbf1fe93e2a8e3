"""Kafka's disk is full: nothing that was acknowledged is lost, and all goes on when there is room again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from streams.files.replay import Record
from tests.kafka.broker import Broker, running
from tests.kafka.deployment import COUNTED, Deployment, counts, reading, ready, wait_until
from tests.kafka.test_faults import Crowd

pytestmark = pytest.mark.kafka


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """One of its own."""
    with running(Broker(tmp_path)) as made:
        yield made


def send(deployment: Deployment, records: list[Record]) -> Producer:
    """Begins to send, by librdkafka: kafka-python leaks sockets while it connects in vain."""
    settings = {"bootstrap.servers": deployment.kafka, "enable.idempotence": True, "log_level": 0}
    producer = Producer(settings)
    for record in records:
        topic = deployment.feedback if record.feedback else deployment.decisions
        producer.produce(topic, record.value, record.key)
    return producer


def test_a_full_disk_of_kafka_loses_nothing(broker: Broker, unique: str, tmp_path: Path) -> None:
    """Files that grow no further stand in for it."""
    crowd = Crowd(0, 2_000)
    with Deployment(broker.address, unique, tmp_path) as deployment:
        with deployment.worker() as worker:
            ready(worker)
            deployment.send(crowd.records[:2_000])
            deployment.close()
            reading([worker], 1_000, 1_000)
            broker.fill()
            producer = send(deployment, crowd.records[2_000:])
            wait_until(lambda: not broker.runs, "the broker to give up")
            broker.start()
            assert producer.flush(120) == 0
        with deployment.worker() as again:
            ready(again)
            found = reading([again], len(crowd), len(crowd))
            assert again.stop() == 0, again.lines
    assert counts(found) == {
        name: {group: {atom: c[atom] for atom in COUNTED} for group, c in groups.items()}
        for name, groups in crowd.counts.items()
    }
