"""Which rights a worker lacks: of what Kafka does not allow, it tells late, or nobody who listens."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from monitor.config import Broker, ConfigError
from streams import topics
from streams.topics import Topics

with warnings.catch_warnings():
    # kafka-python reads its schemas by a function that Python 3.11 deprecated and 3.13 revived
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

READ, WRITE = "Read", "Write"  # as kafka-acls.sh spells them


def require(broker: Broker, found: Topics, foreign: Iterable[str]) -> None:
    """Raises ConfigError, which names what is missing, for a user who may not do what a worker does."""
    wanted = dict.fromkeys(found.everything, (READ, WRITE)) | {found.invalid: (WRITE,)}
    wanted |= dict.fromkeys(foreign, (READ,))
    with topics.asked(broker) as admin:
        missing = [*_of_topics(admin, wanted), *_of_group(admin, broker.group)]
    if missing:
        raise ConfigError("broker.url", broker.url, f"a user who has {', '.join(missing)}")


def _of_topics(admin: Any, wanted: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for described in sorted(admin.describe_topics([*wanted]), key=lambda described: described["name"]):
        name, rights = described["name"], described["authorized_operations"]
        if described["error_code"] == TopicAuthorizationFailedError.errno:
            rights = []
        yield from (f"{right} on the topic {name}" for right in wanted[name] if _lacks(rights, right))


def _of_group(admin: Any, group: str) -> Iterator[str]:
    """Kafka may not tell of a group that nobody has joined yet: then the consumer hears of it."""
    try:
        rights = admin.describe_groups([group])[group]["authorized_operations"]
    except GroupAuthorizationFailedError:
        rights = []
    except KafkaError:
        rights = None
    if _lacks(rights, READ):
        yield f"{READ} on the group {group}"


def _lacks(rights: Iterable[str] | None, right: str) -> bool:
    """Of None nothing is known."""
    return rights is not None and right.upper() not in rights
