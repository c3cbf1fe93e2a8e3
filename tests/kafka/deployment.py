"""A whole deployment as its users run it: `fairlead worker` processes on a real Kafka, read over HTTP."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError
from confluent_kafka import TopicPartition as Position
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from streams import settings
from streams.commands import measure, options
from streams.files import reader, replay
from streams.files.replay import Record
from tests.kafka.broker import create_topics

ROOT = Path(__file__).parents[2]
FAIRLEAD = str(Path(sys.executable).with_name("fairlead"))
COMPAS = options.BUNDLED.with_suffix(".csv")
PUBLISHED = json.loads((ROOT / "tests" / "data" / "published.json").read_text())["compas"]
COUNTED = ("tp", "fp", "tn", "fn")
ATTRIBUTES = ("race", "sex", "age_cat")
PATIENCE = 60.0
PARTITIONS = 4


def wait_until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """The first true answer."""
    end = time.monotonic() + patience
    while not (answer := condition()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)
    return answer


@cache
def compas() -> list[Record]:
    """COMPAS as events, by time: 7,214 decisions and their outcomes."""
    model = settings.load(options.BUNDLED).models["compas"]
    return replay.events(reader.read(COMPAS, "compas", model.columns, measure.FOREVER))


class Process:
    """One `fairlead worker`; killed when the `with` block ends."""

    command: tuple[str, ...] = (FAIRLEAD, "worker", "-c")

    def __init__(self, configuration: Path, *options: str) -> None:
        command = [*self.command, str(configuration), *options]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        self._found = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        self.lines.extend(iter(self._process.stderr.readline, ""))

    @property
    def address(self) -> str:
        """Of its page."""
        if not self._found:
            self._found = wait_until(self._printed_address, f"the page's address in {self.lines}")
        return self._found

    def _printed_address(self) -> str | None:
        assert self._process.poll() is None, self.lines
        return next((m[1] for line in self.lines if (m := re.search(r"page is at (http\S+)/", line))), None)

    def get(self, path: str) -> Any:
        assert self._process.poll() is None, self.lines
        with urllib.request.urlopen(self.address + path, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if path.startswith("/api") else body.decode()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def ready(self) -> bool:
        with suppress(OSError):
            return bool(self.get("/readyz"))
        return False

    def holds(self, partitions: int) -> bool:
        """Whether it is ready with so many partitions of the events."""
        health = self.get("/api/health")
        return bool(health["ready"] and health["assigned"] == health["recovered"] == partitions)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal and waits for the end; the exit status."""
        self._process.send_signal(number)
        status = self._process.wait(30)
        self._reader.join(10)
        return status

    def ends(self) -> int:
        """Waits until it ends by itself; the exit status."""
        status = self._process.wait(PATIENCE)
        self._reader.join(10)
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)
        self._reader.join(10)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


class Deployment:
    """A configuration over COMPAS's, with topics and a group of its own; a producer; workers on demand.

    `model` is added to the model's settings, `more` to the file's end.
    """

    def __init__(self, kafka: str, name: str, folder: Path, more: str = "", model: str = "") -> None:
        self.kafka, self.name = kafka, name
        self.decisions, self.feedback, self.invalid = f"{name}-d", f"{name}-f", f"{name}-i"
        broker = (
            f'[broker]\nurl = "kafka://{kafka}"\ngroup = "{name}"\ndecisions = "{self.decisions}"\n'
            f'feedback = "{self.feedback}"\ninvalid = "{self.invalid}"\npartitions = {PARTITIONS}\n'
            "[http]\nport = 0\n"
        )
        self.configuration = folder / "fairlead.toml"
        compas = options.BUNDLED.read_text().replace("[models.compas]", f"[models.compas]\n{model}", 1)
        self.configuration.write_text(f"{compas}\n{broker}{more}")
        create_topics(kafka, {self.decisions: PARTITIONS, self.feedback: PARTITIONS})
        self._producer = KafkaProducer(bootstrap_servers=kafka, max_request_size=6_000_000)

    def worker(self) -> Process:
        return Process(self.configuration)

    def send(
        self, records: Iterable[Record], partition: Callable[[int, bytes], int | None] = lambda *_: None
    ) -> None:
        """Sends records, waits for the broker. `partition` is asked with number and key; None: murmur2."""
        for number, record in enumerate(records):
            topic = self.feedback if record.feedback else self.decisions
            self._producer.send(
                topic, key=record.key, value=record.value, partition=partition(number, record.key)
            )
        self._producer.flush()

    def send_raw(self, value: bytes, *, feedback: bool = False, partition: int = 0) -> tuple[str, int, int]:
        """Sends any bytes; the topic, partition and offset that they got."""
        topic = self.feedback if feedback else self.decisions
        sent = self._producer.send(topic, value=value, partition=partition).get(10)
        return topic, partition, int(sent.offset)

    def tell(self, topic: str, key: bytes, values: Iterable[bytes]) -> None:
        """Sends records to a topic that workers keep among themselves, and waits for the broker."""
        for value in values:
            self._producer.send(topic, key=key, value=value)
        self._producer.flush()

    def send_packed(self, values: Iterable[bytes], partition: int = 0) -> None:
        """Sends decisions in as few and as small batches as gzip makes them."""
        settings = {"compression_type": "gzip", "batch_size": 2_000_000, "linger_ms": 500}
        producer = KafkaProducer(bootstrap_servers=self.kafka, max_request_size=10_000_000, **settings)
        for value in values:
            producer.send(self.decisions, value=value, partition=partition)
        producer.close()

    def allow(self, size: int) -> None:
        """Lets the topic of decisions take messages of so many bytes."""
        admin = KafkaAdminClient(bootstrap_servers=self.kafka)
        try:
            configs = {"max.message.bytes": str(size)}
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, self.decisions, configs)])
        finally:
            admin.close()

    def read(self, topic: str) -> Iterator[bytes | None]:
        """All values of a topic. By librdkafka: kafka-python cannot unpack zstd by itself."""
        settings = {"bootstrap.servers": self.kafka, "group.id": "reader", "enable.partition.eof": True}
        reader = Consumer({**settings, "enable.auto.commit": False})
        try:
            partitions = reader.list_topics(topic, 10).topics[topic].partitions
            reader.assign([Position(topic, partition, OFFSET_BEGINNING) for partition in partitions])
            ends = 0
            while ends < len(partitions):
                record = reader.poll(PATIENCE)
                assert record is not None
                if record.error() is None:
                    yield record.value()
                else:
                    assert record.error().code() == KafkaError._PARTITION_EOF, record.error()
                    ends += 1
        finally:
            reader.close()

    def so_far(self, topic: str) -> Iterator[bytes | None]:
        """The values that a topic holds now. Who is told of its end would wait where workers write on."""
        reader = Consumer(
            {"bootstrap.servers": self.kafka, "group.id": "reader", "enable.auto.commit": False}
        )
        try:
            numbers = reader.list_topics(topic, 10).topics[topic].partitions
            places = [Position(topic, number, 0) for number in numbers]
            left = {p.partition: end for p in places if (end := reader.get_watermark_offsets(p, 10)[1])}
            reader.assign(places)
            while left:
                record = reader.poll(PATIENCE)
                assert record is not None
                yield record.value()
                if record.offset() + 1 == left.get(record.partition()):
                    del left[record.partition()]
        finally:
            reader.close()

    def close(self) -> None:
        self._producer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def readings(workers: Sequence[Process], window: str = "all") -> list[Any]:
    """What the workers show of a window; one of them does."""
    return [r for worker in workers for r in worker.get(f"/api/readings?window={window}")]


def reading(workers: Sequence[Process], decisions: int, feedback: int, patience: float = PATIENCE) -> Any:
    """The reading of all time, once it holds so many decisions and outcomes."""

    def complete() -> Any:
        found = readings(workers)
        return next((r for r in found if (r["decisions"], r["feedback"]) == (decisions, feedback)), None)

    return wait_until(complete, f"{decisions} decisions and {feedback} outcomes", patience)


def alerts(workers: Sequence[Process]) -> list[Any]:
    """All alerts of the deployment, in the order of their ids."""
    return sorted((a for worker in workers for a in worker.get("/api/alerts")), key=lambda a: str(a["id"]))


def total(workers: Sequence[Process], name: str) -> int:
    """A count of the workers' health: the sum over the workers, and over its parts if it has some."""
    found = [worker.get("/api/health")[name] for worker in workers]
    return sum(sum(each.values()) if isinstance(each, dict) else each for each in found)


def lag(workers: Sequence[Process]) -> dict[tuple[str, str], int]:
    """By topic and partition, how many messages are not taken yet."""
    health = [worker.get("/api/health")["lag"] for worker in workers]
    return {(t, p): n for topics in health for t, found in topics.items() for p, n in found.items()}


def ready(*workers: Process) -> None:
    """Waits until the workers share all partitions evenly."""
    each = PARTITIONS // len(workers)
    wait_until(lambda: all(w.ready() for w in workers), "workers that are ready")
    wait_until(lambda: all(w.holds(each) for w in workers), f"{each} partitions for each worker")


def counts(found: Any, names: Sequence[str] = COUNTED) -> dict[str, dict[str, dict[str, int]]]:
    """By attribute and group, the counts of a reading, or of what `fairlead measure --json` prints."""
    return {
        attribute: {
            group: {name: shown["counts"].get(name, 0) for name in names}
            for group, shown in found["attributes"][attribute]["groups"].items()
        }
        for attribute in ATTRIBUTES
    }


def published() -> dict[str, dict[str, dict[str, int]]]:
    """What ProPublica published, as `counts` gives it."""
    return {
        attribute: {
            group: {name: found[name] for name in COUNTED}
            for group, found in PUBLISHED["published"][attribute].items()
        }
        for attribute in ATTRIBUTES
    }
