"""Events are read by column, however they came, and nothing of them is lost or moved on the way."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.kinds import types
from monitor.events import clean
from monitor.events.batches import AT_ONCE, Columns, Structs, columns
from monitor.events.clean import CleanDecoder
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


def by_column(rows: list[dict[str, object]]) -> bytes:
    """The rows as a batch; what a row does not say is null in it."""
    flat = [
        {
            name if entry is None else f"{name}.{entry}": value
            for name, found in row.items()
            for entry, value in (found.items() if isinstance(found, dict) else [(None, found)])
        }
        for row in rows
    ]
    names = dict.fromkeys(name for row in flat for name in row)
    return msgspec.json.encode({"columns": {name: [row.get(name) for row in flat] for name in names}})


@given(st.lists(st.lists(DECISION, min_size=1, max_size=4), max_size=5), st.booleans())
def test_batches_by_column_hold_what_their_rows_hold(
    messages: list[list[dict[str, object]]], spelled: bool
) -> None:
    rows = [[row | {"id": str(row["id"])} if spelled else row for row in several] for several in messages]
    found = Decoder(Decision).batches([*map(by_column, rows)], LATEST)
    singles = [msgspec.json.encode(row) for several in rows for row in several]
    alone = Decoder(Decision).decode(singles, LATEST)
    assert not found.invalid
    assert plain([event for batch in found.batches for event in batch.events]) == plain(alone.events)
    assert [time for batch in found.batches for time in batch.times.tolist()] == alone.times.tolist()
    records = [record for batch in found.batches for record in batch.records.tolist()]
    assert records == [number for number, several in enumerate(rows) for _ in several]
    for batch in found.batches:
        for name in batch.kind.__struct_fields__:
            assert batch.types(name) == types(batch.column(name))


GOOD = {"id": ["a", "b"], "model": ["m", "m"], "time": [1.0, 2.0], "decision": ["yes", "no"]}


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"id": ["a"]}, "wrong_shape"),
        ({"time": [1.0]}, "wrong_shape"),
        ({"score": [0.5, 0.5, 0.5]}, "wrong_shape"),
        ({"attributes.sex": ["F", 1, "M"]}, "wrong_shape"),
        ({"id": ["", ""]}, "wrong_type"),
        ({"id": ["a" * 257, "b"]}, "too_long"),
        ({"score": ["high", "low"]}, "wrong_type"),
        ({"flags.asked": ["yes", "no"]}, "wrong_type"),
        ({"time": ["soon", "later"]}, "wrong_type"),
    ],
)
def test_a_wrong_batch_leaves_its_neighbours_as_they_are(columns: dict[str, object], reason: str) -> None:
    good, bad = (msgspec.json.encode({"columns": found}) for found in (GOOD, GOOD | columns))
    found = Decoder(Decision).batches([good, bad, good], LATEST)
    assert {(invalid.record, invalid.reason) for invalid in found.invalid} == {(1, reason)}
    records = [record for batch in found.batches for record in batch.records.tolist() if record != 1]
    assert records == [0, 0, 2, 2]


def test_a_column_of_a_map_has_a_name_there() -> None:
    columns = {"decision_id": ["a"], "time": [0.0], "values.": [1.0]}
    found = Decoder(Feedback).batches([msgspec.json.encode({"columns": columns})], LATEST)
    assert [invalid.reason for invalid in found.invalid] == ["wrong_type"]


def test_what_one_batch_does_not_have_is_open_in_it() -> None:
    messages = [{"columns": GOOD}, {"columns": GOOD | {"attributes.sex": ["F", "M"], "score": [0.5, 0.1]}}]
    [batch] = Decoder(Decision).batches([*map(msgspec.json.encode, messages)], LATEST).batches
    assert list(batch.column("attributes.sex")) == [None, None, "F", "M"]
    assert list(batch.column("score")) == [None, None, 0.5, 0.1]


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


def test_what_a_hostile_producer_invents_is_as_few_batches_as_the_order_allows() -> None:
    """Each batch costs every model some calls, however few of its events are in it."""
    invented = range(AT_ONCE, 3 * AT_ONCE)
    messages = [one(n, flags={f"f{n}": True}) if n in invented else one(n) for n in range(4 * AT_ONCE)]
    messages.append(msgspec.json.encode({"columns": GOOD}))
    found = Decoder(Decision).batches(messages, LATEST).batches
    assert [type(batch) for batch in found] == [Columns, Structs, Columns]
    assert [len(batch) for batch in found] == [AT_ONCE, 2 * AT_ONCE, AT_ONCE + len(GOOD["id"])]
    assert [id for batch in found for id in batch.column("id")] == [*map(str, range(4 * AT_ONCE)), "a", "b"]


def test_columns_that_hold_little_are_read_by_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is faster: each column that is read as one costs some calls."""
    decoder = CleanDecoder(Decision, 256, WIDEST)
    small, large = (msgspec.json.encode({"columns": {n: c * k for n, c in GOOD.items()}}) for k in (1, 200))
    assert decoder.decode([small]) is not None
    monkeypatch.setattr(clean, "LEAST", 200)
    assert decoder.decode([small]) is None
    assert decoder.decode([large]) is not None
    assert decoder.decode([small] * 20) is not None
    assert len(Decoder(Decision).batches([small], LATEST).batches[0]) == 2


def test_messages_that_share_no_columns_are_read_one_by_one() -> None:
    """Together they would be a table of nothing, which grows with the square of their number."""
    columns = [GOOD | {f"flags.f{n}": [True, None]} for n in range(WIDEST)]
    messages = [msgspec.json.encode({"columns": each}) for each in columns]
    assert CleanDecoder(Decision, 256, WIDEST).decode(messages) is None
    batches = Decoder(Decision).batches(messages, LATEST).batches
    held = [(name, times) for batch in batches for name, times in batch.held("flags").items()]
    assert sorted(held) == sorted((f"flags.f{n}", 1) for n in range(WIDEST))


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
