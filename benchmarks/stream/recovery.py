"""How fast a worker takes up the state of another, and for how long partitions stand still meanwhile."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, TypeVar

from confluent_kafka import Producer

from benchmarks.stream import events
from benchmarks.stream.brokers import PARTITIONS, send
from benchmarks.stream.process import Worker, wait_until
from benchmarks.stream.progress import Watch
from benchmarks.stream.throughput import CREDIT, configured, create

T = TypeVar("T")
RATE, LASTS = 1_000, 200  # decisions a second while workers come and go, and for how many seconds
SETTLED = 5.0  # s before and after a worker comes or goes


class Restored(NamedTuple):
    """Of so many decisions that wait: seconds of a restart with their state, and of one without.

    `each` is by how many bytes a worker's memory is larger for each, beside one with a tenth of them.
    """

    decisions: int
    seconds: float
    empty: float
    each: float

    @property
    def restoring(self) -> float:
        """Rows a second of what the state adds to a start."""
        return self.decisions / max(self.seconds - self.empty, 1e-9)

    @property
    def starting(self) -> float:
        """Rows a second of all the time from the start of the process."""
        return self.decisions / self.seconds


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


class Stall(NamedTuple):
    """Seconds for which one partition's events wait, at most: of those that stay where they are, and move."""

    stays: float
    moves: float


def stalls(address: str, name: str, pending: int) -> dict[str, Stall]:
    """For how long a partition takes nothing, at most, by what happens to one of two workers.

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
        time.sleep(SETTLED)

        def joins() -> Worker:
            other = stack.enter_context(Worker(file))
            wait_until(lambda: other.recovered() == PARTITIONS // 2, "a second worker", 0.2)
            return other

        joined, other = _stall(address, name, stays, joins)

        def dies() -> None:
            other.kill()
            wait_until(lambda: stays.recovered() == PARTITIONS, "the partitions of the killed one", 0.2)

        killed, _ = _stall(address, name, stays, dies)
    return {"another one joins": joined, "another one is killed": killed}


def _stall(address: str, name: str, stays: Worker, happens: Callable[[], T]) -> tuple[Stall, T]:
    """For how long partitions take nothing while something happens, and what that returns."""
    before = stays.reads(f"{name}-decisions")
    with Watch(address, f"{name}-facts-changelog", PARTITIONS) as watch:
        time.sleep(SETTLED)
        found = happens()
        time.sleep(SETTLED)
    kept = before & stays.reads(f"{name}-decisions")
    moved = watch.longest.keys() - kept
    return Stall(max(watch.longest[p] for p in kept), max(watch.longest[p] for p in moved)), found


class _Load:
    """RATE decisions a second to all partitions, from a thread, while the `with` block lasts."""

    def __init__(self, address: str, topic: str) -> None:
        self._producer = Producer({"bootstrap.servers": address, "linger.ms": 5})
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send)
        loans = events.loans(LASTS * RATE, seed=2, start=events.START + events.DAY)
        self._messages = [*events.single(topic, [events.decision(loan) for loan in loans], PARTITIONS)]

    def _send(self) -> None:
        for number, message in enumerate(self._messages):
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
