"""A line of workers under a supervisor, on a broker of its own, to which things happen."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from streams.cli import BAD_INPUT
from streams.guard import CRASHED, STOP_SECONDS
from tests.faults.history import CONFIGURATION, MODELS, PARTITIONS, Part, Sent
from tests.faults.packing import packed
from tests.faults.schedule import ACTIONS, FEWEST, FIRST, MOST, Action
from tests.faults.told import Told, listening
from tests.kafka.broker import Broker, create_topics
from tests.kafka.deployment import Process

SPREAD = 3.0  # seconds over which a part is sent: longer than anything waits to happen
SLICES = 20  # in which it goes out
PATIENCE = 240.0  # seconds until a part is through, from its last action, on a machine that is busy
LEAVING = STOP_SECONDS + 10  # seconds: the machine is busy
ANSWER = 5.0  # seconds that a worker may take to answer
ALLOWED = {0, -signal.SIGKILL}
EXCUSED = {*ALLOWED, CRASHED, BAD_INPUT}  # without a broker, or when it has stood still, one may give up
EXCUSES = {"zombie", "restart_broker", "stop_broker", "slow_broker"}


class Worker(Process):
    """A worker with a short session, which may be dead or stand still."""

    command = (sys.executable, "-m", "tests.faults.worker")

    stands_still = False

    def send(self, number: signal.Signals) -> None:
        if self.status is None:
            self._process.send_signal(number)
            self.stands_still = number == signal.SIGSTOP or (self.stands_still and number != signal.SIGCONT)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self._process.wait()

    def finish(self) -> int:
        """Ends it in order; the status."""
        self.send(signal.SIGTERM)
        return self.leave()

    def leave(self) -> int:
        """Waits for the end of one that was told to end; the status."""
        try:
            self._process.wait(LEAVING)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"does not stop: {self.abort()}") from None
        self.__exit__()
        return self._process.returncode

    def abort(self) -> str:
        """Ends it at once; what it says of what it is doing."""
        self.send(signal.SIGABRT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self.__exit__()
        return "".join(self.lines)

    @property
    def speaks(self) -> bool:
        """Whether it has told where its page is: before, it does not know what signals mean."""
        return any("the page is at" in line for line in self.lines)

    @property
    def status(self) -> int | None:
        """How it ended; None while it lives."""
        return self._process.poll()

    def ask(self, path: str) -> Any:
        """What its page says; None if it says nothing."""
        if self.stands_still:
            return None
        address = self._found or (self.status is None and self._printed_address())
        if not address:
            return None
        self._found = address
        try:
            with urllib.request.urlopen(address + path, timeout=ANSWER) as answer:
                return json.load(answer)
        except OSError:
            return None


class Line:
    """Two workers to begin with. One that ends is started again, as systemd would."""

    def __init__(self, broker: Broker, name: str, folder: Path, told: Told) -> None:
        self.broker, self.name, self.told = broker, name, told
        self.allowed = ALLOWED
        self.topics = {False: f"{name}-d", True: f"{name}-f"}
        self.configuration = folder / f"{name}.toml"
        self.configuration.write_text(self._written())
        create_topics(broker.address, dict.fromkeys(self.topics.values(), PARTITIONS))
        self.workers: list[Worker] = []
        self.ends: list[tuple[int | None, list[str]]] = []
        self._leaving: list[Worker] = []
        self._later: list[tuple[float, Callable[[], None]]] = []
        settings = {"bootstrap.servers": broker.address, "enable.idempotence": True, "linger.ms": 5}
        self._producer = Producer(settings | {"message.timeout.ms": 120_000, "log_level": 0})

    def _written(self) -> str:
        models = "".join(CONFIGURATION.format(name=name) for name in MODELS)
        topics = f'decisions = "{self.topics[False]}"\nfeedback = "{self.topics[True]}"\n'
        topics += f'invalid = "{self.name}-i"\npartitions = {PARTITIONS}\n'
        broker = f'[broker]\nurl = "kafka://{self.broker.address}"\ngroup = "{self.name}"\n{topics}'
        return f"{broker}[http]\nport = 0\n{models}{self.told.configuration()}"

    # what happens to it

    def worker(self, place: int) -> Worker:
        return self.workers[place % len(self.workers)]

    def add(self) -> None:
        if len(self.workers) < MOST:
            self.workers.append(Worker(self.configuration))

    def remove(self, place: int) -> None:
        if len(self.workers) > FEWEST:
            worker = self.workers.pop(place % len(self.workers))
            worker.send(signal.SIGTERM)
            self._leaving.append(worker)

    def jump(self, worker: Worker, number: signal.Signals) -> None:
        """Moves a worker's clock, as soon as it listens."""
        if worker.speaks:
            worker.send(number)
        elif worker.status is None:
            self.later(0.1, lambda: self.jump(worker, number))

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + seconds, action))

    # how it goes on

    def play(self, number: int, part: Part, actions: Sequence[Action], through: Callable[[], str]) -> None:
        """Sends a part while the actions happen, until `through` has no objection any more."""
        sender = threading.Thread(target=self._send, args=(part,), daemon=True)
        sender.start()
        start, waiting = time.monotonic(), [action for action in actions if action.part == number]
        while waiting or sender.is_alive():
            while waiting and time.monotonic() >= start + waiting[0].after:
                action = waiting.pop(0)
                self.allowed = EXCUSED if action.what in EXCUSES else self.allowed
                ACTIONS[action.what](self, action.place)
            self._turn()
        self.wait(through, f"part {number}")

    def wait(self, through: Callable[[], str], what: str) -> None:
        end = time.monotonic() + PATIENCE
        self._turn()
        while objection := through():
            assert time.monotonic() < end, f"{what}: {objection}; ended: {self.ends}; {self._asked()}"
            self._turn()

    def rest(self) -> None:
        """Until everything that was to happen later has happened."""
        while self._later:
            self._turn()

    def _turn(self) -> None:
        now = time.monotonic()
        due = [action for at, action in self._later if at <= now]
        self._later = [(at, action) for at, action in self._later if at > now]
        for action in due:
            action()
        for place, worker in enumerate(self.workers):
            if worker.status is not None:
                self._bury(worker)
                self.workers[place] = Worker(self.configuration)
        time.sleep(0.1)

    def _bury(self, worker: Worker) -> None:
        worker.__exit__()
        self.ends.append((worker.status, worker.lines[-3:]))
        assert worker.status in self.allowed, (worker.status, worker.lines)

    def _send(self, part: Part) -> None:
        """Each day is in the log before the next one begins; each log has its order."""
        chance = random.Random(part.clock)
        for day in part.days:
            size = max(1, len(day) * len(part.days) // SLICES)
            for start in range(0, len(day), size):
                for place, values in _by_log(day[start : start + size]).items():
                    for message in packed(values, chance):
                        self._producer.produce(self.topics[place[0]], message, None, place[1])
                time.sleep(SPREAD / SLICES)
                assert self._producer.flush(120) == 0

    def readings(self, window: str = "all") -> list[Any]:
        """What the workers that answer show."""
        answers = [worker.ask(f"/api/readings?window={window}") for worker in self.workers]
        return [reading for answer in answers for reading in answer or ()]

    def alerts(self) -> list[Any]:
        return [alert for worker in self.workers for alert in worker.ask("/api/alerts") or ()]

    def unready(self) -> str:
        """What is not ready yet; nothing when all is. One that has only begun does not stop in order."""
        health = [worker.ask("/api/health") for worker in self.workers]
        return "" if all(each and each["ready"] for each in health) else "a worker is not ready"

    def _asked(self) -> str:
        """What each worker says of itself, as far as it tells why nothing goes on. They end with that."""
        names = ("ready", "reason", "clock", "lag", "assigned", "recovered")
        health = [worker.ask("/api/health") for worker in self.workers]
        told = [str(each and {name: each[name] for name in names}) for each in health]
        return "\n".join(["", *told, *(worker.abort() for worker in self.workers)])

    def stop(self) -> None:
        """Ends all workers in order. Raises AssertionError if one does not, or did not when removed."""
        for worker in self._leaving:
            assert worker.leave() in {*self.allowed, -signal.SIGTERM}, (worker.status, worker.lines)
        while self.workers:
            worker = self.workers.pop()
            self._leaving.append(worker)
            assert worker.finish() == 0, (worker.status, worker.lines)

    def close(self) -> None:
        """Leaves no worker behind, and the broker at work."""
        self.broker.send(signal.SIGCONT)
        for worker in [*self.workers, *self._leaving]:
            worker.__exit__()


@contextmanager
def line(broker: Broker, name: str, folder: Path) -> Iterator[Line]:
    """A line whose workers are ready; none is left behind."""
    with listening() as told:
        made = Line(broker, name, folder, told)
        try:
            for _ in range(FIRST):
                made.add()
            made.wait(made.unready, "the start")
            yield made
        finally:
            made.close()


def _by_log(sent: Sequence[Sent]) -> dict[tuple[bool, int], list[bytes]]:
    """The events of each topic and partition, in their order."""
    found: dict[tuple[bool, int], list[bytes]] = {}
    for each in sent:
        found.setdefault((each.record.feedback, each.partition), []).append(each.record.value)
    return found
