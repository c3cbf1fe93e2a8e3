"""Two workers and what they know of entities only together, on a real Kafka, with one of them killed."""

import signal
from pathlib import Path

import msgspec
import pytest

from streams import settings
from streams.commands import slices
from streams.files.replay import Record
from tests.kafka.deployment import Deployment, Process, readings, ready, wait_until

pytestmark = pytest.mark.kafka
DAY, START = 86_400, 86_400 * 20_000
PEOPLE, EACH = 600, 3
MODEL = """
[models.loans]
positive = ["yes"]
attributes = ["sex"]
windows = ["all"]
[[models.loans.rules]]
metric = "selection_rate"
min = -0.1
max = 0.1
"""


def record(name: str, person: int, day: float) -> Record:
    time = START + day * DAY
    event = {
        "id": name,
        "model": "loans",
        "time": time,
        "decision": "yes",
        "attributes": {"sex": "FM"[person % 2]},
        "entity": f"p{person}",
    }
    return Record(int(time * 1000), False, name.encode(), msgspec.json.encode(event))


def crowd(people: range) -> list[Record]:
    """Twenty people a day, each decided on several times, under ids that lie in any partition."""
    return [record(f"{n}-{i}", n, n // 20 + i / 10) for n in people for i in range(EACH)]


def decided(workers: list[Process]) -> int:
    return sum(r["decisions"] for r in readings(workers) if r["model"] == "loans")


def fed(deployment: Deployment) -> dict[int, int]:
    """By slice, how many decisions the tests were fed of both groups."""
    pages = slices.of_deployment(settings.load(deployment.configuration)).get("loans", [])
    return {
        page.slice: sum(n for attribute, _, _, n, _ in page.rows if attribute == "sex")
        for page in pages
        if page.source == "decisions"
    }


def test_an_entity_counts_once_whoever_holds_its_decisions(kafka: str, unique: str, tmp_path: Path) -> None:
    half = PEOPLE // 2
    with (
        Deployment(kafka, unique, tmp_path, MODEL) as deployment,
        deployment.worker() as one,
        deployment.worker() as two,
    ):
        ready(one, two)
        deployment.send(crowd(range(half)))
        wait_until(lambda: decided([one, two]) == half * EACH, "the first half")
        deployment.send(crowd(range(half, PEOPLE)))
        two.stop(signal.SIGKILL)
        deployment.send([record("last", PEOPLE, PEOPLE // 20 + 1)])
        wait_until(lambda: decided([one]) == PEOPLE * EACH + 1, "all decisions")
        wait_until(lambda: len(fed(deployment)) == PEOPLE // 20, "all days in the ledger")
        assert set(fed(deployment).values()) == {20}
        assert one.stop() == 0
