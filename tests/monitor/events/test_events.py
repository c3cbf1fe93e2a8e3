"""Bad input becomes an invalid event with a reason; the good events around it count."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.events.batches import AT_ONCE
from monitor.events.events import LONGEST, MOST, Decision, Decoder, Feedback, Part
from monitor.events.invalid import InvalidEventError

LATEST = 4_000_000_000_000
GOOD = b'{"id": "1", "model": "m", "time": 5, "decision": true}'


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "malformed"),
        (GOOD[:-9], "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"[" * 100_000, "malformed"),
        (b'{"id": "1", "model": "m", "time": NaN, "decision": 1}', "malformed"),
        (b"null", "wrong_type"),
        (b"7", "wrong_type"),
        (b'{"model": "m", "time": 5, "decision": true}', "missing_field"),
        (b'{"id": "1", "model": "m", "time": 5}', "missing_field"),
        (b'{"id": null, "model": "m", "time": 5, "decision": true}', "wrong_type"),
        (b'{"id": "1", "model": "m", "time": 5, "decision": {}}', "wrong_type"),
        (b'{"id": "1", "model": "m", "time": true, "decision": 1}', "wrong_type"),
        (b'{"id": "1", "model": "m", "time": "soon", "decision": 1}', "wrong_type"),
        (b'{"id": "1", "model": "m", "time": 5, "decision": 1, "score": "high"}', "wrong_type"),
        (b'{"id": "1", "model": "m", "time": 5, "decision": 1, "score": 1e999}', "not_finite"),
        (b'{"id": "1", "model": "m", "time": 5, "decision": 1, "flags": {"a": 2}}', "wrong_type"),
        (b'{"id": "1", "model": "m", "time": "9999-01-01", "decision": 1}', "time_out_of_range"),
        (b'{"id": "1", "model": "m", "time": -1, "decision": 1}', "time_out_of_range"),
        (b'{"id": "%s", "model": "m", "time": 5, "decision": 1}' % (b"x" * (LONGEST + 1)), "too_long"),
        (b'{"id": "1", "model": "m", "time": 5, "decision": "%s"}' % (b"x" * 5_000_000), "too_large"),
        (b'{"model": "m", "columns": {"id": ["1", "2"], "time": [5]}}', "wrong_shape"),
        (b'{"model": "m", "columns": {}}', "wrong_shape"),
        (b'{"model": "m", "columns": [1]}', "wrong_type"),
    ],
)
def test_a_bad_message_is_invalid_and_the_good_ones_around_it_count(message: bytes, reason: str) -> None:
    decoded = Decoder(Decision).decode([GOOD, message, GOOD], LATEST)
    assert decoded.records == [0, 2]
    assert [(i.record, i.reason) for i in decoded.invalid] == [(1, reason)]
    assert len(decoded.invalid[0].detail) < 200


def test_all_three_shapes_give_the_same_events() -> None:
    rows = [
        {
            "id": "1", "model": "m", "time": 5, "decision": "yes",
            "attributes": {"sex": "F"}, "flags": {"explained": True},
        },
        {"id": 2, "model": "m", "time": "1970-01-01T00:00:06Z", "decision": False, "reasons": ["R1"]},
    ]  # fmt: skip
    columns = {
        "id": ["1", 2],
        "time": [5, "1970-01-01T00:00:06Z"],
        "decision": ["yes", False],
        "attributes.sex": ["F", None],
        "flags.explained": [True, None],
        "reasons": [None, ["R1"]],
    }
    encode, decoder = msgspec.json.encode, Decoder(Decision)
    single = decoder.decode([encode(row) for row in rows], LATEST)
    array = decoder.decode([encode(rows)], LATEST)
    batch = decoder.decode([encode({"model": "m", "columns": columns})], LATEST)
    assert single.events == array.events == batch.events
    assert single.times.tolist() == array.times.tolist() == batch.times.tolist() == [5000, 6000]
    assert (array.records, array.invalid, batch.invalid) == ([0, 0], [], [])


def test_one_bad_row_does_not_spoil_its_batch() -> None:
    columns = {"decision_id": ["1", None, "3"], "time": [1, 1, "never"], "outcome": [True, True, True]}
    decoded = Decoder(Feedback).decode([msgspec.json.encode({"columns": columns})], LATEST)
    assert [event.decision_id for event in decoded.events] == ["1"]
    assert sorted(i.reason for i in decoded.invalid) == ["missing_field", "wrong_type"]


def test_unknown_fields_are_named() -> None:
    decoded = Decoder(Decision).decode([GOOD[:-1] + b', "colour": 1}'], LATEST)
    assert (len(decoded.events), decoded.unknown) == (1, {"colour": 1})


@pytest.mark.parametrize("half", [rb"\ud800", rb"\udfff", rb"\ud800\u0041"])
def test_half_a_surrogate_pair_is_no_name(half: bytes) -> None:
    """Nothing could be told of what has one."""
    for message in (b'[{"%s": 1}, %s]', b'[{"colour": {"%s": 1}}, %s]', b'[{"colour": "%s"}, %s]'):
        decoded = Decoder(Decision).decode([message % (half, GOOD), GOOD], LATEST)
        assert [invalid.reason for invalid in decoded.invalid] == ["malformed"]
        assert (len(decoded.events), decoded.unknown) == (1, {})


def test_a_message_just_below_the_limit_counts() -> None:
    padded = GOOD[:-1] + b', "padding": "%s"}'
    message = padded % (b"x" * (MOST - len(padded) + 2))
    assert len(message) == MOST
    assert len(Decoder(Decision).decode([message], LATEST).events) == 1


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_decoder(message: bytes) -> None:
    for kind in (Decision, Feedback):
        decoded = Decoder(kind).decode([message], LATEST)  # type: ignore[type-var]
        assert len(decoded.events) + len(decoded.invalid) >= 1 or message.strip() == b"[]"


json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["id", "model", "time", "decision", "columns", "attributes", "attributes.sex", "flags"]), inner),
    max_leaves=12,
)  # fmt: skip


@given(json)
def test_no_json_crashes_the_decoder(value: object) -> None:
    Decoder(Decision).decode([msgspec.json.encode(value)], LATEST)


JUNK = b"[" + b"1,[],{}," * 1_000 + GOOD + b"," + GOOD[:-1] + b',"score":"x"}]'


def test_of_a_message_each_reason_is_told_once_with_how_many_there_are() -> None:
    """A message may hold one for each two bytes."""
    decoded = Decoder(Decision).decode([GOOD, JUNK], LATEST)
    assert (decoded.records, len(decoded.invalid)) == ([0, 1], 2)
    found = {each.reason: (each.record, each.count, each.detail) for each in decoded.invalid}
    assert found["wrong_type"] == (1, 2_001, "Expected `object`, got `int`")
    assert found["missing_field"][:2] == (1, 1_000)


def test_parts_that_are_wrong_alike_are_looked_at_once() -> None:
    looked_at = []

    class Watched(Decoder[Decision]):
        def _event(self, part: Part) -> Decision | InvalidEventError:
            looked_at.append(part)
            return super()._event(part)

    Watched(Decision).decode([JUNK], LATEST)
    assert len(looked_at) == 5  # a number, a list, an empty object; one that is good, one that is not


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"id": [1, 2, 3], "time": [1, 2, 3]}, "missing_field"),  # looked at as columns
        ({"id": [1, 2, 3], "time": [1, 2, 3], "decision": [None, None, None]}, "missing_field"),
        ({"id": [1, 2, 3], "time": [1, 2, 3], "decision": [[], [], []]}, "wrong_type"),
    ],
)
def test_bad_rows_are_all_counted(columns: dict[str, object], reason: str) -> None:
    (bad,) = (
        Decoder(Decision).decode([msgspec.json.encode({"model": "m", "columns": columns})], 10**9).invalid
    )
    assert (bad.reason, bad.count) == (reason, 3)


ROWS = {"id": [*range(5_000)], "time": [0] * 5_000, "decision": [{}] * 5_000}


@pytest.mark.parametrize(
    "messages",
    [[GOOD] * 5_000, [b"[" + b"1," * 4_999 + b"1]"], [msgspec.json.encode({"model": "m", "columns": ROWS})]],
    ids=["messages", "array", "rows"],
)
def test_decoding_goes_in_steps(messages: list[bytes]) -> None:
    """Between which the loop goes on."""
    assert len([*Decoder(Decision).batches_in_steps(messages, LATEST)]) >= 5_000 // AT_ONCE
