"""Files as streams: their events in the order of time, sent to Kafka as apps would send them."""

import random
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from monitor.config import ConfigError, durations
from monitor.events import Decision, Feedback
from streams import reasons
from streams.files.reader import Chunk

with warnings.catch_warnings():
    # kafka-python reads its schemas by a function that Python 3.11 deprecated and 3.13 revived
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

AT_ONCE = 200  # events between two looks at whether to wait
_SHORTEST_NAP = 0.005  # seconds


class Record(Struct, frozen=True, gc=False):
    """One event as it is sent. `time` is event time in ms, the key is the decision's id."""

    time: int
    feedback: bool
    key: bytes
    value: bytes


class Sink(Protocol):
    """Where records go."""

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Takes a record; it may wait in a buffer."""

    def flush(self) -> None:
        """Returns when all that was taken is safe; raises what went wrong."""


def events(chunks: Iterable[Chunk]) -> list[Record]:
    """All valid events of a file by time: decisions at theirs, feedback when it came back.

    At the same time a decision comes before feedback, and else the file's order holds.
    """
    records: list[Record] = []
    for chunk in chunks:
        made = zip(chunk.decisions.times.tolist(), chunk.decisions.events, strict=True)
        records += [_record(moment, event) for moment, event in made]
        returned = zip(chunk.feedback.times.tolist(), chunk.feedback.events, strict=True)
        records += [_record(moment, event) for moment, event in returned]
    return sorted(records, key=lambda record: (record.time, record.feedback))


def _record(moment: int, event: Decision | Feedback) -> Record:
    feedback = isinstance(event, Feedback)
    key = event.decision_id if isinstance(event, Feedback) else event.id
    fields = {name: value for name, value in asdict(event).items() if value not in (None, {}, [])}
    return Record(moment, feedback, str(key).encode(), msgspec.json.encode(fields))


def twice(records: Sequence[Record]) -> list[Record]:
    """Every record, and behind it the same once more: what a producer that retries may do."""
    return [record for record in records for _ in range(2)]


def shuffled(records: Sequence[Record], within_ms: int, seed: int = 0) -> list[Record]:
    """The records, each delayed by a random time up to `within_ms`; feedback may come before its decision.

    >>> records = [Record(day * 86_400_000, False, b"", b"") for day in range(9)]
    >>> [record.time // 86_400_000 for record in shuffled(records, 3 * 86_400_000)]
    [0, 2, 1, 3, 4, 5, 7, 6, 8]
    """
    chance = random.Random(seed)
    delayed = [(record.time + chance.uniform(0, within_ms), i) for i, record in enumerate(records)]
    return [records[i] for _, i in sorted(delayed)]


class Pace:
    """Sleeps so that event time passes `speed` times as fast as wall time."""

    def __init__(
        self,
        speed: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._speed, self._clock, self._sleep = speed, clock, sleep
        self._start: tuple[int, float] | None = None

    def __call__(self, moment: int) -> None:
        """Returns when it is time for an event at `moment` (ms)."""
        if self._start is None:
            self._start = moment, self._clock()
        first, began = self._start
        ahead = (moment - first) / 1000 / self._speed - (self._clock() - began)
        if ahead > _SHORTEST_NAP:
            self._sleep(ahead)


def speed(records: Sequence[Record], faster: str | None, duration: str | None) -> float | None:
    """How many times as fast as it was: "10000x", or so that it lasts "60s". None: as fast as it goes.

    Raises ConfigError.
    """
    if faster is not None:
        return _positive("--speed", faster.removesuffix("x"), "a positive number, as in '10000x'", float)
    if duration is None or not records:
        return None
    span = max(record.time for record in records) - min(record.time for record in records)
    length = _positive("--duration", duration, durations.ALLOWED, durations.milliseconds)
    return span / length or None


def _positive(option: str, text: str, allowed: str, read: Callable[[str], float]) -> float:
    try:
        number = read(text)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise ConfigError(option, text, allowed)
    return number


def send(
    records: Sequence[Record],
    sink: Sink,
    *,
    decisions: str,
    feedback: str,
    pace: Callable[[int], None] | None = None,
    wait: Callable[[], None] | None = None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Sends the records to the two topics and returns when all are safe.

    `pace` is called with each event's time. Every AT_ONCE records, when they are safe, `wait` may hold
    the rest back until the consumers have caught up.
    """
    for start in range(0, len(records), AT_ONCE):
        for record in records[start : start + AT_ONCE]:
            if pace is not None:
                pace(record.time)
            sink.send(feedback if record.feedback else decisions, record.key, record.value)
        sink.flush()
        if wait is not None:
            wait()
        if progress is not None:
            progress(min(1.0, (start + AT_ONCE) / len(records)))


class KafkaSink:
    """kafka-python's producer, by its own settings; keyed records go where murmur2 says.

    Raises ConfigError where Kafka cannot be reached.
    """

    def __init__(self, client: Mapping[str, Any], **more: Any) -> None:
        self._address = client["bootstrap_servers"]
        self._failure: Exception | None = None
        settings = {"acks": "all", "linger_ms": 20, "bootstrap_timeout_ms": 15_000, **client, **more}
        with reasons.heard() as why:
            try:
                self._producer = KafkaProducer(**settings)
            except (KafkaError, OSError, ValueError) as error:
                raise self._unreachable(why.of(error)) from None

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        try:
            self._producer.send(topic, key=key, value=value).add_errback(self._failed)
        except KafkaError as error:
            raise self._unreachable(error) from None

    def flush(self) -> None:
        try:
            self._producer.flush()
        except KafkaError as error:
            raise self._unreachable(error) from None
        if self._failure is not None:
            raise self._unreachable(self._failure)

    def close(self) -> None:
        self._producer.close()

    def _failed(self, error: Exception) -> None:
        self._failure = error

    def _unreachable(self, error: object) -> ConfigError:
        allowed = f"the address of a running Kafka that lets us in ({error})"
        return ConfigError("broker.url", self._address, allowed)
