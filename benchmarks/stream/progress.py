"""What partitions take and make durable, watched from beside the workers: in the log of their facts."""

import threading
import time
from typing import Self

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from monitor.arrays.codes import Codes
from monitor.facts import blocks
from streams.partition import SEALED
from streams.stores import HOLDER

TICK = 0.05  # s that one look waits for news
WAIT = 30.0  # s for an answer of the broker


class Progress:
    """For how long each partition took nothing new, at most, where something comes all the time.

    Times are in seconds, of any origin. New is a later event: blocks that are merged hold what was there.
    """

    def __init__(self, partitions: int, now: float) -> None:
        self.longest = dict.fromkeys(range(partitions), 0.0)
        self._since = dict.fromkeys(range(partitions), now)
        self._latest = dict.fromkeys(range(partitions), -1)

    def told(self, partition: int, latest: int, now: float) -> None:
        """A partition holds an event of this time (ms) durably."""
        if latest > self._latest[partition]:
            self._latest[partition] = latest
            self._wait(partition, now)
            self._since[partition] = now

    def ends(self, now: float) -> None:
        """Whoever still takes nothing has waited until now."""
        for partition in self.longest:
            self._wait(partition, now)

    def _wait(self, partition: int, now: float) -> None:
        self.longest[partition] = max(self.longest[partition], now - self._since[partition])


class Watch:
    """The `longest` times (s) for which partitions make no decision durable while the `with` block lasts."""

    def __init__(self, address: str, topic: str, partitions: int) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": address, "group.id": "watch", "fetch.wait.max.ms": 20}
        )
        self._topic, self._partitions = topic, partitions
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._error: Exception | None = None
        self.longest: dict[int, float] = {}

    def _watch(self) -> None:
        progress, codes = Progress(self._partitions, time.perf_counter()), Codes()
        try:
            while not self._over.is_set():
                for record in self._consumer.consume(1_000, TICK):
                    if (latest := newest(record, codes)) is not None:
                        progress.told(record.partition() or 0, latest, time.perf_counter())
        except (KafkaException, ValueError) as error:
            self._error = error
        progress.ends(time.perf_counter())
        self.longest = progress.longest

    def __enter__(self) -> Self:
        places = [TopicPartition(self._topic, p) for p in range(self._partitions)]
        for place in places:  # what is there by now; "the end" would be that of the first fetch
            _, place.offset = self._consumer.get_watermark_offsets(place, WAIT)
        self._consumer.assign(places)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._consumer.close()
        if self._error is not None:
            raise self._error


def newest(record: Message, codes: Codes) -> int | None:
    """The time (ms) of the latest decision in a record of facts; None where it holds none.

    Raises KafkaException.
    """
    if record.error():
        raise KafkaException(record.error())
    if record.value() is None or record.key() in (SEALED, HOLDER):
        return None
    columns = blocks.decode(record.value(), codes).columns
    return int(columns["time"].max()) if "decision" in columns else None
