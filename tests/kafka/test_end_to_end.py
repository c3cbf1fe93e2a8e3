"""COMPAS through real Kafka and two workers: the published numbers, at every step, in any order."""

import re
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.arrays.hashing import partitions
from monitor.arrays.texts import Texts
from streams.commands.measure import moment
from streams.files.replay import Record, shuffled, twice
from tests.dashboards.chromium import chromium
from tests.kafka.deployment import (
    ATTRIBUTES,
    COUNTED,
    PARTITIONS,
    PUBLISHED,
    Deployment,
    Process,
    alerts,
    compas,
    counts,
    lag,
    published,
    reading,
    ready,
    total,
    wait_until,
)
from tests.kafka.people import People, listening

pytestmark = pytest.mark.kafka

DAYS: dict[str, Any] = PUBLISHED["as_of"]["days"]
DAY_MS = 86_400_000
GAP = "called risky, not arrested again"


class Line:
    """A deployment, the people it tells, and its two workers, which can be exchanged."""

    def __init__(self, kafka: str, name: str, folder: Path, stack: ExitStack) -> None:
        self._stack = stack
        self.people: People = stack.enter_context(listening())
        more = self.people.configuration(folder)
        self.deployment = stack.enter_context(Deployment(kafka, name, folder, more))
        self.workers: list[Process] = []
        self.start()

    def start(self) -> None:
        self.workers = [self._stack.enter_context(self.deployment.worker()) for _ in range(2)]
        ready(*self.workers)

    def stop(self) -> list[int]:
        return [worker.stop() for worker in self.workers]

    def read_all_again(self) -> None:
        """Sends all events once more and waits until all have been seen, and nothing is under way."""
        before = total(self.workers, "duplicates")
        self.deployment.send(compas())
        expected = before + len(compas())
        wait_until(lambda: total(self.workers, "duplicates") >= expected, f"{expected} duplicates")
        wait_until(lambda: not any(lag(self.workers).values()), "the end of all logs")

    def finished(self) -> Any:
        """The reading of all events, when the clock has passed the last one."""
        last = max(record.time for record in compas())
        wait_until(lambda: reading(self.workers, 7214, 7214)["as_of"] == last, "the clock")
        return reading(self.workers, 7214, 7214)


@pytest.fixture
def line(kafka: str, unique: str, tmp_path: Path) -> Iterator[Line]:
    with ExitStack() as stack:
        yield Line(kafka, unique, tmp_path, stack)


def test_every_day_is_right_and_people_are_told_once(line: Line) -> None:
    for day, records in by_day():
        line.deployment.send(records)
        expected = DAYS[day]
        found = reading(line.workers, expected["total"]["decisions"], expected["total"]["feedback"])
        for group in ("African-American", "Caucasian"):
            assert as_published(found, group) == expected[group], day
    found, before = line.finished(), alerts(line.workers)
    assert counts(found) == published()
    line.read_all_again()
    states = alerts(line.workers)
    assert [alert for alert in before if alert not in states] == []
    told = wait_until(lambda: all_told(line), "messages about every alert that fired")
    for messages in told:
        (gap,) = [m for m in messages if GAP in m and "African-American" in m and "resolved" not in m]
        assert not missing(gap), gap
    assert line.stop() == [0, 0]
    line.start()
    line.read_all_again()
    assert (rounded(line.finished()), alerts(line.workers)) == (rounded(found), states)
    assert line.people.messages() == told


def rounded(found: Any) -> Any:
    """All the same but for the last digits of fractions: sums over bins depend on what is summed together."""
    if isinstance(found, float):
        return float(f"{found:.12g}")
    if isinstance(found, dict):
        return {key: rounded(value) for key, value in found.items()}
    return [rounded(value) for value in found] if isinstance(found, list) else found


def by_day() -> Iterator[tuple[str, list[Record]]]:
    """The events between the published days, each part with the day that ends it."""
    ends = {day: moment(day) for day in DAYS}
    for day, part in groupby(compas(), lambda r: next(d for d in ends if r.time <= ends[d])):
        yield day, list(part)


def as_published(found: Any, group: str) -> dict[str, Any]:
    """A group in the words of the published table."""
    shown = found["attributes"]["race"]["groups"][group]
    atoms = {name: shown["counts"].get(name, 0) for name in COUNTED}
    rate = shown["rates"]["false_positive_rate"]
    comparisons = found["attributes"]["race"]["comparisons"]
    asked = [c for c in comparisons if c["metric"] == "false_positive_rate" and c["group"] == group]
    negatives = atoms["fp"] + atoms["tn"]
    assert rate["n"] == negatives
    assert (rate["value"] is None) == (negatives == 0)
    assert {c["verdict"] == "undefined" for c in asked} <= {negatives == 0}
    return {
        "decisions": shown["n"],
        "selection_rate": shown["rates"]["selection_rate"]["value"],
        "feedback": sum(atoms.values()),
        "fp": atoms["fp"],
        "negatives": negatives,
        "fn": atoms["fn"],
        "positives": atoms["tp"] + atoms["fn"],
    }


def all_told(line: Line) -> tuple[list[str], list[str]] | None:
    """The messages, when each episode of each alert is told, and each end."""
    found = alerts(line.workers)
    expected = sum(a["episode"] * 2 - (a["state"] == "firing") for a in found)
    messages = line.people.messages()
    return messages if expected and [len(each) for each in messages] == [expected] * 2 else None


def missing(message: str) -> list[str]:
    """What a reader of the alert needs and does not find."""
    rate = r"\d+\.\d % of [\d,]+"
    needed = (
        "compas",
        "false positive rate",
        rf"African-American\W+(n)?{rate}",
        rf"Caucasian\W+(n)?{rate}",
        r"\+\d+\.\d points \(95 % interval: \+\d+\.\d to \+\d+\.\d points\)",
        "all decisions so far",
        "https://fair.example.com/#compas",
    )
    return [pattern for pattern in needed if not re.search(pattern, message)]


async def test_any_order_any_producer_and_every_event_twice(line: Line, tmp_path: Path) -> None:
    records = twice(shuffled(compas(), 60 * DAY_MS, seed=5))
    feedback = [record for record in records if record.feedback]
    decisions = [record for record in records if not record.feedback]
    line.deployment.send(feedback, by_crc32)
    wait_until(lambda: total(line.workers, "orphans") == 7214, "feedback for 7,214 decisions to come")
    line.deployment.send(decisions, by_crc32)
    found = reading(line.workers, 7214, 7214)
    assert counts(found) == published()
    assert total(line.workers, "misrouted") == sum(map(elsewhere, (feedback, decisions)))
    assert total(line.workers, "duplicates") == 2 * 7214
    assert total(line.workers, "orphans") == total(line.workers, "pending") == 0
    (worker,) = [w for w in line.workers if w.get("/api/readings")]
    assert scraped(worker) == {
        (attribute, group): sum(found.values())
        for attribute, groups in published().items()
        for group, found in groups.items()
    }
    async with chromium(tmp_path / "profile") as tab:
        await tab.open(worker.address + "/#compas")
        await tab.until("document.querySelector('#health')")
        row = await tab.text("[data-key='attribute-race'] .groups [data-key='African-American']")
        assert row.replace("\n", "\t").split("\t")[:3] == ["African-American", "3,696", "100 %"]
        assert tab.problems == []


def by_crc32(number: int, key: bytes) -> int | None:
    """Half of the events as librdkafka's `consistent` puts them, the others as Java's client does."""
    return zlib.crc32(key) % PARTITIONS if number % 2 else None


def elsewhere(records: list[Record]) -> int:
    """How many of the records `by_crc32` sends to a partition that is not their id's."""
    there = partitions(Texts([record.key.decode() for record in records]), PARTITIONS).tolist()
    chosen = [by_crc32(number, record.key) for number, record in enumerate(records)]
    return sum(one is not None and one != other for one, other in zip(chosen, there, strict=True))


def scraped(worker: Process) -> dict[tuple[str, str], int]:
    """From /metrics: the decisions of each group in all time."""
    families = text_string_to_metric_families(worker.get("/metrics"))
    samples = next(f for f in families if f.name == "fairlead_group_decisions").samples
    return {
        (s.labels["attribute"], s.labels["group"]): int(s.value)
        for s in samples
        if s.labels["window"] == "all" and s.labels["attribute"] in ATTRIBUTES
    }
