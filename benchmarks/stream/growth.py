"""What grows with what: time an event, memory and time a reading, when one thing is ten times as many."""

import resource
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from benchmarks.stream import events, readings
from benchmarks.stream.events import Row
from monitor.arrays.index import Index
from monitor.arrays.texts import Texts
from monitor.config import Model, Rule
from monitor.events import Decision, Decoder, Feedback
from monitor.events.batches import Columns
from monitor.facts import Facts

I64 = npt.NDArray[np.int64]
KEY = bytes(range(16))
LATEST = 1 << 53
CLOCK = int((events.START + events.DAY) * 1000)  # ms, when all have come
BATCH = 10_000  # events that are taken at once
FETCHED = 24_000  # decisions by column in one fetch of a partition by a worker that catches up: see the page
MODEL = Model(
    positive=["approved"],
    positive_outcome=["repaid"],
    attributes=["sex", "age_band", "origin"],
    windows=["24h", "30d", "all"],
    rules=[Rule(metric="selection_rate", compare="ratio", min=0.8)],
)
METRICS = ["selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate", "accuracy"]
METRICS += ["positive_predictive_value", "error_rate", "base_rate", "true_negative_rate", "group_share"]


class Growth(NamedTuple):
    """CPU time an event (a decision or its outcome) and a reading of all models after news, and memory."""

    micros: float
    reading: float  # ms, after news
    facts: int  # bytes
    panes: int  # bytes


Case = tuple[dict[str, Model], list[Row], int]  # models, loans, partitions


def table(count: int) -> dict[str, tuple[Growth, Growth]]:
    """Each thing that grows, before and after."""
    return {name: (_measured(*before), _measured(*after)) for name, before, after in _cases(count)}


def _cases(count: int) -> Iterator[tuple[str, Case, Case]]:
    loans, one = events.loans(count), {"m0": MODEL}
    usual = one, loans, 1
    many = np.random.default_rng(3).integers(0, 60, count).tolist()
    crowd = [loan | {"origin": f"region {group}"} for loan, group in zip(loans, many, strict=True)]
    rules = [Rule(metric=metric, max=0.9) for metric in METRICS]
    windows = [*(f"{day}d" for day in range(1, 30)), "all"]
    yield "groups of an attribute, 6 → 60", usual, (one, crowd, 1)
    yield "rules, 1 → 10", usual, ({"m0": replace(MODEL, rules=rules)}, loans, 1)
    yield "windows, 3 → 30", usual, ({"m0": replace(MODEL, windows=windows)}, loans, 1)
    yield "models, 1 → 10", usual, ({f"m{i}": MODEL for i in range(10)}, loans, 1)
    for_each = events.loans(10 * FETCHED)  # a bundle for each of ten partitions
    yield "partitions of a worker, 1 → 10", (one, for_each, 1), (one, for_each, 10)
    yield "events, and so pending decisions, × 10", usual, (one, events.loans(10 * count), 1)


def _measured(models: dict[str, Model], loans: Sequence[Row], partitions: int) -> Growth:
    held = [Facts(models, KEY) for _ in range(partitions)]
    decided = [*bundles("m", [*models], loans)]
    returned = [*bundles("f", [None], loans)]
    decisions, feedback = Decoder(Decision), Decoder(Feedback)
    begun = process_time()
    for number, messages in enumerate(decided):
        for batch in decisions.batches(messages, LATEST).batches:
            held[number % partitions].take_decisions(batch)
            held[number % partitions].take_blocks()
    for number, messages in enumerate(returned):
        for said in feedback.batches(messages, LATEST).batches:
            held[number % partitions].take_feedback(said)
            held[number % partitions].take_blocks()
    spent = process_time() - begun
    facts = sum(each.nbytes for each in held)
    panes = sum(panes.nbytes for each in held for panes in each.panes.values())
    reading = sum(readings.cost(name, model, held, CLOCK).live for name, model in models.items())
    return Growth(spent / len(loans) / 2 * 1e6, reading * 1e3, facts, panes)


def bundles(topic: str, models: Sequence[str | None], loans: Sequence[Row]) -> Iterator[list[bytes]]:
    """Messages by column as a worker fetches them, with as many loans of each model.

    A fetch is of a megabyte, packed by lz4, and the worker takes all of it at once, not message by message.
    """
    for start in range(0, len(loans), FETCHED):
        some = loans[start : start + FETCHED]
        parts = [(model, some[i :: len(models)]) for i, model in enumerate(models)]
        yield [message.value for model, part in parts for message in _columns(topic, model, part)]


def _columns(topic: str, model: str | None, loans: Sequence[Row]) -> Iterator[events.Message]:
    made = [events.decision(loan) if model else events.feedback(loan) for loan in loans]
    return events.columns(topic, model, made, 1)


class Join(NamedTuple):
    """Feedback against many pending decisions."""

    pending: int
    each: float  # bytes of memory a pending decision, as the tables count them
    resident: float  # bytes by which the whole process grew for it
    found: float  # ids looked up a second
    learned: float  # feedback events a second, with all that they change


def join(pending: int, lookups: int) -> Join:
    """`_join` in a process of its own: memory that others freed before would hide what is taken."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        return fresh.submit(_join, pending, lookups).result()


def _join(pending: int, lookups: int) -> Join:
    """Takes so many decisions, then feedback about some of them, at random, in batches of 10,000."""
    facts = Facts({"m0": MODEL}, KEY)
    _take(facts, 0, BATCH)
    before = _resident()
    _take(facts, BATCH, pending)
    resident, each = (_resident() - before) / pending, facts.nbytes / pending
    numbers = np.random.default_rng(5).permutation(pending)[:lookups]
    returned = [_feedback(numbers[start : start + BATCH]) for start in range(0, lookups, BATCH)]
    begun = process_time()
    for batch in returned:
        facts.take_feedback(batch)
        facts.take_blocks()
    learned = lookups / (process_time() - begun)
    return Join(pending, each, resident, _found(pending, lookups), learned)


def _take(facts: Facts, start: int, end: int) -> None:
    for first in range(start, end, BATCH):
        facts.take_decisions(_decisions(np.arange(first, min(first + BATCH, end))))
        facts.take_blocks()


def _resident() -> int:
    """Bytes of this process that are in memory; Linux only."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _decisions(numbers: I64) -> Columns[Decision]:
    count = len(numbers)
    columns = {
        "id": [f"loan-{number:016x}" for number in numbers.tolist()],
        "model": ["m0"] * count,
        "decision": [events.DECISIONS[number % 2] for number in numbers.tolist()],
    }
    for name, groups in events.GROUPS.items():
        columns[f"attributes.{name}"] = [groups[number % len(groups)] for number in numbers.tolist()]
    times = (events.START * 1000 + numbers).astype(np.int64)
    return Columns(Decision, columns, times, numbers)


def _feedback(numbers: I64) -> Columns[Feedback]:
    columns = {
        "decision_id": Texts([f"loan-{number:016x}" for number in numbers.tolist()]),
        "outcome": Texts([events.OUTCOMES[number % 2] for number in numbers.tolist()]),
    }
    return Columns(Feedback, columns, np.full(len(numbers), int(events.START * 1000)), numbers)


def _found(pending: int, lookups: int) -> float:
    """Lookups a second in the index alone."""
    keys = np.random.default_rng(6).integers(0, 1 << 63, pending).astype(np.uint64)
    index = Index()
    for start in range(0, pending, BATCH):
        index.put(keys[start : start + BATCH])
    some = np.random.default_rng(7).permutation(keys)[:lookups]
    begun = process_time()
    for place in range(0, lookups, BATCH):
        index.find(some[place : place + BATCH])
    return lookups / (process_time() - begun)
