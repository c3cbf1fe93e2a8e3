"""The brokers of the measurements: a real Apache Kafka, and the one inside the measured process."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path

from confluent_kafka import Producer

from benchmarks.stream.events import Message
from tests.kafka import broker

PARTITIONS = 4


@contextmanager
def kafka() -> Iterator[str]:
    """The address of `KAFKA_BOOTSTRAP`, or of a broker started from Maven's jars (Java and Maven needed)."""
    if given := environ.get("KAFKA_BOOTSTRAP"):
        yield given
        return
    with (
        tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder,
        broker.running(broker.Broker(Path(folder))) as node,
    ):
        yield node.address


def send(address: str, messages: Iterable[Message]) -> None:
    """Sends all, by librdkafka, and waits until the broker has them. Raises RuntimeError."""
    settings = {"bootstrap.servers": address, "linger.ms": 20, "compression.type": "lz4"}
    producer = Producer(settings | {"queue.buffering.max.kbytes": 1 << 20, "batch.size": 900_000})
    for message in messages:
        _produce(producer, message)
    if left := producer.flush(120):
        raise RuntimeError(f"{left} messages were not sent in two minutes")


def _produce(producer: Producer, message: Message) -> None:
    while True:
        try:
            producer.produce(
                message.topic, message.value, message.key, message.partition, on_delivery=_delivered
            )
            return
        except BufferError:
            producer.poll(0.1)


def _delivered(error: object, _: object) -> None:
    if error is not None:
        raise RuntimeError(f"a message was not delivered: {error}")
