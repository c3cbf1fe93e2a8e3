"""Which rights are missing, as Kafka describes them; on a real one: tests/kafka/test_security.py."""

from typing import Any

import pytest
from kafka.errors import CoordinatorNotAvailableError, GroupAuthorizationFailedError

from streams import rights


class Kafka:
    """Describes topics by (error code, rights), and a group by its rights or an error."""

    def __init__(self, topics: dict[str, tuple[int, Any]], group: Any = None) -> None:
        self.topics, self.group = topics, group

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        found = {name: self.topics[name] for name in names}
        return [
            {"name": name, "error_code": error, "authorized_operations": allowed}
            for name, (error, allowed) in found.items()
        ]

    def describe_groups(self, groups: list[str]) -> dict[str, Any]:
        if isinstance(self.group, Exception):
            raise self.group
        return {name: {"authorized_operations": self.group} for name in groups}


@pytest.mark.parametrize(
    ("error", "allowed", "missing"),
    [
        (0, ["READ", "WRITE", "DESCRIBE"], []),
        (0, ["WRITE", "DESCRIBE"], ["Read on the topic t"]),
        (0, ["DESCRIBE"], ["Read on the topic t", "Write on the topic t"]),
        (29, None, ["Read on the topic t", "Write on the topic t"]),  # it may not even be seen
        (3, None, []),  # there is none yet
        (0, None, []),  # an older Kafka does not say
    ],
)
def test_a_topic(error: int, allowed: Any, missing: list[str]) -> None:
    kafka = Kafka({"t": (error, allowed)})
    assert list(rights._of_topics(kafka, {"t": (rights.READ, rights.WRITE)})) == missing


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        (["READ", "DESCRIBE"], []),
        (["DESCRIBE"], ["Read on the group g"]),
        (GroupAuthorizationFailedError(), ["Read on the group g"]),
        (None, []),  # nobody has joined it yet
        (CoordinatorNotAvailableError(), []),  # nor any other group
    ],
)
def test_a_group(said: Any, missing: list[str]) -> None:
    assert list(rights._of_group(Kafka({}, said), "g")) == missing
