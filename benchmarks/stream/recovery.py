"""How fast a worker takes up the state of another, and how long the others stand still meanwhile."""

import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import Producer

from benchmarks.stream import events
from benchmarks.stream.brokers import PARTITIONS, send
from benchmarks.stream.process import Worker, wait_until
from benchmarks.stream.throughput import CREDIT, configured, create

RATE, TICK = 1_000, 0.05  # decisions a second while workers come and go; s between two looks
SETTLED = 5.0  # s of quiet before and after a worker comes or goes


class Restored(NamedTuple):
    """Of so many decisions that wait: seconds of a restart with their state, and of one without.

    `each` is by how many bytes a worker's memory is larger for each, beside one with a tenth of them.
    """

    decisions: int
    seconds: float
    empty: float
    each: float

    @property
    def rows_a_second(self) -> float:
        return self.decisions / max(self.seconds - self.empty, 1e-9)


def restore(address: str, name: str, decisions: int) -> Restored:
    """Seconds from the start of a process to its readiness, with all partitions, on a real Kafka."""
    create(address, f"{name}-decisions", f"{name}-feedback")
    with configured(address, name, CREDIT) as file:
        decided = [events.decision(loan) for loan in events.loans(decisions)]
        first, rest = decided[::10], [row for i, row in enumerate(decided) if i % 10]
        empty = _start(file, 0)
        _send(address, name, file, first, len(first))
        some = _start(file, len(first))
        _send(address, name, file, rest, decisions)
        full = _start(file, decisions)
        each = (full.memory - some.memory) / len(rest)
        return Restored(decisions, full.seconds, empty.seconds, each)


def _send(address: str, name: str, file: Path, decided: list[events.Row], count: int) -> None:
    """A worker takes some decisions, of which it has so many then, and stops."""
    with Worker(file) as worker:
        wait_until(lambda: worker.recovered() == PARTITIONS, "a worker that is ready")
        send(address, events.columns(f"{name}-decisions", "credit", decided, PARTITIONS))
        wait_until(lambda: worker.taken()[0] == count, "all decisions", 0.5)
        wait_until(lambda: worker.clock() is not None, "the clock", 0.5)
        worker.stop()


class _Started(NamedTuple):
    """Seconds until a worker was ready, and its bytes of memory when it has read what it has."""

    seconds: float
    memory: int


def _start(file: Path, decisions: int) -> _Started:
    """Starts a worker with so many decisions, and stops it when it is ready and has judged them."""
    start = time.perf_counter()
    with Worker(file) as worker:
        wait_until(lambda: worker.recovered() == PARTITIONS, "a worker that is ready", 0.02)
        seconds = time.perf_counter() - start
        if decisions:  # then all code is loaded, that of detectors too
            wait_until(lambda: worker.taken()[0] == decisions, "the first readings", 0.5)
            wait_until(lambda: worker.clock() is not None, "the clock", 0.5)
            time.sleep(SETTLED)
        found = _Started(seconds, worker.memory())
        worker.stop()
    return found


def stalls(address: str, name: str, pending: int) -> dict[str, float]:
    """The longest time (s) for which a worker that stays takes nothing, by what happens to another one.

    All the while events come to all partitions, and `pending` decisions wait for their outcome.
    """
    topic = f"{name}-decisions"
    create(address, topic, f"{name}-feedback")
    with configured(address, name, CREDIT) as file, ExitStack() as stack:
        stays = stack.enter_context(Worker(file))
        wait_until(lambda: stays.recovered() == PARTITIONS, "a worker that is ready")
        decided = [events.decision(loan) for loan in events.loans(pending)]
        send(address, events.columns(topic, "credit", decided, PARTITIONS))
        wait_until(lambda: stays.taken()[0] == pending, "all decisions", 0.5)
        stack.enter_context(_Load(address, topic))
        found = {}
        with _Watch(stays) as watch:
            other = stack.enter_context(Worker(file))
            wait_until(lambda: other.recovered() == PARTITIONS // 2, "a second worker", 0.2)
        found["another one joins"] = watch.longest
        with _Watch(stays) as watch:
            other.kill()
            wait_until(lambda: stays.recovered() == PARTITIONS, "the partitions of the killed one", 0.2)
        found["another one is killed"] = watch.longest
    return found


class _Load:
    """RATE decisions a second to all partitions, from a thread, while the `with` block lasts."""

    def __init__(self, address: str, topic: str) -> None:
        self._producer, self._topic = Producer({"bootstrap.servers": address, "linger.ms": 5}), topic
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send)

    def _send(self) -> None:
        loans = events.loans(100 * RATE, seed=2, start=events.START + events.DAY)
        messages = events.single(self._topic, [events.decision(loan) for loan in loans], PARTITIONS)
        for number, message in enumerate(messages):
            self._producer.produce(message.topic, message.value, message.key, message.partition)
            if number % 50 == 0:
                self._producer.poll(0)
                if self._over.wait(50 / RATE):
                    return

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._producer.flush(10)


class _Watch:
    """For how long a worker takes no event, at most, while the `with` block lasts and some seconds on."""

    def __init__(self, worker: Worker) -> None:
        self._worker, self.longest = worker, 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        last, since = -1, time.perf_counter()
        while not self._over.wait(TICK):
            taken, now = sum(self._worker.get("/api/health")["events"].values()), time.perf_counter()
            self.longest = max(self.longest, now - since)
            if taken != last:
                last, since = taken, now

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(SETTLED)
        self._over.set()
        self._thread.join()
