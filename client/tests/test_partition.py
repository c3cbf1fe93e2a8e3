from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import DefaultPartitioner
from kafka.partitioner.default import murmur2 as kafka_murmur2

from fairlead_client.partition import murmur2, partition_of


# From Apache Kafka's UtilsTest.testMurmur2: signed 32-bit numbers.
@pytest.mark.parametrize(
    ("data", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_javas(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed % 2**32


@given(st.binary(max_size=70))
def test_murmur2_is_kafka_pythons(data: bytes) -> None:
    assert murmur2(data) == kafka_murmur2(data)


class Cluster:
    """What kafka-python's partitioner asks of the metadata."""

    def __init__(self, count: int) -> None:
        self.count = count

    def topics(self) -> set[str]:
        return {"decisions"}

    def partitions_for_topic(self, _: str) -> set[int]:
        return set(range(self.count))

    available_partitions_for_topic = partitions_for_topic


@given(st.text(st.characters(codec="utf-8")), st.integers(1, 200))
def test_partition_is_the_default_partitioners(id: str, count: int) -> None:
    assert partition_of(id, count) == _kafka_pythons(id.encode(), count)


def _kafka_pythons(key: bytes, count: int) -> Any:
    partitioner = DefaultPartitioner()
    if callable(partitioner):  # before kafka-python 3
        return partitioner(key, list(range(count)), list(range(count)))
    return partitioner.partition("decisions", None, key, None, None, Cluster(count))
