"""COMPAS as the JSON of somebody else's topic, on real Kafka: the published numbers."""

import csv
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaProducer

from tests.kafka.broker import create_topics
from tests.kafka.deployment import (
    COMPAS,
    FAIRLEAD,
    Deployment,
    counts,
    published,
    reading,
    ready,
    total,
    wait_until,
)

pytestmark = pytest.mark.kafka


def rows() -> list[dict[str, Any]]:
    with COMPAS.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_published_numbers_from_a_foreign_topic(kafka: str, unique: str, tmp_path: Path) -> None:
    topic = f"{unique}-raw"
    create_topics(kafka, {topic: 3})  # not as many as ours
    found = rows()
    outcomes = sum(bool(row["two_year_recid"]) for row in found)
    producer = KafkaProducer(bootstrap_servers=kafka)
    with (
        Deployment(kafka, unique, tmp_path, model=f'topic = "{topic}"\n') as deployment,
        deployment.worker() as one,
        deployment.worker() as two,
    ):
        ready(one, two)
        for row in [*found, {"id": "no time"}, *found]:
            producer.send(topic, msgspec.json.encode(row))  # without a key: anywhere
        producer.close()
        workers = (one, two)
        assert counts(reading(workers, len(found), outcomes)) == published()
        wait_until(lambda: total(workers, "events") == 2 * (len(found) + outcomes), "all events")
        assert total(workers, "invalid") == total(workers, "misrouted") + 1 == 1
        (report,) = deployment.read(deployment.invalid)
        assert msgspec.json.decode(report or b"")["topic"] == topic


def test_a_topic_that_is_not_there_is_named(kafka: str, unique: str, tmp_path: Path) -> None:
    with Deployment(kafka, unique, tmp_path, model=f'topic = "{unique}-raw"\n') as deployment:
        command = [FAIRLEAD, "worker", "-c", str(deployment.configuration)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"fairlead: models.compas.topic: '{unique}-raw' is not allowed; allowed: a topic that exists"
    )
