from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead_client.events import InvalidEventError, decision_row, feedback_row


class _Scalar:
    """What numpy, pandas and torch scalars have in common."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def item(self) -> Any:
        return self.value


Scalar: Any = _Scalar


class Sex(str, Enum):
    FEMALE = "F"


def test_a_full_decision_becomes_columns() -> None:
    row = decision_row(
        id=UUID(int=1),
        decision="approved",
        time=1767225600.12345,
        score=0.25,
        value=5_000,
        attributes={"sex": Sex.FEMALE, "race": {"black": 0.7, "white": 0.3}, "age_band": None},
        slices={"region": "north"},
        features={"income": 51_000.0, "home": "rent", "insured": False, "debt": None, "age": float("nan")},
        flags={"explained": True},
        reasons=["R1", "R7"],
        entity=4711,
        version="v3",
        stage="champion",
    )
    assert row == {
        "id": "00000000-0000-0000-0000-000000000001",
        "time": 1767225600.123,
        "decision": "approved",
        "score": 0.25,
        "value": 5000.0,
        "entity": "4711",
        "version": "v3",
        "stage": "champion",
        "reasons": ["R1", "R7"],
        "attributes.sex": "F",
        "attributes.race": {"black": 0.7, "white": 0.3},
        "slices.region": "north",
        "features.income": 51_000.0,
        "features.home": "rent",
        "features.insured": False,
        "features.age": None,
        "flags.explained": True,
    }


def test_a_full_feedback_becomes_columns() -> None:
    row = feedback_row(
        decision_id="loan-17",
        time=datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        outcome=False,
        decision="declined",
        values={"csat": 4},
        flags={"appealed": True, "upheld": None},
        attributes={"sex": "F"},
    )
    assert row == {
        "decision_id": "loan-17",
        "time": 1767225600.0,
        "outcome": False,
        "decision": "declined",
        "values.csat": 4.0,
        "flags.appealed": True,
        "attributes.sex": "F",
    }


def test_scalars_of_numeric_libraries_become_plain_values() -> None:
    row = decision_row(
        id="a",
        time=Scalar(5),
        decision=Scalar(1.0),
        score=Scalar(0.5),
        value=Scalar(Decimal("9.5")),
        features={"n": Scalar(3), "b": Scalar(True)},
        flags={"explained": Scalar(False)},
    )
    del row["id"]
    assert row == {
        "time": 5.0,
        "decision": 1,
        "score": 0.5,
        "value": 9.5,
        "features.n": 3.0,
        "features.b": True,
        "flags.explained": False,
    }
    assert [type(row[name]) for name in ("decision", "features.b")] == [int, bool]


def test_so_do_ids_and_entities() -> None:
    row = decision_row(id=Scalar(17), decision=True, entity=Scalar(4711))
    assert (row["id"], row["entity"]) == ("17", "4711")
    assert feedback_row(decision_id=Scalar("a"), outcome=True)["decision_id"] == "a"


def test_the_default_time_is_now() -> None:
    before = datetime.now(timezone.utc).timestamp()
    time = decision_row(id="a", decision=True)["time"]
    assert before - 0.001 <= time <= datetime.now(timezone.utc).timestamp() + 0.001


NAME = "text of 1 to 256 characters"
TEXT = "text of at most 256 characters"
SHARES = "probabilities of 1 to 200 groups"
TEXTS = "a list of at most 200 texts"
MAP = "a mapping of at most 200 names to values"
LABEL = "true, false, a whole number or a text"
TIME = "Unix seconds until the year 9999, or an aware datetime"


@pytest.mark.parametrize(
    ("changed", "field", "allowed"),
    [
        ({"id": ""}, "id", NAME),
        ({"id": "x" * 257}, "id", TEXT),
        ({"id": "\ud800"}, "id", TEXT),
        ({"id": None}, "id", TEXT),
        ({"id": True}, "id", TEXT),
        ({"id": 1.5}, "id", TEXT),
        ({"id": Scalar(True)}, "id", TEXT),
        ({"id": Scalar(1.5)}, "id", TEXT),
        ({"decision": None}, "decision", LABEL),
        ({"decision": 0.5}, "decision", LABEL),
        ({"decision": 2**53 + 1}, "decision", LABEL),
        ({"decision": float("nan")}, "decision", LABEL),
        ({"decision": ["approved"]}, "decision", LABEL),
        ({"time": datetime(2026, 1, 1)}, "time", "a datetime with a time zone"),  # noqa: DTZ001
        ({"time": 1767225600_000}, "time", TIME),
        ({"time": -1}, "time", TIME),
        ({"time": "2026-01-01"}, "time", "a finite number"),
        ({"score": float("nan")}, "score", "a finite number"),
        ({"score": float("inf")}, "score", "a finite number"),
        ({"score": True}, "score", "a finite number"),
        ({"score": "0.5"}, "score", "a finite number"),
        ({"value": 10**400}, "value", "a finite number"),
        ({"value": [1]}, "value", "a finite number"),
        ({"attributes": "F"}, "attributes", MAP),
        ({"attributes": {"sex": 1.5}}, "attributes.sex", LABEL),
        ({"attributes": {"": "F"}}, "attributes", NAME),
        ({"attributes": {7: "F"}}, "attributes", TEXT),
        ({"attributes": {"race": {}}}, "attributes.race", SHARES),
        ({"attributes": {"race": {"black": 1.5}}}, "attributes.race", "a probability from 0 to 1"),
        ({"attributes": {"race": {"black": "x"}}}, "attributes.race", "a finite number"),
        ({"slices": {"region": []}}, "slices.region", LABEL),
        ({"features": {"x": float("inf")}}, "features.x", "a finite number"),
        ({"features": {"x": [1]}}, "features.x", "a finite number"),
        ({"features": {str(n): n for n in range(201)}}, "features", MAP),
        ({"flags": {"explained": 1}}, "flags.explained", "true or false"),
        ({"reasons": "R1"}, "reasons", TEXTS),
        ({"reasons": 1}, "reasons", TEXTS),
        ({"reasons": [1]}, "reasons", TEXT),
        ({"reasons": ["R"] * 201}, "reasons", TEXTS),
        ({"entity": 1.5}, "entity", TEXT),
        ({"version": 3.5}, "version", LABEL),
        ({"stage": "x" * 257}, "stage", TEXT),
    ],
)
def test_an_invalid_decision_names_the_field_and_what_is_allowed(
    changed: Mapping[str, Any], field: str, allowed: str
) -> None:
    with pytest.raises(InvalidEventError) as caught:
        decision_row(**{"id": "a", "decision": True, **changed})
    assert (caught.value.field, caught.value.allowed) == (field, allowed)
    assert str(caught.value).startswith(f"{field}: ")
    assert str(caught.value).endswith(f" is not allowed, give {allowed}")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "feedback"),
        ({"flags": {"helpful": None}}, "feedback"),
        ({"decision_id": "", "outcome": True}, "decision_id"),
        ({"outcome": 0.5}, "outcome"),
        ({"values": {"csat": "5"}}, "values.csat"),
    ],
)
def test_an_invalid_feedback_names_the_field(given: Mapping[str, Any], field: str) -> None:
    with pytest.raises(InvalidEventError) as caught:
        feedback_row(**{"decision_id": "a", **given})
    assert caught.value.field == field


def test_the_message_gives_the_value() -> None:
    with pytest.raises(InvalidEventError, match=r"^score: 'high' is not allowed, give a finite number$"):
        decision_row(id="a", decision=True, score="high")  # type: ignore[arg-type]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("id", "decision", "time", "score", "value", "attributes", "slices", "features", "flags", "reasons")


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, ANYTHING)))
def test_anything_is_either_a_row_or_an_invalid_event(given: Mapping[str, Any]) -> None:
    try:
        row = decision_row(**given)
    except InvalidEventError:
        return
    assert row["id"] == given["id"] or row["id"] == str(given["id"])
