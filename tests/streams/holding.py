"""One partition as a worker holds it, and what comes to it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from aiokafka.structs import ConsumerRecord

from monitor.arrays.hashing import partitions
from monitor.arrays.texts import Texts
from monitor.config import Config, Model, Rule
from monitor.events.events import finished
from streams.bundles import Bundle
from streams.partition import Partition, Taken

COUNT, DAY = 4, 86_400
CONFIG = Config(models={"loans": Model(positive=["yes"], attributes=["sex"])})
TESTED = Model(positive=["yes"], attributes=["sex"], rules=[Rule(metric="selection_rate", min=-0.1, max=0.1)])
KEY = bytes(16)


def mine(number: int = 0) -> Iterator[str]:
    """Ids that belong to a partition."""
    names = (f"d{i}" for i in range(100_000))
    return (name for name in names if partitions(Texts([name]), COUNT)[0] == number)


def decision(id: str, **fields: Any) -> bytes:
    return msgspec.json.encode({"id": id, "model": "loans", "time": DAY, "decision": "yes"} | fields)


def outcome(id: str, time: float = 2 * DAY) -> bytes:
    return msgspec.json.encode({"decision_id": id, "time": time, "outcome": True})


def bundle(values: list[bytes | None], topic: str = "decisions", start: int = 100) -> Bundle:
    records = [
        ConsumerRecord(topic, 0, start + i, 7_000 - i, 0, None, value, None, -1, len(value or b""), ())
        for i, value in enumerate(values)
    ]
    return Bundle(topic, 0, records)


def partition(config: Config = CONFIG) -> Partition:
    return Partition(0, config, COUNT, KEY, Counter())


def take(state: Partition, bundle: Bundle) -> Taken:
    """What a bundle leaves."""
    return finished(state.take(bundle))


def about_one(state: Partition, time: int, ids: Iterator[str]) -> Taken:
    """Takes five decisions about one person, made in as many seconds."""
    return take(state, bundle([decision(next(ids), time=time + i, entity="ann") for i in range(5)]))
