"""The same numbers, tests and alerts from the log alone: after `fairlead rebuild`, and under another group;
the same numbers with more partitions than before."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient

from monitor.config import slice_ms
from monitor.trials.record import decode
from streams import parts, settings, topics
from tests.faults.compare import require_same
from tests.faults.durable import ledger_of, open_alerts, trials_in
from tests.faults.logs import table
from tests.kafka.broker import Broker, running
from tests.kafka.deployment import (
    FAIRLEAD,
    PARTITIONS,
    Deployment,
    Process,
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
MODEL, STATE = "compas", b"trials/compas"


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


def renamed(deployment: Deployment, group: str) -> Path:
    """The same configuration for another group."""
    text = deployment.configuration.read_text()
    made = deployment.configuration.with_name(f"{group}.toml")
    made.write_text(text.replace(f'group = "{deployment.name}"', f'group = "{group}"'))
    return made


def judged(deployment: Deployment, group: str) -> Any:
    """The tests, what they were fed, and the alerts that are open, once all is fed that is finished."""
    width = slice_ms(settings.load(deployment.configuration).models[MODEL])
    end = max(record.time for record in compas()) // width

    def fed() -> Any:
        items = parts.joined(table(deployment.kafka, f"{group}-evaluate-changelog"))
        if STATE not in items or set(decode(items[STATE]).consumed.values()) != {end}:
            return None
        return trials_in(items[STATE]), ledger_of(items, MODEL), open_alerts(items)

    return wait_until(fed, f"tests that have been fed up to slice {end}")


def require_again(deployment: Deployment, group: str, first: Any, before: Any) -> None:
    """Runs a worker of a group that has nothing yet: it must come to what another has come to before."""
    with Process(renamed(deployment, group)) as worker:
        ready(worker)
        assert reading([worker], DECISIONS, FEEDBACK)["attributes"] == first["attributes"]
        require_same(f"what {group} judged", judged(deployment, group), before)
        assert total([worker], "duplicates") == 0
        assert worker.stop() == 0


def test_the_log_gives_the_same_again(kafka: str, unique: str, tmp_path: Path) -> None:
    """Under another group, while the old state stays where it is; and where it was deleted."""
    with Deployment(kafka, unique, tmp_path) as deployment:
        deployment.send(compas())
        with deployment.worker() as worker:
            ready(worker)
            first = reading([worker], DECISIONS, FEEDBACK)
            before = judged(deployment, unique)
            refused = rebuild(deployment, "--yes")
            assert (refused.returncode, refused.stdout) == (2, "")
            said = f"broker.group: '{unique}' is not allowed; allowed: one whose workers are all stopped"
            assert refused.stderr.startswith(f"fairlead: {said}")
            assert worker.stop() == 0
        require_again(deployment, f"{unique}-new", first, before)
        require_same("what the old group keeps", judged(deployment, unique), before)
        dry = rebuild(deployment)
        assert dry.returncode == 0, dry.stderr
        assert f"{unique}-facts-changelog" in dry.stdout
        assert f"{deployment.decisions}: 7,214 messages\n" in dry.stdout
        assert dry.stdout.endswith("nothing was changed; to do it: fairlead rebuild --yes\n")
        done = rebuild(deployment, "--yes")
        assert done.returncode == 0, done.stderr
        assert list(deployment.read(f"{unique}-facts-changelog")) == []
        require_again(deployment, unique, first, before)


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


def test_kafka_that_has_seen_no_group_yet_is_waited_for(tmp_path: Path) -> None:
    """It makes the topic of all groups when it is asked for the first one."""
    (tmp_path / "broker").mkdir()
    with (
        running(Broker(tmp_path / "broker")) as broker,
        Deployment(broker.address, "first", tmp_path) as deployment,
    ):
        asked = rebuild(deployment, "--yes")
    assert (asked.stderr, asked.returncode) == ("", 0)
    assert "nothing is there" in asked.stdout
