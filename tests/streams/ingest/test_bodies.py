"""Bodies of requests: the same events in any shape, and faults at their places."""

import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.events import Decision, Decoder, Feedback
from streams.ingest import bodies
from streams.ingest.bodies import MOST, UNFOLDED, Events, TooManyEventsError

LATEST = 2_000_000_000_000
FAULTS = [
    ({"time": "soon"}, "wrong_type"),
    ({"time": 1e300}, "time_out_of_range"),
    ({"decision": None}, "wrong_type"),
    ({"score": "high"}, "wrong_type"),
    ({"model": "m" * 300}, "too_long"),
    ({"attributes": {"sex": "F" * 300}}, "too_long"),
]
Row = dict[str, object]
good = st.builds(
    lambda name, sex, score: {
        "id": name,
        "model": "credit",
        "time": 1_700_000_000,
        "decision": "yes",
        "attributes": {"sex": sex},
        "score": score,
    },
    st.text(min_size=1, max_size=9) | st.integers(),
    st.sampled_from("FM"),
    st.floats(allow_nan=False, allow_infinity=False) | st.none(),
)
rows = st.lists(st.tuples(good, st.none() | st.sampled_from(FAULTS)), max_size=9)


def read(body: bytes, *, lines: bool = False) -> Events[Decision]:
    return bodies.read(body, lines, Decoder(Decision), LATEST)


def spoilt(made: list[tuple[Row, tuple[Row, str] | None]]) -> list[Row]:
    return [row | fault[0] if fault else row for row, fault in made]


def by_columns(found: list[Row]) -> bytes:
    """Rows as a batch by columns; what a row lacks is null there."""
    names = ["id", "model", "time", "decision", "score"]
    columns: dict[str, list[object]] = {name: [row.get(name) for row in found] for name in names}
    columns["attributes.sex"] = [row["attributes"]["sex"] for row in found]  # type: ignore[index]
    return msgspec.json.encode({"columns": columns})


@given(rows)
def test_the_same_events_in_every_shape(made: list[tuple[Row, tuple[Row, str] | None]]) -> None:
    found = spoilt(made)
    array = read(msgspec.json.encode(found))
    lines = read(b"\n".join(map(msgspec.json.encode, found)), lines=True)
    columns = read(by_columns(found))
    expected = [place for place, (_, fault) in enumerate(made) if fault is None]
    assert array.places == lines.places == columns.places == expected
    assert array.events == lines.events == columns.events
    wrong = [(place, fault[1]) for place, (_, fault) in enumerate(made) if fault]
    assert [(bad.record, bad.reason) for bad in array.invalid] == wrong
    assert [(bad.record, bad.reason) for bad in lines.invalid] == wrong
    assert [bad.record for bad in columns.invalid] == [place for place, _ in wrong]


@given(
    st.binary(max_size=60) | st.text('[]{},:"\\ncolumsid1e-\n ', max_size=60).map(str.encode), st.booleans()
)
def test_any_bytes_are_events_or_faults(body: bytes, lines: bool) -> None:
    found = read(body, lines=lines)
    assert all(bad.reason for bad in found.invalid)
    assert len(found.events) == len(found.places)


def test_one_event_is_an_object() -> None:
    found = read(b' {"id": 1, "model": "m", "time": 0, "decision": true, "colour": 7} ')
    assert (found.events[0].id, found.places, found.unknown) == (1, [0], {"colour": 1})


@pytest.mark.parametrize("body", [b"", b"{", b"[", b'[{"id"]', b"\xff", b"[1,", b"[" * 10_000])
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    (bad,) = read(body).invalid
    assert (bad.record, bad.reason) == (0, "malformed")


@pytest.mark.parametrize("body", [b"1", b'"id"', b"null"])
def test_what_is_no_object_is_of_the_wrong_type(body: bytes) -> None:
    (bad,) = read(body).invalid
    assert (bad.record, bad.reason) == (0, "wrong_type")


@pytest.mark.parametrize("columns", [{}, {"id": [1, 2], "time": [1]}])
def test_columns_have_one_length(columns: Row) -> None:
    (bad,) = read(msgspec.json.encode({"columns": columns})).invalid
    assert (bad.record, bad.reason) == (0, "wrong_shape")


def test_a_column_beside_its_own_entries_is_a_fault_of_its_rows() -> None:
    columns = {"id": [1, 2], "time": [0, 0], "decision": [1, 1], "attributes": ["F", None]}
    found = read(msgspec.json.encode({"model": "m", "columns": columns | {"attributes.sex": ["F", "F"]}}))
    assert (found.places, [(bad.record, bad.reason) for bad in found.invalid]) == ([1], [(0, "wrong_type")])


@pytest.mark.parametrize("body", [b"[]", b" [ ] ", b'{"columns": {"id": []}}'])
def test_nothing_is_no_fault(body: bytes) -> None:
    assert read(body) == Events([], [], [], {})


def test_blank_lines_are_no_events_but_count_as_places() -> None:
    event = b'{"id": 1, "model": "m", "time": 0, "decision": true}'
    found = read(b"\n\r\n" + event + b"\r\n{}\n\n", lines=True)
    assert (found.places, [bad.record for bad in found.invalid]) == ([2], [3])


@pytest.mark.parametrize("several", [b"[]", b'[{"id": 1}]', b'{"columns": {"id": [1, 2]}}'])
def test_several_events_in_the_place_of_one_are_refused(several: bytes) -> None:
    for body, lines in ((b"[1, " + several + b"]", False), (b"1\n" + several, True)):
        found = read(body, lines=lines)
        assert [(bad.record, bad.reason) for bad in found.invalid] == [(0, "wrong_type"), (1, "wrong_shape")]


def test_a_feature_may_be_called_columns() -> None:
    event = b'{"id": 1, "model": "m", "time": 0, "decision": 1, "features": {"columns": 3}}'
    assert read(event).events[0].features == {"columns": 3}
    assert len(read(b"[" + event + b"]").events) == 1


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"[" + b"1," * MOST + b"1]", False),
        (b"\n" * MOST, True),
        (b'{"columns": {"id": [' + b"1," * MOST + b"1]}}", False),
    ],
)
def test_a_body_has_not_too_many_events(body: bytes, lines: bool) -> None:
    with pytest.raises(TooManyEventsError):
        read(body, lines=lines)


def test_feedback_too() -> None:
    body = b'{"columns": {"decision_id": ["a", "b"], "time": [1, 2], "outcome": ["repaid", null]}}'
    found = bodies.read(body, False, Decoder(Feedback), LATEST)
    assert [event.outcome for event in found.events] == ["repaid", None]


def batch(count: int, names: list[str]) -> bytes:
    columns: dict[str, list[object]] = {"id": [*range(count)], "time": [0] * count, "decision": [1] * count}
    columns |= {name: [1] * count for name in names}
    return msgspec.json.encode({"model": "m", "columns": columns})


def test_columns_that_are_no_field_are_left_out_before_rows_are_made() -> None:
    """Their names would come once a row: gigabytes of a body of one."""
    long, count = "x" * 50_000, 1_000
    tracemalloc.start()
    found = read(batch(count, [long, "colour.of"]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(found.events), found.unknown) == (count, {long: 1, "colour.of": 1})
    assert peak < 10_000_000


def test_names_that_would_be_too_much_once_a_row_are_refused_unread() -> None:
    names = [f"attributes.{'x' * 230}{number}" for number in range(7)]
    most = UNFOLDED // len("idtimedecision" + "".join(names))
    assert len(read(batch(most, names)).events) == most
    found = read(batch(most + 1, names))
    assert (found.events, [(bad.record, bad.reason) for bad in found.invalid]) == ([], [(0, "too_large")])
