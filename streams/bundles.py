"""Bundles: all records of one fetch of one partition, as one message for an agent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import faust
from aiokafka.consumer import fetcher
from aiokafka.structs import ConsumerRecord
from faust.types import TP, ConsumerMessage


class Record(Protocol):
    """One record of an input topic. `timestamp` is in ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Bundle:
    """All records of one fetch of one partition of an input topic, in the log's order; never empty."""

    topic: str
    partition: int
    records: Sequence[Record]

    @property
    def values(self) -> list[bytes | None]:
        """The raw values; None is a tombstone."""
        return [record.value for record in self.records]

    @property
    def keys(self) -> list[bytes | None]:
        """The raw keys."""
        return [record.key for record in self.records]

    @property
    def offsets(self) -> list[int]:
        """The offsets: rising, with gaps where the log was compacted or holds transactions."""
        return [record.offset for record in self.records]

    def __len__(self) -> int:
        return len(self.records)


class BundleSchema(faust.Schema):  # type: ignore[misc]
    """Hands bundles to the agent as they are. For input topics; never for changelogs."""

    def loads_key(self, _app: faust.App, message: ConsumerMessage, **_: Any) -> bytes | None:
        key: bytes | None = message.key
        return key

    def loads_value(self, _app: faust.App, message: ConsumerMessage, **_: Any) -> Bundle:
        bundle: Bundle = message.value
        return bundle


class PlainRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """Records as aiokafka's C code unpacks them. Its objects of eleven fields take four times as long."""

    def _consumer_record(self, _tp: TP, record: Any) -> Any:
        return record


def whole(tp: TP, record: Any) -> "ConsumerRecord[bytes, bytes]":
    """A record with all that Faust asks of it."""
    return ConsumerRecord(
        tp.topic,
        tp.partition,
        record.offset,
        record.timestamp,
        record.timestamp_type,
        record.key,
        record.value,
        record.checksum,
        len(record.key or b""),
        len(record.value or b""),
        tuple(record.headers),
    )
