"""What the dashboards are shown of a worker, and how it logs in to Kafka."""

from typing import Any

import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from faust.types import TP
from msgspec.structs import replace

from monitor.config import Broker, Config, Secret
from streams import topics
from streams.app import Worker
from tests.streams.line import CONFIG, COUNT, CROWD, LOANS, Consumer, Line, decision, outcome


@pytest.fixture
async def line() -> Line:
    made = Line()
    await made.start()
    return made


async def test_health_counts_what_came(line: Line) -> None:
    await line.produce(*map(decision, range(10)), decision(0), decision(1, decision="maybe"))
    await line.produce(*map(outcome, range(5, 12)), feedback=True)
    await line.log.send(line.topics.decisions, None, b"{", 0)
    await line.log.send(line.topics.feedback, None, b"[7, {}]", 0)
    await line.settle()
    health = line.worker.health()
    assert health.events == {line.topics.decisions: 12, line.topics.feedback: 7}
    assert health.invalid == {"malformed": 1, "wrong_type": 1, "missing_field": 1}
    assert (health.duplicates, health.conflicts) == (2, 1)
    assert (health.pending, health.orphans) == (5, 2)
    assert (health.misrouted, health.capped, health.recovered) == (0, 0, COUNT)
    assert health.last_arrival is not None
    assert health.tables["facts"].rows == len(line.log.values(line.topics.facts)) - COUNT  # holdings began
    assert health.tables["facts"].bytes > 0


async def test_messages_that_kafka_dropped_are_counted_by_topic(line: Line) -> None:
    assert line.worker.health().lost == {line.topics.decisions: 0, line.topics.feedback: 0}
    line.worker.app._started.set()
    line.worker.app.consumer.lost.update({TP(line.topics.feedback, 0): 3, TP(line.topics.feedback, 1): 4})
    assert line.worker.health().lost == {line.topics.decisions: 0, line.topics.feedback: 7}


async def test_the_clock_and_the_readings_are_shown(line: Line) -> None:
    await line.produce(*map(decision, range(CROWD)))
    await line.settle()
    (reading,) = line.worker.readings()
    assert (reading.model, reading.decisions, reading.feedback) == ("loans", CROWD, 0)
    assert line.worker.health().clock == reading.as_of
    assert [alert.model for alert in line.worker.alerts()] == ["loans"]


async def test_a_model_is_shown_by_the_worker_that_evaluates_it() -> None:
    names = [f"m{number}" for number in range(10)]
    line = Line(Config(models=dict.fromkeys(names, LOANS)))
    await line.start()
    assert list(line.worker.models()) == names
    line.worker.evaluate._revoked(0)
    left = line.worker.models()
    line.worker.evaluate._revoked(1)
    assert 0 < len(left) < len(names)
    assert line.worker.models() == {}


async def test_a_worker_is_not_ready_until_it_has_recovered() -> None:
    found = topics.names(CONFIG.broker)
    worker = Worker(CONFIG, found, {}, partitions=COUNT, panes=COUNT)
    health = worker.health()
    assert (health.ready, health.reason, health.lag) == (False, "starting", {})
    worker.app.consumer = Consumer()
    worker.app._started.set()
    assert worker.health().reason == "recovering facts, evaluate, notify"
    for table in (worker.collect.table, worker.evaluate.table):
        await table.on_rebalance({TP(t, 0) for t in table.together}, set(), set(), 1)
        table.ready = frozenset({0})
    assert worker.health().reason == "recovering notify"


def credentials(**fields: Any) -> Any:
    config = replace(CONFIG, broker=Broker(**fields))
    worker = Worker(config, topics.names(config.broker), {}, partitions=COUNT, panes=COUNT)
    return worker.app.conf.broker_credentials


async def test_plain_kafka_needs_no_credentials() -> None:
    assert credentials() is None


async def test_tls_without_a_login() -> None:
    handed = credentials_to_aiokafka_auth(credentials(security_protocol="SSL"))
    assert handed.pop("ssl_context").check_hostname
    assert handed == {"security_protocol": "SSL"}


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
async def test_a_login(protocol: str) -> None:
    found = credentials(
        security_protocol=protocol,
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="me",
        sasl_password=Secret("hush"),
    )
    handed = credentials_to_aiokafka_auth(found)
    assert (handed.pop("ssl_context") is not None) == (protocol == "SASL_SSL")
    assert handed == {
        "security_protocol": protocol,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "me",
        "sasl_plain_password": "hush",
    }


async def test_several_brokers_are_spelled_as_faust_wants_them() -> None:
    config = replace(CONFIG, broker=Broker(url="kafka://one:9092,two:9093"))
    worker = Worker(config, topics.names(config.broker), {}, partitions=COUNT, panes=COUNT)
    assert [str(url) for url in worker.app.conf.broker] == ["kafka://one:9092", "kafka://two:9093"]
