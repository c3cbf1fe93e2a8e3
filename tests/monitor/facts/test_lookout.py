"""What is noted of events besides the facts: of each shape of batch the same, and never a value."""

from typing import Any

import msgspec
import pytest

from monitor.config import Model
from monitor.events import Decision, Decoder, Feedback
from monitor.facts import Facts
from monitor.facts.lookout import SAMPLE

NOW = 2_000_000_000_000
MODEL = Model(positive=["yes"], attributes=["sex"], features=["income"], slices=["region"])
MAIL, CARD = "jane@example.com", "4111111111111111"


def decision(number: int, **fields: Any) -> dict[str, Any]:
    return {"id": f"d{number}", "model": "m", "time": 100 + number, "decision": "yes"} | fields


def found(*messages: object, model: Model = MODEL, feedback: bool = False) -> dict[tuple[str, str], int]:
    """How often each kind of finding was made in each field."""
    facts = Facts({"m": model}, bytes(16))
    kind: Any = Feedback if feedback else Decision
    for batch in Decoder(kind).batches([*map(msgspec.json.encode, messages)], NOW).batches:
        (facts.take_feedback if feedback else facts.take_decisions)(batch)
    return {(each.kind, each.field): each.times for each in facts.exposed["m"].news()}


def test_all_shapes_tell_the_same() -> None:
    rows = [decision(n, attributes={"sex": MAIL, "shoe": n}, features={"age": n}) for n in range(3)]
    columns = {name: [row[name] for row in rows] for name in ("id", "time", "decision")}
    columns |= {"attributes.sex": [MAIL] * 3, "attributes.shoe": [0, 1, 2], "features.age": [0, 1, 2]}
    expected = {
        ("email", "attributes.sex"): 3,
        ("undeclared", "attributes.shoe"): 3,
        ("undeclared", "features.age"): 3,
    }
    assert found(*rows) == found(rows) == found({"model": "m", "columns": columns}) == expected


def test_very_wide_events_are_looked_at_one_by_one() -> None:
    wide = [decision(n, features={f"f{n}-{i}": 1 for i in range(150)}) for n in range(3)]
    assert sum(found(*wide).values()) == 450


def test_declared_fields_and_plain_values_are_nothing() -> None:
    plain = {"attributes": {"sex": "F"}, "features": {"income": 3e4}, "slices": {"region": "north"}}
    assert found(decision(1, **plain, flags={"explained": True}, reasons=["R1"], entity="e1")) == {}


@pytest.mark.parametrize("field", ["id", "entity", "version", "stage"])
def test_what_differs_in_each_event_is_sampled(field: str) -> None:
    rows = [decision(n) | {field: f"{n}{MAIL}"} for n in range(10 * SAMPLE)]
    ((kind, where),) = (told := found(rows))
    assert (kind, where) == ("email", field)
    assert SAMPLE <= told[kind, where] <= 2 * SAMPLE


def test_ids_that_pass_for_cards_are_ids_and_groups_are_not() -> None:
    assert found(decision(1, id=CARD)) == {}
    assert found(decision(1, attributes={"sex": CARD})) == {("card", "attributes.sex"): 1}


def test_a_decision_that_is_a_duplicate_is_told_of_again() -> None:
    """The crash of a worker may have lost what was said of it before."""
    one = decision(1, attributes={"sex": MAIL})
    assert found(one, one) == {("email", "attributes.sex"): 2}


def test_feedback_is_of_the_only_model_before_its_decision_is_there() -> None:
    said = {"decision_id": "x", "time": 1, "outcome": MAIL, "attributes": {"shoe": "44"}}
    assert found(said, feedback=True) == {("email", "outcome"): 1, ("undeclared", "attributes.shoe"): 1}


def test_unchecked_fields_are_not_looked_at() -> None:
    odd = decision(1, attributes={"sex": MAIL, "shoe": 1}, features={"age": 1}, reasons=[MAIL], entity=MAIL)
    unchecked = ["attributes", "features.age", "reasons", "entity"]
    assert found(odd, model=msgspec.structs.replace(MODEL, unchecked=unchecked)) == {}
