"""`fairlead rebuild`: workers forget what they made of the events, and make it anew from the log."""

import time
from collections.abc import Collection
from contextlib import closing
from typing import Any

from monitor.config import Broker, ConfigError
from streams import topics
from streams.topics import Topics

PATIENCE = 30.0  # seconds until the topics are gone, or Kafka is ready for groups
PAUSE = 0.1
UNREADY = ("CoordinatorNotAvailable", "CoordinatorLoadInProgress", "NotCoordinator")


def run(broker: Broker, *, sure: bool) -> None:
    """Deletes the group's own topics and its offsets, and creates the topics again; says so.

    Without `sure` it only says what would go. Raises ConfigError when Kafka cannot be reached or does not
    allow it, and while workers run: they would write on.
    """
    from kafka.errors import KafkaError

    found = topics.names(broker)
    with closing(topics.connected(broker)) as admin:
        try:
            _require_stopped(admin, broker.group)
            there = sorted(set(admin.list_topics()) & set(found.own))
            print(_said(admin, found, there))
            if not sure:
                print("nothing was changed; to do it: fairlead rebuild --yes")
                return
            _forget(admin, broker.group, there)
        except KafkaError as error:
            allowed = f"a user who may delete topics and groups: {type(error).__name__}"
            raise ConfigError("broker.url", broker.url, allowed) from None
    topics.ensure(broker)
    print("done: start the workers, and wait until nothing lags")


def _require_stopped(admin: Any, group: str) -> None:
    """Kafka says "Dead" of a group that it does not know."""
    state = _state(admin, group)
    if state not in ("Empty", "Dead"):
        raise ConfigError(
            "broker.group", group, f"one whose workers are all stopped, since seconds ({state})"
        )


def _state(admin: Any, group: str) -> str:
    """Kafka makes the topic of all groups when it is asked for the first, and answers when it is there."""
    end = time.monotonic() + PATIENCE
    while (state := _asked(admin, group)).startswith(UNREADY) and time.monotonic() < end:
        time.sleep(PAUSE)
    return state


def _asked(admin: Any, group: str) -> str:
    """The group's state, or the name of the error."""
    from kafka.errors import CoordinatorNotAvailableError

    try:
        said = admin.describe_groups([group])[group]
    except CoordinatorNotAvailableError as error:
        return type(error).__name__
    return str(said["group_state"] or said["error"]).rpartition("] ")[2]


def _said(admin: Any, found: Topics, there: Collection[str]) -> str:
    """What goes, and what it can be made of."""
    lines = [f"to be deleted, and made again from the events: {', '.join(there) or 'nothing is there'}"]
    for topic in (found.decisions, found.feedback):
        first, n = _span(admin, topic)
        lost = f"; {first:,} before them are gone, with what was made of them" if first else ""
        lines.append(f"{topic}: {n:,} messages{lost}")
    return "\n".join(lines)


def _span(admin: Any, topic: str) -> tuple[int, int]:
    """How many of a topic's messages Kafka has dropped, and about how many it still has."""
    from kafka import TopicPartition
    from kafka.admin import OffsetSpec

    if topic not in admin.list_topics():
        return 0, 0
    (described,) = admin.describe_topics([topic])
    places = [TopicPartition(topic, part["partition_index"]) for part in described["partitions"]]
    first, end = (
        sum(at.offset for at in admin.list_partition_offsets(dict.fromkeys(places, spec)).values())
        for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
    )
    return first, end - first


def _forget(admin: Any, group: str, there: Collection[str]) -> None:
    """First the offsets: were they left, workers would take up where they stopped, with no state."""
    said = admin.delete_groups([group])[group]
    if said not in ("OK", "GroupIdNotFoundError"):
        raise ConfigError(
            "broker.group", group, f"one that the user may delete, all workers stopped ({said})"
        )
    if there:
        admin.delete_topics(list(there))
    end = time.monotonic() + PATIENCE
    while set(admin.list_topics()) & set(there):
        if time.monotonic() > end:
            raise ConfigError("broker.url", group, f"a Kafka that deletes topics within {PATIENCE:.0f} s")
        time.sleep(PAUSE)
