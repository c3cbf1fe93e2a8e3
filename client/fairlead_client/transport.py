"""The way to Kafka: a small protocol, and kafka-python behind it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from fairlead_client.batch import Message

with warnings.catch_warnings():
    # kafka-python reads its schemas by a deprecated function: apps may turn warnings into errors.
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import KafkaProducer
    from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, RecordListTooLargeError

SLICE_SECONDS = 0.25  # how often a wait looks whether time is up
CLOSE_SECONDS = 1.0  # for kafka-python's thread to notice


class Failure(NamedTuple):
    """A message that Kafka has not acknowledged; when it is `too_large`, trying it again would not help."""

    message: Message
    error: Exception
    too_large: bool = False


class Transport(Protocol):
    """What the sender needs of Kafka. One thread calls it, `abandon` apart."""

    def partitions(self, topic: str, seconds: float) -> int:
        """The topic's number of partitions, at least 1. Raises when Kafka does not say within the seconds."""

    def deliver(self, messages: Sequence[Message], left: Callable[[], float]) -> Sequence[Failure]:
        """Sends all, waits for the acknowledgements and returns the failures.

        Waits while `left`, the seconds that are left, is over 0: it shrinks when the process ends.
        """

    def close(self) -> None:
        """Ends the connections: whatever counts has been delivered or kept elsewhere before."""

    def abandon(self) -> None:
        """In a forked child: forgets the parent's connections without touching them."""


# Delivered is what all in-sync replicas have. kafka-python retries within the delivery timeout, which is
# short: what waits for Kafka shall wait in the queue, where the policy governs, not in kafka-python.
# Idempotence is off: Fairlead takes an event that comes twice as one, and without it there is no
# producer state that a broker can have forgotten. Compressed, because columns shrink to a fifth or less and
# kafka-python's checksum, which is Python unless the package crc32c is there, costs more than gzip.
DEFAULTS: Mapping[str, Any] = {
    "acks": "all",
    "enable_idempotence": False,
    "compression_type": "gzip",
    "delivery_timeout_ms": 10_000,
    "request_timeout_ms": 8_000,
    "max_block_ms": 5_000,
    "bootstrap_timeout_ms": 5_000,
    "reconnect_backoff_max_ms": 2_000,
}


def check_options(options: Mapping[str, Any]) -> None:
    """Raises ValueError for an option that KafkaProducer does not have."""
    for name in options:
        if name not in KafkaProducer.DEFAULT_CONFIG:
            raise ValueError(f"{name}: no argument of Emitter and no option of kafka-python's KafkaProducer")


class KafkaTransport:
    """kafka-python's producer. Raises its errors when the first connection fails."""

    def __init__(self, bootstrap_servers: str | Sequence[str], options: Mapping[str, Any]) -> None:
        """`options` are KafkaProducer's, such as security_protocol, ssl_cafile and sasl_mechanism."""
        # Not every version of kafka-python knows every option.
        defaults = {name: value for name, value in DEFAULTS.items() if name in KafkaProducer.DEFAULT_CONFIG}
        self._producer = _open({"bootstrap_servers": bootstrap_servers, **defaults, **options})
        self._block_ms = self._producer.config["max_block_ms"]
        # A little over the time after which kafka-python itself gives up: else it would still send
        # what is being tried again.
        self._patience = self._producer.config["delivery_timeout_ms"] / 1000 + 2

    def partitions(self, topic: str, seconds: float) -> int:
        """See Transport."""
        # kafka-python has no other way to say for how long.
        self._producer.config["max_block_ms"] = min(self._block_ms, 1000 * seconds)
        try:
            return len(self._producer.partitions_for(topic)) or _none(topic)
        finally:
            self._producer.config["max_block_ms"] = self._block_ms

    def deliver(self, messages: Sequence[Message], left: Callable[[], float]) -> list[Failure]:
        """See Transport."""
        deadline = time.monotonic() + self._patience
        sent = [(message, self._send(message)) for message in messages]
        failures = []
        for message, result in sent:
            error = result if isinstance(result, Exception) else _error(result, left, deadline)
            if error is not None:
                failures.append(Failure(message, error, _too_large(error)))
        return failures

    def _send(self, message: Message) -> Any:
        """kafka-python's future, or the error at once."""
        try:
            return self._producer.send(
                message.topic, message.value, key=message.key, partition=message.partition
            )
        except Exception as error:
            return error

    def close(self) -> None:
        """See Transport."""
        # Else it would first wait for messages that were given up, and go on trying to send them.
        self._producer._sender.force_close()
        try:
            self._producer.close(timeout=CLOSE_SECONDS)
        except KafkaTimeoutError:
            self.abandon()

    def abandon(self) -> None:
        """See Transport."""
        # Its __del__ and its exit handler would otherwise flush, over sockets that belong to the parent.
        self._producer._closed = True


def _open(options: Mapping[str, Any]) -> KafkaProducer:
    """A producer. If it fails, what its client has opened is closed, which kafka-python leaves open."""
    opened: list[Any] = []

    def client(**config: Any) -> Any:
        opened.append(KafkaProducer.DEFAULT_CONFIG["kafka_client"](**config))
        return opened[-1]

    try:
        return KafkaProducer(**{"kafka_client": client, **options})
    except Exception:
        for left in opened:
            left.close()
        raise


def _error(future: Any, left: Callable[[], float], deadline: float) -> Exception | None:
    """Waits for an acknowledgement: None, or why there is none."""
    while True:
        wait = max(0.0, min(left(), deadline - time.monotonic()))
        try:
            future.get(timeout=min(wait, SLICE_SECONDS))
        except Exception as error:
            if future.is_done or wait == 0:
                return error
        else:
            return None


def _too_large(error: Exception) -> bool:
    return isinstance(error, (MessageSizeTooLargeError, RecordListTooLargeError))


def _none(topic: str) -> int:
    raise LookupError(f"topic {topic}: no partitions")
