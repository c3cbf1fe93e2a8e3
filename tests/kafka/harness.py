"""Starts workers as processes of their own, feeds them, and reads what they left in Kafka."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer
from confluent_kafka import TopicPartition as Position
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams.stores import HOLDER
from tests.kafka.broker import create_topics

ROOT = Path(__file__).parents[2]
PATIENCE = 40.0
Line = Mapping[str, Any]


class Worker:
    """A process of `tests.kafka.worker`; killed when the `with` block ends."""

    def __init__(self, address: str, group: str, **options: object) -> None:
        command = [sys.executable, "-m", "tests.kafka.worker", address, group, json.dumps(options)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[Line] = []
        self.errors: list[str] = []
        self._changed = threading.Condition()
        self._readers = [
            self._start_reader(self._process.stdout, json.loads, self.lines),
            self._start_reader(self._process.stderr, str.strip, self.errors),
        ]

    def _start_reader(
        self, stream: IO[str] | None, parse: Callable[[str], Any], into: list[Any]
    ) -> tuple[threading.Thread, IO[str]]:
        assert stream is not None
        reader = threading.Thread(target=self._read, args=(stream, parse, into))
        reader.start()
        return reader, stream

    def _read(self, stream: Iterable[str], parse: Callable[[str], Any], into: list[Any]) -> None:
        for line in stream:
            with self._changed:
                into.append(parse(line))
                self._changed.notify_all()

    def wait_for(self, condition: Callable[[Line], bool]) -> Line:
        """The first line from now on that meets the condition."""
        start = len(self.lines)
        with self._changed:
            found = self._changed.wait_for(
                lambda: next(filter(condition, self.lines[start:]), None), PATIENCE
            )
        assert found is not None, f"waited in vain; last {self.lines[-1:]}, errors {self.errors}"
        return found

    def wait_for_beats(self, count: int) -> None:
        """So many half seconds in which it works."""
        for _ in range(count):
            self.wait_for(lambda line: "beat" in line)

    def wait_until_done(self, facts: int) -> Line:
        """Until the worker holds so many facts and all input is finished."""
        return self.wait_for(lambda line: line.get("at_end", False) and sum(line["facts"].values()) >= facts)

    def wait_for_error(self, text: str) -> None:
        """Until it has written so to its log."""
        with self._changed:
            found = self._changed.wait_for(lambda: any(text in line for line in self.errors), PATIENCE)
        assert found, f"waited in vain for {text!r} in {self.errors}"

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def exit(self) -> int:
        """The status with which the process ends."""
        status = self._process.wait(PATIENCE)
        for reader, stream in self._readers:
            reader.join()
            stream.close()
        return status

    def stop(self) -> int:
        """SIGTERM and the status."""
        self.send(signal.SIGTERM)
        return self.exit()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.runs:
            self._process.kill()
        self.exit()


class Group:
    """The topics of one group of workers, and a producer."""

    def __init__(self, address: str, name: str, partitions: int = 4) -> None:
        self.address, self.name = address, name
        self.inputs = [f"{name}-decisions", f"{name}-feedback"]
        self.changelog = f"{name}-facts-changelog"
        create_topics(address, dict.fromkeys(self.inputs, partitions))
        create_topics(address, {self.changelog: partitions}, compacted=True)
        self._producer = KafkaProducer(bootstrap_servers=address)
        self.sent: set[bytes] = set()

    def worker(self, **options: object) -> Worker:
        return Worker(self.address, self.name, **options)

    def send(self, numbers: Iterable[int]) -> None:
        """Sends one decision and one feedback per number and waits for the broker."""
        for number in numbers:
            for topic in self.inputs:
                value = f"{topic[-8:]}/{number}".encode()
                self._producer.send(topic, key=str(number).encode(), value=value)
                self.sent.add(value)
        self._producer.flush()

    def send_one(self, value: bytes, partition: int) -> int:
        """Sends one decision and returns its offset."""
        sent = self._producer.send(self.inputs[0], value=value, partition=partition)
        return int(sent.get(10).offset)

    def keep(self, *, transactional: bool = False) -> None:
        """Writes four facts into each partition of the table, or into the first one in a transaction."""
        more = {"transactional.id": self.name} if transactional else {}
        producer = Producer({"bootstrap.servers": self.address, **more})
        if transactional:
            producer.init_transactions(PATIENCE)
            producer.begin_transaction()
        for partition in range(1 if transactional else 4):
            producer.produce(self.changelog, b"a b c d", key=b"%d/writer/1" % partition, partition=partition)
        if transactional:
            producer.commit_transaction(PATIENCE)
        producer.flush()

    def facts(self) -> set[bytes]:
        """All facts in the table's changelog."""
        return {fact for block in self.blocks() for fact in block.split()}

    def blocks(self) -> list[bytes]:
        """What each bundle left there."""
        return [*filter(None, self._read(self.changelog))]

    def _read(self, topic: str) -> Iterator[bytes | None]:
        """All values of a topic. By librdkafka: kafka-python cannot unpack zstd by itself."""
        settings = {"bootstrap.servers": self.address, "group.id": "reader", "enable.partition.eof": True}
        reader = Consumer({**settings, "enable.auto.commit": False})
        try:
            partitions = reader.list_topics(topic, 10).topics[topic].partitions
            reader.assign([Position(topic, partition, OFFSET_BEGINNING) for partition in partitions])
            ends = 0
            while ends < len(partitions):
                record = reader.poll(PATIENCE)
                assert record is not None
                if record.error() is None:
                    if record.key() != HOLDER:
                        yield record.value()
                else:
                    assert record.error().code() == KafkaError._PARTITION_EOF, record.error()
                    ends += 1
        finally:
            reader.close()

    def committed(self) -> dict[tuple[str, int], tuple[int, int]]:
        """Committed offset and end of every input partition, e.g. {("x-decisions", 0): (17, 17)}."""
        reader = KafkaConsumer(bootstrap_servers=self.address, group_id=self.name, enable_auto_commit=False)
        try:
            every = [TopicPartition(t, p) for t in self.inputs for p in reader.partitions_for_topic(t)]
            return {
                (one.topic, one.partition): (reader.committed(one) or 0, end)
                for one, end in reader.end_offsets(every).items()
            }
        finally:
            reader.close()

    def done(self) -> int:
        """Records of all inputs that are committed."""
        return sum(done for done, _ in self.committed().values())

    def lag(self) -> int:
        """Records of all inputs that are not committed."""
        return sum(end - done for done, end in self.committed().values())

    def close(self) -> None:
        self._producer.close()
