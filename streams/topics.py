"""The topics of a deployment: their names, and their creation where they are missing."""

import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from monitor.config import Broker, ConfigError
from streams import reasons, tls

with warnings.catch_warnings():
    # kafka-python reads its schemas by a function that Python 3.11 deprecated and 3.13 revived
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import KafkaAdminClient
    from kafka.admin import NewTopic
    from kafka.errors import KafkaError, TopicAlreadyExistsError

COMPACT = {"cleanup.policy": "compact"}
SPREAD_SECONDS = 30.0  # for which the news of a topic may spread among brokers that are busy
PAUSE_SECONDS = 0.1
PATIENCE = {"request_timeout_ms": 15_000, "bootstrap_timeout_ms": 10_000}


class Topics(Struct, frozen=True):
    """All topics of a deployment. Those of one row have equal partition counts."""

    decisions: str
    feedback: str
    facts: str
    entities: str
    repeats: str

    panes: str
    pane_table: str

    alerts: str
    outbox: str

    invalid: str

    @property
    def tied(self) -> list[list[str]]:
        return [
            [self.decisions, self.feedback, self.facts, self.entities, self.repeats],
            [self.panes, self.pane_table],
            [self.alerts, self.outbox],
        ]

    @property
    def own(self) -> list[str]:
        """What workers made of the events, and can make again."""
        return [name for row in self.tied for name in row if name not in (self.decisions, self.feedback)]

    @property
    def everything(self) -> list[str]:
        return [getattr(self, name) for name in self.__struct_fields__]


def names(broker: Broker) -> Topics:
    """The names; those that are the group's own begin with it."""
    own = broker.group
    return Topics(
        decisions=broker.decisions,
        feedback=broker.feedback,
        facts=f"{own}-facts-changelog",
        entities=f"{own}-entities",
        repeats=f"{own}-repeats",
        panes=f"{own}-panes",
        pane_table=f"{own}-evaluate-changelog",
        alerts=f"{own}-alerts",
        outbox=f"{own}-notify-changelog",
        invalid=broker.invalid,
    )


def client_settings(broker: Broker) -> dict[str, Any]:
    """kafka-python's settings for this broker. Raises ConfigError for certificates that cannot be used."""
    tls.context(broker)  # kafka-python would say so in a traceback, or ask for a password
    settings: dict[str, Any] = {
        "bootstrap_servers": broker.url.removeprefix("kafka://").replace(";", ",").split(","),
        "security_protocol": broker.security_protocol,
    }
    settings |= {name: path for name in tls.FILES if (path := getattr(broker, name)) is not None}
    if broker.ssl_password:
        settings["ssl_password"] = broker.ssl_password.value
    if broker.sasl_mechanism:
        settings["sasl_mechanism"] = broker.sasl_mechanism
        settings["sasl_plain_username"] = broker.sasl_username
        settings["sasl_plain_password"] = broker.sasl_password.value if broker.sasl_password else None
    return settings


def connected(broker: Broker) -> KafkaAdminClient:
    """Who may ask and change things; to be closed. Raises ConfigError when Kafka cannot be reached."""
    settings = client_settings(broker)
    with reasons.heard() as why:
        try:
            return KafkaAdminClient(**settings, **PATIENCE)
        except (KafkaError, OSError, ValueError) as error:
            allowed = f"the address of a running Kafka that lets us in ({why.of(error)})"
            raise ConfigError("broker.url", broker.url, allowed) from None


@contextmanager
def asked(broker: Broker) -> Iterator[KafkaAdminClient]:
    """Who may ask. Raises ConfigError when Kafka cannot be reached, or does not answer."""
    admin = connected(broker)
    try:
        yield admin
    except KafkaError as error:  # it was there a moment ago
        allowed = f"the address of a running Kafka that lets us in ({type(error).__name__})"
        raise ConfigError("broker.url", broker.url, allowed) from None
    finally:
        admin.close()


def ensure(broker: Broker) -> Topics:
    """Creates the topics that are missing. Raises ConfigError when that cannot be."""
    topics = names(broker)
    admin = connected(broker)
    try:
        _create(admin, topics, broker.partitions)
    except KafkaError as error:
        wanted = ", ".join(topics.everything)
        allowed = f"a user who may create topics, or topics that exist ({wanted}): {type(error).__name__}"
        raise ConfigError("broker.url", broker.url, allowed) from None
    finally:
        admin.close()
    return topics


def partitions(broker: Broker, wanted: Iterable[str], patience: float = SPREAD_SECONDS) -> dict[str, int]:
    """How many partitions each topic has; 0 for one that Kafka does not know, also not after a while.

    Raises ConfigError when Kafka cannot be asked.
    """
    with asked(broker) as admin:
        return counted(admin, list(wanted), patience)


def counted(admin: KafkaAdminClient, wanted: list[str], patience: float) -> dict[str, int]:
    """As `partitions`. Another worker may have made the topics in this very moment: then nobody knows yet."""
    end = time.monotonic() + patience
    while True:
        counts = dict.fromkeys(wanted, 0) | _counts(admin, wanted)
        if all(counts.values()) or time.monotonic() >= end:
            return counts
        time.sleep(PAUSE_SECONDS)


def _create(admin: KafkaAdminClient, topics: Topics, partitions: int) -> None:
    existing = set(admin.list_topics())
    counts = counted(admin, sorted(existing & set(topics.everything)), SPREAD_SECONDS)
    new = [t for row in topics.tied for t in _missing(row, counts, partitions)]
    if topics.invalid not in counts:
        new.append(NewTopic(topics.invalid, 1, -1))
    for topic in new:
        try:
            admin.create_topics([topic])
        except TopicAlreadyExistsError:
            continue  # another worker was faster


def _counts(admin: KafkaAdminClient, names: Iterable[str]) -> dict[str, int]:
    """The partitions of the topics of which Kafka knows some."""
    wanted = sorted(names)
    described = admin.describe_topics(wanted) if wanted else []
    return {d["name"]: len(d["partitions"]) for d in described if d["partitions"]}


def _missing(row: list[str], counts: Mapping[str, int], partitions: int) -> list[NewTopic]:
    """The row's topics that are not there, with as many partitions as those that are."""
    width = next((counts[topic] for topic in row if topic in counts), partitions)
    return [
        NewTopic(topic, width, -1, topic_configs=COMPACT if topic.endswith("-changelog") else {})
        for topic in row
        if topic not in counts
    ]
