"""The topics of a deployment: their names, and their creation on a real Kafka."""

import warnings
from typing import Any

import pytest

from monitor.config import Broker, ConfigError, Secret
from streams import topics
from tests.kafka.broker import create_topics

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import KafkaAdminClient
    from kafka.admin import ConfigResource, ConfigResourceType


def broker(kafka: str, name: str, **fields: Any) -> Broker:
    shared = {"decisions": f"{name}-d", "feedback": f"{name}-f", "invalid": f"{name}-i"}
    return Broker(url=f"kafka://{kafka}", group=name, partitions=3, **shared | fields)


def test_own_topics_begin_with_the_group() -> None:
    found = topics.names(Broker(group="fair"))
    assert (found.decisions, found.feedback, found.invalid) == ("decisions", "feedback", "invalid")
    own = [
        found.facts,
        found.entities,
        found.repeats,
        found.panes,
        found.pane_table,
        found.alerts,
        found.outbox,
    ]
    assert all(name.startswith("fair-") for name in own)
    assert len(set(found.everything)) == len(found.everything) == 10


def test_client_settings_carry_what_kafka_python_calls_them() -> None:
    login = Broker(
        url="kafka://one:9092,two:9093", security_protocol="SASL_SSL",
        sasl_mechanism="PLAIN", sasl_username="me", sasl_password=Secret("hush"),
    )  # fmt: skip
    assert topics.client_settings(login) == {
        "bootstrap_servers": ["one:9092", "two:9093"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "me",
        "sasl_plain_password": "hush",
    }


class Spreading:
    """A Kafka that tells the partitions of a topic only when it was asked so many times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def describe_topics(self, wanted: list[str]) -> list[dict[str, Any]]:
        self.left -= 1
        known = [{}] * 3 if self.left < 0 else []
        return [{"name": name, "partitions": [{}] if name == "old" else known} for name in wanted]


def test_the_news_of_a_topic_is_waited_for() -> None:
    """A worker that took its count for 0 told nobody of its clocks, and no verdict ever came."""
    kafka = Spreading(2)
    assert topics.counted(kafka, ["old", "new"], 60.0) == {"old": 1, "new": 3}
    assert kafka.left == -1


def test_a_topic_that_is_not_there_has_no_partitions() -> None:
    assert topics.counted(Spreading(99), ["old", "new"], 0.0) == {"old": 1, "new": 0}


@pytest.mark.kafka
def test_missing_topics_are_created_once(kafka: str, unique: str) -> None:
    ours = broker(kafka, unique)
    found = topics.ensure(ours)
    assert topics.ensure(ours) == found
    assert topics.partitions(ours, found.everything) == dict.fromkeys(found.everything, 3) | {
        found.invalid: 1
    }
    policies = {name: policy(kafka, name) for name in found.everything}
    tables = {found.facts, found.pane_table, found.outbox}
    assert {name for name, kept in policies.items() if kept == "compact"} == tables


@pytest.mark.kafka
def test_new_topics_follow_those_that_are_there(kafka: str, unique: str) -> None:
    ours = broker(kafka, unique)
    create_topics(kafka, {ours.feedback: 5})
    found = topics.ensure(ours)
    counts = topics.partitions(ours, found.everything)
    assert (counts[found.decisions], counts[found.facts], counts[found.panes]) == (5, 5, 3)


def policy(kafka: str, topic: str) -> str:
    """A topic's cleanup policy; Kafka tells only what is not the default."""
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    try:
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])["topic"][topic]
        return str(found.get("cleanup.policy", {"value": "delete"})["value"])
    finally:
        admin.close()


def test_a_certificate_that_is_not_there_is_said_in_its_own_name() -> None:
    with pytest.raises(ConfigError, match=r"^broker\.ssl_certfile: 'nowhere\.pem' is not allowed"):
        topics.connected(Broker(security_protocol="SSL", ssl_certfile="nowhere.pem"))
