"""Bad input, kills and coming and going: the good events count, exactly, and the worker goes on."""

import json
import random
import signal
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaProducer

from monitor.arrays.hashing import partitions
from monitor.arrays.texts import Texts
from monitor.facts.blocks import VERSION
from streams import settings, topics
from streams.files.replay import Record
from streams.guard import CRASHED
from tests.kafka.deployment import (
    ATTRIBUTES,
    COUNTED,
    FAIRLEAD,
    PARTITIONS,
    Deployment,
    counts,
    reading,
    ready,
    total,
    wait_until,
)

pytestmark = pytest.mark.kafka

DAY = 86_400
RACES, SEXES, AGES = ("African-American", "Caucasian"), ("Female", "Male"), ("25 - 45", "Less than 25")
HUGE = 5_000_000
MOST_GROUPS = 102  # of an attribute: those with names, __other__ and unknown


@pytest.fixture
def deployment(kafka: str, unique: str, tmp_path: Path) -> Iterator[Deployment]:
    with Deployment(kafka, unique, tmp_path) as made:
        yield made


class Crowd:
    """People whose events are made of their numbers, and the counts that these must give."""

    def __init__(self, start: int, stop: int) -> None:
        self.records: list[Record] = []
        self.counts: dict[str, dict[str, Counter[str]]] = {name: {} for name in ATTRIBUTES}
        for number in range(start, stop):
            self._add(number, random.Random(number))

    def __len__(self) -> int:
        return len(self.records) // 2

    def _add(self, number: int, chance: random.Random) -> None:
        attributes = dict(zip(ATTRIBUTES, map(chance.choice, (RACES, SEXES, AGES)), strict=True))
        decision, outcome = chance.choice(("Low", "High")), chance.choice((0, 1))
        time = chance.randrange(20) * DAY
        said = {"decision_id": str(number), "time": time + DAY, "outcome": outcome}
        made = {"id": str(number), "model": "compas", "time": time, "decision": decision}
        self._keep(str(number), time, False, made | {"attributes": attributes})
        self._keep(str(number), time + DAY, True, said)
        atom = ("tp" if outcome else "fp") if decision == "High" else ("fn" if outcome else "tn")
        for name, group in attributes.items():
            self.counts[name].setdefault(group, Counter())[atom] += 1

    def _keep(self, key: str, time: int, feedback: bool, event: dict[str, Any]) -> None:
        self.records.append(Record(time * 1000, feedback, key.encode(), msgspec.json.encode(event)))


def decision(**fields: Any) -> bytes:
    """A decision as JSON; a field that is None is left out."""
    event = {"id": "bad", "model": "compas", "time": 0, "decision": "Low"} | fields
    return msgspec.json.encode({name: value for name, value in event.items() if value is not None})


BAD_DECISIONS = {
    decision()[:-7]: "malformed",
    b"": "malformed",
    b'{"id": "n", "model": "compas", "time": 0, "decision": "Low", "score": NaN}': "malformed",
    decision(score="high"): "wrong_type",
    decision(attributes=["F"]): "wrong_type",
    decision()[:-1] + b', "score": 1e999}': "not_finite",
    msgspec.json.encode({"model": "compas", "time": 0, "decision": "Low"}): "missing_field",
    decision(id="q", model="quompas"): "unknown_model",
    decision(time="9999-12-31"): "time_out_of_range",
    decision(padding="x" * HUGE): "too_large",
}
BAD_FEEDBACK = {
    b'{"decision_id": "1", "time": 0, "outcome"': "malformed",
    b'{"time": 0, "outcome": 1}': "missing_field",
    b'{"decision_id": "1", "time": "9999-01-01T00:00:00Z", "outcome": 1}': "time_out_of_range",
    b'{"decision_id": "1", "time": 0, "outcome": {}}': "wrong_type",
}


def test_bad_input_is_counted_and_the_good_around_it_counts(deployment: Deployment) -> None:
    deployment.allow(2 * HUGE)
    before, after = Crowd(0, 500), Crowd(500, 1000)
    with deployment.worker() as worker:
        ready(worker)
        deployment.send(before.records)
        sent = send_bad(deployment)
        deployment.send(crowded := strangers(10_000))
        deployment.send(after.records)
        found = reading([worker], len(before) + len(after) + len(crowded), len(before) + len(after))
        reasons = Counter(sent.values())
        assert worker.get("/api/health")["invalid"] == reasons
        written = [json.loads(record or b"") for record in deployment.read(deployment.invalid)]
        assert {(r["topic"], r["partition"], r["offset"]): r["reason"] for r in written} == sent
        assert len(written) == len(sent)
        assert all(r["detail"] and "payload" not in r for r in written)
        for attribute in ("race", "sex", "race & sex"):
            assert len(found["attributes"][attribute]["groups"]) <= MOST_GROUPS
        assert {f"{r} & {s}" for r in RACES for s in SEXES} <= found["attributes"]["race & sex"][
            "groups"
        ].keys()
        assert total([worker], "capped") > 2 * (5_000 - PARTITIONS * 100)
        for name, groups in Crowd(0, 1000).counts.items():
            for group, expected in groups.items():
                assert counts(found)[name][group] == {atom: expected[atom] for atom in COUNTED}
        assert worker.stop() == 0, worker.lines
        assert not [line for line in worker.lines if "CRITICAL" in line or "Traceback" in line]


def send_bad(deployment: Deployment) -> dict[tuple[str, int, int], str]:
    """Sends all bad events, each to its id's partition or any; where they are, and why they are bad."""
    unknown = int(partitions(Texts(["q"]), PARTITIONS)[0])
    sent = {deployment.send_raw(value, partition=unknown): why for value, why in BAD_DECISIONS.items()}
    return sent | {deployment.send_raw(v, feedback=True, partition=3): why for v, why in BAD_FEEDBACK.items()}


def strangers(count: int) -> list[Record]:
    """Decisions about groups that nobody knows: one each, and few whose intersections are many."""
    crossed = ({"race": f"g{i % 100}", "sex": f"g{i // 100 % 100}"} for i in range(count // 2))
    alone = ({"race": f"h{i}", "sex": f"h{i}"} for i in range(count - count // 2))
    return [
        Record(0, False, f"s{i}".encode(), decision(id=f"s{i}", time=DAY, attributes=attributes))
        for i, attributes in enumerate([*crossed, *alone])
    ]


def test_batches_that_unpack_to_much_more_than_a_record_count(deployment: Deployment) -> None:
    rows, batches = 15_000, 6
    with deployment.worker() as worker:
        ready(worker)
        deployment.send_packed([batch(number, rows) for number in range(batches)])
        found = reading([worker], rows * batches, 0)
        assert found["attributes"]["race"]["groups"]["Caucasian"]["n"] == rows * batches
        assert worker.stop() == 0, worker.lines[-12:]
    with deployment.worker() as worker:
        ready(worker)
        assert reading([worker], rows * batches, 0)["attributes"] == found["attributes"]
        assert worker.stop() == 0, worker.lines[-12:]


def batch(number: int, rows: int) -> bytes:
    """Decisions by columns, whose ids all belong to partition 0."""
    ids = [f"{number}-{i}" for i in range(rows * (PARTITIONS + 1))]
    here = partitions(Texts(ids), PARTITIONS) == 0
    chosen = [one for one, is_here in zip(ids, here.tolist(), strict=True) if is_here][:rows]
    columns = {"id": chosen, "time": [DAY] * rows, "decision": ["Low"] * rows, "score": [1] * rows}
    columns["attributes.race"] = ["Caucasian"] * rows
    return msgspec.json.encode({"model": "compas", "columns": columns})


def test_kills_and_comers_and_goers_lose_and_double_nothing(deployment: Deployment) -> None:
    crowd = Crowd(0, 15_000)
    sender = threading.Thread(target=deployment.send, args=(crowd.records,))
    with deployment.worker() as first:
        ready(first)
        sender.start()
        wait_until(lambda: total([first], "events") > 1000, "the stream to flow")
        assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    with deployment.worker() as second, deployment.worker() as third:
        wait_until(lambda: total([second, third], "events") > 1000, "the stream to flow again")
        assert third.stop(signal.SIGKILL) == -signal.SIGKILL
        with deployment.worker() as fourth:
            ready(second, fourth)
            deployment.send(crowd.records[:1000])
            assert fourth.stop() == 0, fourth.lines
        sender.join()
        ready(second)
        found = reading([second], len(crowd), len(crowd))
        assert counts(found) == {
            name: {group: {a: c[a] for a in COUNTED} for group, c in groups.items()}
            for name, groups in crowd.counts.items()
        }
        assert second.stop() == 0, second.lines


@pytest.mark.parametrize("options", [[], ["--embedded"]])
def test_a_port_in_use_is_one_line(deployment: Deployment, options: list[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = deployment.configuration.read_text()
        deployment.configuration.write_text(text.replace("port = 0", f"port = {port}"))
        lines = refused(deployment.configuration, *options)
    assert lines[-1].startswith(f"fairlead: http.port: {port} is not allowed; allowed: a port that is free (")
    assert not [line for line in lines if "Traceback" in line]


def test_a_kafka_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    configuration = tmp_path / "fairlead.toml"
    configuration.write_text('[broker]\nurl = "kafka://127.0.0.1:1"\n[models.m]\npositive = [true]\n')
    (line,) = refused(configuration)
    wanted = "fairlead: broker.url: 'kafka://127.0.0.1:1' is not allowed; allowed: the address of a running"
    assert line.startswith(wanted)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            msgspec.msgpack.encode({"version": VERSION + 1, "model": None, "texts": {}, "columns": {}}),
            f"block: version {VERSION + 1} is not known; allowed: up to {VERSION}",
        ),
        (b"no block at all", "block: a record of 15 bytes cannot be read: ValidationError("),
    ],
)
def test_state_that_cannot_be_read_is_one_line(deployment: Deployment, record: bytes, said: str) -> None:
    broker = settings.load(deployment.configuration).broker
    found = topics.ensure(broker)
    producer = KafkaProducer(bootstrap_servers=deployment.kafka)
    producer.send(found.facts, key=b"w/1", value=record, partition=1)
    producer.close()
    with deployment.worker() as worker:
        assert worker.ends() == CRASHED
    (line,) = [line for line in worker.lines if "CRITICAL" in line]
    assert "table facts: " in line
    assert said in line
    assert not [line for line in worker.lines if "Traceback" in line]


def refused(configuration: Path, *options: str) -> list[str]:
    """The lines of a worker that does not start."""
    command = [FAIRLEAD, "worker", "-c", str(configuration), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    return done.stderr.splitlines()
