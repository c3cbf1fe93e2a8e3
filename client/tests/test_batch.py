import json
from collections.abc import Iterator
from typing import Any, Optional

from hypothesis import given
from hypothesis import strategies as st

from fairlead_client.batch import MAX_EVENTS, Event, Message, messages
from fairlead_client.partition import partition_of

PARTITIONS = {"decisions": 4, "feedback": 4}
CELLS = st.none() | st.booleans() | st.text(st.characters(codec="utf-8"), max_size=5)
ROWS = st.dictionaries(st.sampled_from(["score", "attributes.sex", "flags.ä"]), CELLS, max_size=3)


KINDS = st.sampled_from([("decisions", "credit"), ("decisions", "hiring"), ("feedback", None)])


def numbered(drawn: list[tuple[tuple[str, Optional[str]], dict[str, Any]]]) -> list[Event]:
    return [
        Event(number, topic, model, f"id-{number}", {"id": f"id-{number}", **row})
        for number, ((topic, model), row) in enumerate(drawn)
    ]


EVENTS = st.lists(st.tuples(KINDS, ROWS), min_size=1, max_size=20).map(numbered)


def rows(message: Message) -> Iterator[dict[str, Any]]:
    columns = json.loads(message.value)["columns"]
    assert {len(cells) for cells in columns.values()} == {len(message.events)}
    for cells in zip(*columns.values()):
        yield dict(zip(columns, cells))


@given(EVENTS, st.integers(1, 2000))
def test_every_event_is_in_one_message_of_its_topic_partition_and_model(
    given: list[Event], max_bytes: int
) -> None:
    seen = []
    for message in messages(given, PARTITIONS, max_bytes):
        assert len(message.value) <= max_bytes or len(message.events) == 1
        assert message.key.decode() == message.events[0].id
        for event, row in zip(message.events, rows(message)):
            assert message.topic == event.topic
            assert message.partition == partition_of(event.id, 4)
            assert json.loads(message.value).get("model") == event.model
            assert {name: cell for name, cell in row.items() if cell is not None} == {
                name: cell for name, cell in event.row.items() if cell is not None
            }
            seen.append(event)
    assert sorted(seen) == given


def test_feedback_has_no_model() -> None:
    row = {"decision_id": "a", "time": 1.5, "flags.helpful": True}
    [message] = messages([Event(1, "feedback", None, "a", row)], {"feedback": 1}, 1000)
    assert message.value == b'{"columns":{"decision_id":["a"],"time":[1.5],"flags.helpful":[true]}}'


def test_the_number_of_events_in_a_message_is_bounded() -> None:
    many = [Event(n, "decisions", "credit", str(n), {"id": str(n)}) for n in range(MAX_EVENTS + 1)]
    sizes = [len(message.events) for message in messages(many, {"decisions": 1}, 10**6)]
    assert sizes == [MAX_EVENTS, 1]


def test_topics_may_have_different_numbers_of_partitions() -> None:
    both = [Event(n, topic, None, "loan-17", {}) for n, topic in enumerate(("decisions", "feedback"))]
    placed = {m.topic: m.partition for m in messages(both, {"decisions": 8, "feedback": 3}, 1000)}
    assert placed == {"decisions": partition_of("loan-17", 8), "feedback": partition_of("loan-17", 3)}
