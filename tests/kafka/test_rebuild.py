"""The same numbers from the log alone: after `fairlead rebuild`, and with more partitions than before."""

import subprocess
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from streams import settings, topics
from tests.kafka.deployment import (
    FAIRLEAD,
    PARTITIONS,
    Deployment,
    compas,
    counts,
    published,
    reading,
    ready,
    total,
    wait_until,
)

pytestmark = pytest.mark.kafka
DECISIONS = FEEDBACK = 7_214


def rebuild(deployment: Deployment, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [FAIRLEAD, "rebuild", "-c", str(deployment.configuration), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def widen(deployment: Deployment, partitions: int) -> None:
    """As `kafka-topics.sh --alter --partitions` does."""
    admin = KafkaAdminClient(bootstrap_servers=deployment.kafka)
    try:
        admin.create_partitions({deployment.decisions: partitions, deployment.feedback: partitions})
    finally:
        admin.close()


def test_the_log_gives_the_same_numbers_again(kafka: str, unique: str, tmp_path: Path) -> None:
    with Deployment(kafka, unique, tmp_path) as deployment:
        deployment.send(compas())
        with deployment.worker() as worker:
            ready(worker)
            first = reading([worker], DECISIONS, FEEDBACK)
            refused = rebuild(deployment, "--yes")
            assert (refused.returncode, refused.stdout) == (2, "")
            said = f"broker.group: '{unique}' is not allowed; allowed: one whose workers are all stopped"
            assert refused.stderr.startswith(f"fairlead: {said}")
            assert worker.stop() == 0
        dry = rebuild(deployment)
        assert dry.returncode == 0, dry.stderr
        assert f"{unique}-facts-changelog" in dry.stdout
        assert f"{deployment.decisions}: 7,214 messages\n" in dry.stdout
        assert dry.stdout.endswith("nothing was changed; to do it: fairlead rebuild --yes\n")
        done = rebuild(deployment, "--yes")
        assert done.returncode == 0, done.stderr
        assert list(deployment.read(f"{unique}-facts-changelog")) == []
        with deployment.worker() as worker:
            ready(worker)
            assert reading([worker], DECISIONS, FEEDBACK)["attributes"] == first["attributes"]
            assert total([worker], "duplicates") == 0
            assert worker.stop() == 0


def test_more_partitions_give_the_same_numbers(kafka: str, unique: str, tmp_path: Path) -> None:
    half = len(compas()) // 2
    with Deployment(kafka, unique, tmp_path) as deployment:
        deployment.send(compas()[:half])
        with deployment.worker() as worker:
            ready(worker)
            wait_until(lambda: total([worker], "events") == half, "half of the events")
            assert worker.stop() == 0
        widen(deployment, 2 * PARTITIONS)
        assert rebuild(deployment, "--yes").returncode == 0
        broker = settings.load(deployment.configuration).broker
        found = topics.partitions(broker, topics.names(broker).tied[0])
        assert set(found.values()) == {2 * PARTITIONS}
        deployment.send(compas()[half:])
        with deployment.worker() as one:
            wait_until(lambda: one.ready() and one.holds(2 * PARTITIONS), "all partitions")
            assert counts(reading([one], DECISIONS, FEEDBACK)) == published()
            assert total([one], "misrouted") > 0  # what had been sent before lay elsewhere
            assert one.stop() == 0
