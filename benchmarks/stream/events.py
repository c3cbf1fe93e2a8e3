"""The events that every measurement here sends: loans, decided at random, with a seed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from fairlead_client.batch import Event, messages

from monitor.arrays.hashing import partitions
from monitor.arrays.texts import Texts

GROUPS = {
    "sex": ["F", "M"],
    "age_band": ["under 25", "25 to 45", "over 45"],
    "origin": ["north", "south", "east", "west", "abroad", "island"],
}
DECISIONS, OUTCOMES = ["declined", "approved"], ["defaulted", "repaid"]
START = 1_760_000_000.0  # s, event time of the first decision
DAY = 86_400.0
LARGEST = 900_000  # bytes of a message by columns, as the client's default
Row = dict[str, Any]


class Message(NamedTuple):
    """One record for Kafka, and how many events are in it."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    events: int


def loans(count: int, seed: int = 1, start: float = START) -> list[Row]:
    """Decisions and their outcomes, flat: one row each, over a day of event time."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 1 << 63, count).tolist()
    times = (start + np.arange(count) * (DAY / count)).round(3).tolist()
    chosen = {"decision": DECISIONS, "outcome": OUTCOMES, **GROUPS}
    columns = [np.array(names)[rng.integers(0, len(names), count)].tolist() for names in chosen.values()]
    return [
        {"id": f"loan-{id:016x}", "time": time, **dict(zip(chosen, values, strict=True))}
        for id, time, *values in zip(ids, times, *columns, strict=True)
    ]


def decision(loan: Row, model: str = "credit") -> Row:
    """The event of a decision, as an object."""
    attributes = {name: loan[name] for name in GROUPS}
    return {**_fields(loan, "id", "time", "decision"), "model": model, "attributes": attributes}


def feedback(loan: Row) -> Row:
    """The event of its outcome, ten minutes later."""
    return {"decision_id": loan["id"], "time": loan["time"] + 600, "outcome": loan["outcome"]}


def single(topic: str, events: Sequence[Row], count: int) -> Iterator[Message]:
    """One event a message, in `count` partitions."""
    ids = [event.get("id") or event["decision_id"] for event in events]
    for event, id, partition in zip(events, ids, partitions(Texts(ids), count).tolist(), strict=True):
        yield Message(topic, partition, id.encode(), msgspec.json.encode(event), 1)


def columns(topic: str, model: str | None, events: Iterable[Row], count: int) -> Iterator[Message]:
    """Batches by column, as the client makes them: of a thousand events of one partition at most."""
    rows = [_flat(event) for event in events]
    taken = [Event(n, topic, model, row.get("id") or row["decision_id"], row) for n, row in enumerate(rows)]
    for _, partition, key, value, batch in messages(taken, {topic: count}, LARGEST):
        yield Message(topic, partition, key, value, len(batch))


def _flat(event: Row) -> Row:
    """As the client's `decision_row` has it: attributes are columns, the model is the message's."""
    row = {name: value for name, value in event.items() if name not in ("attributes", "model")}
    return row | {f"attributes.{name}": group for name, group in event.get("attributes", {}).items()}


def _fields(row: Row, *names: str) -> Row:
    return {name: row[name] for name in names}
