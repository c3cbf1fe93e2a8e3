"""What lies in Kafka: the records of a topic, and how far a group has come. By librdkafka."""

from collections.abc import Iterator
from contextlib import closing

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

PATIENCE = 30.0
Entry = tuple[bytes | None, bytes | None]  # key, value


def entries(address: str, topic: str) -> dict[int, list[Entry]]:
    """All records of a topic, by partition, in the order of the log."""
    found: dict[int, list[Entry]] = {}
    with closing(_consumer(address, "reader")) as reader:
        partitions = reader.list_topics(topic, PATIENCE).topics[topic].partitions
        reader.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
        for partition, key, value in _all(reader, len(partitions)):
            found.setdefault(partition, []).append((key, value))
    return found


def _all(reader: Consumer, partitions: int) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    ended: set[int] = set()
    while len(ended) < partitions:
        record = reader.poll(PATIENCE)
        assert record is not None, "the broker is silent"
        if record.error() is None:
            yield record.partition(), record.key(), record.value()
        else:
            assert record.error().code() == KafkaError._PARTITION_EOF, record.error()
            ended.add(record.partition())


def table(address: str, changelog: str) -> dict[bytes, bytes]:
    """The items that a changelog leaves."""
    items: dict[bytes, bytes] = {}
    for key, value in (entry for part in entries(address, changelog).values() for entry in part):
        items.pop(key or b"", None)
        if value is not None:
            items[key or b""] = value
    return items


def left(address: str, group: str, topic: str) -> int:
    """How many records of a topic the group has not committed."""
    with closing(_consumer(address, group)) as reader:
        partitions = reader.list_topics(topic, PATIENCE).topics[topic].partitions
        asked = [TopicPartition(topic, partition) for partition in partitions]
        done = {one.partition: max(one.offset, 0) for one in reader.committed(asked, PATIENCE)}
        ends = {one.partition: reader.get_watermark_offsets(one, PATIENCE)[1] for one in asked}
        return sum(ends.values()) - sum(done.values())


def _consumer(address: str, group: str) -> Consumer:
    settings = {"bootstrap.servers": address, "group.id": group, "enable.partition.eof": True}
    return Consumer({**settings, "enable.auto.commit": False})
