"""The whole worker over a Kafka made of lists, in one process: every step and every crash at will."""

import asyncio
import time
from collections import Counter, defaultdict
from math import inf
from types import SimpleNamespace
from typing import Any

import msgspec
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from monitor.arrays.hashing import partitions
from monitor.arrays.texts import Texts
from monitor.config import Config, Model, Rule
from streams import topics
from streams.app import Worker
from streams.bundles import Bundle
from streams.clocks import Listener
from streams.lanes import Take
from streams.tables import Table
from streams.turns import Turns
from tests.alerts.doubles import Crash, Recorder
from tests.streams.test_tables import recovery_of

COUNT, DAY = 2, 86_400
CROWD = 400  # enough for the tests to begin
RULE = Rule(metric="selection_rate", attribute="sex", min=-0.1, max=0.1, severity="critical")
LOANS = Model(
    positive=["yes"], attributes=["sex"], reference={"sex": "M"}, windows=["all"], rules=[RULE], min_group=1
)
CONFIG = Config(models={"loans": LOANS})


class Log:
    """All topics as lists of (key, value), by partition; `order`: all writes (topic, value) as they came."""

    def __init__(self, count: int = COUNT) -> None:
        self.count = count
        self.records: dict[TP, list[tuple[bytes | None, bytes | None]]] = defaultdict(list)
        self.order: list[tuple[str, bytes]] = []
        self.crash_after: int | None = None

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None, *_: object
    ) -> "asyncio.Future[Any]":
        """As Faust's producer; what is written is durable at once."""
        if self.crash_after is not None:
            if self.crash_after == 0:
                raise Crash
            self.crash_after -= 1
        if partition is None:
            partition = int(partitions(Texts([(key or b"").decode()]), self.count)[0])
        self.order.append((topic, value or b""))
        log = self.records[TP(topic, partition)]
        log.append((key, value))
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(SimpleNamespace(offset=len(log) - 1))
        return done

    def values(self, topic: str) -> list[bytes]:
        """The values of all partitions of a topic."""
        return [
            value or b"" for tp in sorted(self.records) if tp.topic == topic for _, value in self.records[tp]
        ]


class Consumer:
    """What the agents ask of the consumer: everything was read."""

    def __init__(self) -> None:
        self.lost: Counter[TP] = Counter()

    def ended(self, _: TP) -> float | None:
        return time.monotonic()

    def inputs(self) -> set[TP]:
        return set()

    def is_live(self, _: TP) -> bool:
        return True


class Prompt(Listener):
    """Believes at once what all have said."""

    def time(self, _: float) -> int | None:
        return self._heard[-1].time if self._heard else None


class Restless(Turns):
    """It is always everybody's turn: what the first reading took of a busy machine changes no test."""

    def took(self, model: str, seconds: float, now: float) -> None:
        """Nobody rests."""


class Line:
    """A worker that holds all `count` partitions. After `start` it is a new process: only the log remains."""

    def __init__(self, config: Config = CONFIG, count: int = COUNT) -> None:
        self.config, self.count, self.log, self.told = config, count, Log(count), Recorder()
        self.topics = topics.names(config.broker)
        self.committed: Counter[TP] = Counter()

    async def start(self) -> None:
        self.worker = Worker(
            self.config, self.topics, {"console": self.told}, partitions=self.count, panes=self.count
        )
        self.worker.app.producer, self.worker.app.consumer = self.log, Consumer()
        self.worker.evaluate._turns = Restless()
        self.positions = self.committed.copy()
        for table in self._tables():
            await self._recover(table)
        for desk in self.worker.evaluate.desks.values():
            desk._listener = Prompt()

    def _tables(self) -> list[Table]:
        return [self.worker.collect.table, self.worker.evaluate.table, self.worker.notify.table]

    async def _recover(self, table: Table) -> None:
        every = {TP(topic, p) for topic in table.together for p in range(self.count)}
        await table.on_rebalance(every, set(), set(), 1)
        changelog = table.changelog_topic_name
        for number in range(self.count):
            for offset, (key, value) in enumerate(self.log.records[TP(changelog, number)]):
                table.data.read(number, key or b"", value, offset)
        table.app.tables._recovery = recovery_of(1)
        await table.on_recovery_completed({TP(changelog, p) for p in range(self.count)}, set())

    async def produce(self, *values: bytes, feedback: bool = False) -> None:
        """Sends events as apps do, keyed by the decision's id."""
        topic = self.topics.feedback if feedback else self.topics.decisions
        for value in values:
            event = msgspec.json.decode(value)
            key = str(event["decision_id" if feedback else "id"]).encode()
            await self.log.send(topic, key, value, None)

    async def turn(self) -> None:
        """All that is under way arrives: events, panes, alerts, messages."""
        worker = self.worker
        await self.collect()
        await worker.collect._flush()
        await self._feed(worker.evaluate._take, self.topics.panes)
        await worker.evaluate._evaluate()
        await self._feed(worker.notify._take, self.topics.alerts)
        for box in worker.notify.boxes.values():
            await box.deliver()

    async def collect(self) -> None:
        """Events become facts, and partitions tell each other which are repeats."""
        for names in (("decisions", "feedback"), ("entities",), ("repeats",)):
            topics = [getattr(self.topics, name) for name in names]
            await self._feed(self.worker.collect._take, *topics)

    async def settle(self) -> None:
        """All arrives, and the clock stands at its end: no topic waits for another that is silent."""
        silent = dict.fromkeys(self.topics.tied[0], -inf)
        for _ in range(2):
            for state in self.worker.collect.partitions.values():
                state._ended = dict(silent)
            await self.turn()

    async def _feed(self, take: Take, *names: str) -> None:
        for tp in [TP(name, p) for name in names for p in range(self.count)]:
            start, log = self.positions[tp], self.log.records[tp]
            if start < len(log):
                await take(Bundle(tp.topic, tp.partition, _records(tp, start, log)))
                self.positions[tp] = len(log)

    def commit(self) -> None:
        """From here on a new process reads on where this one is."""
        self.committed = self.positions.copy()

    def groups(self) -> dict[str, int]:
        """The decisions of each group, as the reading shows them."""
        readings = self.worker.readings()
        return {g: found.n for r in readings for g, found in r.attributes["sex"].groups.items()}

    def states(self) -> list[tuple[str, str]]:
        """The alerts' rules and states."""
        return [(alert.rule, str(alert.state)) for alert in self.worker.evaluate.alerts()]


def _records(tp: TP, start: int, log: list[tuple[bytes | None, bytes | None]]) -> list[Any]:
    return [
        ConsumerRecord(tp.topic, tp.partition, offset, 1_000, 0, key, value, None, -1, len(value or b""), ())
        for offset, (key, value) in enumerate(log[start:], start)
    ]


def decision(number: int, **fields: Any) -> bytes:
    """One of a crowd in which women are never granted anything, and men always are."""
    sex = "FM"[number % 2]
    event = {
        "id": f"d{number}",
        "model": "loans",
        "time": DAY * (1 + number // 20),
        "decision": ["no", "yes"][number % 2],
    }
    return msgspec.json.encode(event | {"attributes": {"sex": sex}} | fields)


def outcome(number: int, **fields: Any) -> bytes:
    event = {"decision_id": f"d{number}", "time": DAY * (2 + number // 20), "outcome": True}
    return msgspec.json.encode(event | fields)
