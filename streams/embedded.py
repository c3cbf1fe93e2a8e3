"""A Kafka broker inside the process, for trying things out and for fast tests.

librdkafka, which confluent-kafka carries, has a mock cluster that speaks Kafka's protocol on a port of
127.0.0.1: consumer groups, offsets and produced records are real enough for Faust and kafka-python
(`api_version=(2, 1)`). It lives in memory, compacts nothing and drops the oldest records of a partition
beyond about 5 MB in silence: an app with `embedded=True` ends itself when that hits records that it has
not read (`consumer.Consumer.lost`), so sources must wait while the lag is large. Every topic has 4
partitions and exists as soon as somebody asks for it.
"""

import logging
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException, Producer

PARTITIONS = 4
"""Partitions of every topic; librdkafka's mock cluster knows no other number."""

log = logging.getLogger("fairlead.embedded")


class EmbeddedBroker:
    """The broker runs from `start` to `close`, or within a `with` block.

    >>> with EmbeddedBroker() as broker:
    ...     broker.create("decisions")
    ...     broker.address.split(":")[0], broker.url.split("//")[0]
    ('127.0.0.1', 'kafka:')
    """

    def __init__(self) -> None:
        self._cluster: Producer | None = None
        self.address = ""

    @property
    def url(self) -> str:
        """For `process.make_app`: `kafka://127.0.0.1:port`."""
        return f"kafka://{self.address}"

    def start(self) -> str:
        """Starts the broker and returns its `url`; `RuntimeError` if librdkafka cannot."""
        settings = {"test.mock.num.brokers": 1, "bootstrap.servers": "replaced", "log_level": 3}
        try:
            self._cluster = Producer(settings, logger=log)
            (broker,) = self._cluster.list_topics(timeout=10).brokers.values()
        except KafkaException as error:
            raise RuntimeError(f"the embedded broker did not start: {error}") from error
        self.address = f"{broker.host}:{broker.port}"
        return self.url

    def create(self, *topics: str) -> None:
        """Creates topics of 4 partitions; nothing for those that exist."""
        if self._cluster is None:
            raise RuntimeError("the embedded broker is not running")
        for topic in topics:
            self._cluster.list_topics(topic, timeout=10)

    def close(self) -> None:
        """Stops the broker and forgets everything; nothing if it does not run."""
        self._cluster = None
        self.address = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
