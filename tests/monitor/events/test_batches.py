"""Events are read by column, however they came, and nothing of them is lost or moved on the way."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.events.batches import AT_ONCE, Columns, Structs, columns
from monitor.events.events import FEW, WIDEST, Decision, Decoder, Feedback

LATEST = 4_000_000_000_000
TEXT = st.sampled_from(["F", "M", "a.b", ""])
DECISION = st.fixed_dictionaries(
    {"id": st.integers(0, 50), "model": st.sampled_from(["m", "n"]), "time": st.integers(0, 1000)}
    | {"decision": st.booleans() | TEXT},
    optional={
        "score": st.none() | st.floats(0, 1),
        "attributes": st.dictionaries(st.sampled_from(["sex", "a.b"]), st.none() | TEXT),
        "flags": st.dictionaries(st.sampled_from(["asked", "told"]), st.none() | st.booleans()),
        "reasons": st.lists(TEXT, max_size=2),
        "version": st.none() | st.integers(0, 3),
    },
)
MESSAGE = DECISION.map(msgspec.json.encode) | st.sampled_from([b"{", b"", b'[{"id": 1}]'])


def one(number: int, **more: object) -> bytes:
    return msgspec.json.encode({"id": str(number), "model": "m", "time": number, "decision": True} | more)


def plain(events: list[Decision]) -> list[dict[str, object]]:
    """The events without what they leave open."""
    found = [msgspec.to_builtins(event) for event in events]
    for event in found:
        for field in ("attributes", "flags"):
            event[field] = {name: value for name, value in event[field].items() if value is not None}
    return found


BEFORE = [one(n) for n in range(AT_ONCE - 3)]  # what is drawn is read in two parts


@given(st.lists(MESSAGE, max_size=12), st.booleans())
def test_columns_hold_what_the_events_one_by_one_hold(messages: list[bytes], parted: bool) -> None:
    messages = BEFORE + messages if parted else messages
    found, alone = Decoder(Decision).batches(messages, LATEST), Decoder(Decision).decode(messages, LATEST)
    assert found.invalid == alone.invalid
    assert [record for batch in found.batches for record in batch.records.tolist()] == alone.records
    assert [time for batch in found.batches for time in batch.times.tolist()] == alone.times.tolist()
    assert plain([event for batch in found.batches for event in batch.events]) == plain(alone.events)


def test_events_one_by_one_become_one_batch_of_columns() -> None:
    count = 2 * AT_ONCE + 5
    messages = [one(n, flags={"asked": True}) if n == AT_ONCE else one(n) for n in range(count)]
    [batch] = Decoder(Decision).batches(messages, LATEST).batches
    assert isinstance(batch, Columns)
    assert batch.column("id") == [str(n) for n in range(count)]
    assert batch.records.tolist() == list(range(count))
    assert batch.names("flags") == ["flags.asked"]
    assert np.flatnonzero([flag is True for flag in batch.column("flags.asked")]).tolist() == [AT_ONCE]


def test_records_count_what_is_not_valid_between_events() -> None:
    messages = [one(0), b"{", one(2), b"", one(4)]
    found = Decoder(Decision).batches(messages, LATEST)
    assert [batch.records.tolist() for batch in found.batches] == [[0, 2, 4]]
    assert [invalid.record for invalid in found.invalid] == [1, 3]


def test_more_names_than_a_batch_may_have_stay_with_their_events() -> None:
    """Else each name that a hostile producer invents would cost a column."""
    messages = [one(n, attributes={f"a{n}": "x"}) for n in range(WIDEST + 1)]
    [batch] = Decoder(Decision).batches(messages, LATEST).batches
    assert isinstance(batch, Structs)
    assert batch.column("attributes.a7")[6:9] == [None, "x", None]


@pytest.mark.parametrize("padding", [0, FEW])
def test_an_event_with_a_field_named_columns_is_an_event_whatever_came_with_it(padding: int) -> None:
    odd = one(1, columns={"id": ["7"]}, more="x" * padding)
    for messages in ([odd], [one(0), odd, b"{"]):
        found = Decoder(Decision).decode(messages, LATEST)
        assert "1" in [event.id for event in found.events]


def test_feedback_says_only_what_it_holds() -> None:
    said = [Feedback(decision_id="a", time=0, outcome=True), Feedback(decision_id="b", time=0, outcome=False)]
    assert columns(said, WIDEST) == {
        "decision_id": ("a", "b"),
        "time": (0, 0),
        "outcome": (True, False),
    }
