"""What of an event is kept, how finely time is cut, and the caps that hostile events meet."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.codes import OTHER
from monitor.config import Model, slice_ms
from monitor.config.durations import UNITS_MS
from monitor.events import Decision, Feedback, scalar
from monitor.facts.spelling import FLAGS, REASONS
from monitor.monitor import Monitor
from monitor.panes import GROUPS, UNIT
from monitor.readings import Reading

DAY = 86_400


def reading(model: Model, *decisions: Decision, feedback: tuple[Feedback, ...] = ()) -> Reading:
    monitor = Monitor("m", model)
    monitor.observe(decisions)
    monitor.learn(feedback)
    (found,) = monitor.advance(30 * DAY)
    return found


def model(**fields: object) -> Model:
    return msgspec.convert({"positive": ["yes"], "attributes": ["sex"], "windows": ["all"]} | fields, Model)


def decision(number: int = 0, **fields: object) -> Decision:
    event = {"id": f"d{number}", "model": "m", "time": DAY + number, "decision": "yes"}
    return msgspec.convert(event | fields, Decision)


def sizes(found: Reading, attribute: str = "sex") -> dict[str, int]:
    return {name: group.n for name, group in found.attributes[attribute].groups.items()}


@pytest.mark.parametrize(
    ("windows", "minutes"),
    [(["1h", "30d"], 5), (["23h"], 5), (["24h", "all"], 60), (["23d"], 60), (["24d"], 1440), (["all"], 1440)],
)
def test_the_shortest_window_says_how_finely_time_is_cut(windows: list[str], minutes: int) -> None:
    assert slice_ms(model(windows=windows)) == minutes * UNITS_MS["m"]


@pytest.mark.parametrize("spelled", [1, 1.0, "1"])
def test_producers_may_spell_a_group_as_they_like(spelled: object) -> None:
    found = reading(model(), decision(0, attributes={"sex": 1}), decision(1, attributes={"sex": spelled}))
    assert sizes(found) == {"1": 2}


def test_a_missing_group_is_unknown_also_in_intersections() -> None:
    crossed = model(attributes=["sex", ["sex", "age"]])
    found = reading(
        crossed, decision(0, attributes={"sex": "F"}), decision(1, attributes={"age": "old"}), decision(2)
    )
    assert sizes(found) == {"F": 1, "unknown": 2}
    assert sizes(found, "sex & age") == {"F & unknown": 1, "unknown & old": 1, "unknown": 1}


def test_a_separator_inside_a_name_is_no_separator() -> None:
    crossed = model(attributes=[["team", "sex"]])
    found = reading(crossed, decision(0, attributes={"team": "R & D", "sex": "F"}))
    assert sizes(found, "team & sex") == {r"R \& D & F": 1}


def test_an_attribute_may_come_with_feedback() -> None:
    late = Feedback(decision_id="d0", time=2.0 * DAY, attributes={"sex": "F"})
    assert sizes(reading(model(), decision(0), decision(1), feedback=(late,))) == {"F": 1, "unknown": 1}


def test_what_is_not_declared_is_not_kept() -> None:
    found = reading(model(), decision(0, attributes={"sex": "F", "shoe": "42"}, features={"income": 7}))
    assert sizes(found) == {"F": 1}
    assert "shoe" not in found.attributes
    assert [d for d in found.drift if d.stream.startswith("features.")] == []


def test_intersections_are_capped_where_their_parts_are_not() -> None:
    """A hundred groups of each of two attributes make ten thousand."""
    crowd = [decision(i, attributes={"sex": f"s{i % 60}", "age": f"a{i // 60}"}) for i in range(3600)]
    found = reading(model(attributes=["sex", "age", ["sex", "age"]]), *crowd)
    assert len(sizes(found)) == len(sizes(found, "age")) == 60
    crossed = sizes(found, "sex & age")
    assert (len(crossed), crossed[OTHER], sum(crossed.values())) == (GROUPS + 1, 3600 - GROUPS, 3600)


def test_flags_are_capped_however_slowly_they_come() -> None:
    monitor = Monitor("m", model())
    for number in range(4 * FLAGS):
        monitor.observe([decision(number, flags={f"flag{number}": True})])
    columns = [name for name in monitor.facts.models["m"]._table.types if name.startswith("flags.")]
    assert len(columns) == FLAGS


def test_a_reason_counts_once_whatever_is_in_it() -> None:
    odd = decision(0, reasons=["a\x1fb", "a\x1fb", "\x1f", ""])
    found = reading(model(), odd, decision(1))
    counts = found.attributes["sex"].groups["unknown"].counts
    assert {name: n for name, n in counts.items() if name.startswith("reasons.")} == {
        "reasons.a b": 1,
        "reasons. ": 1,
        "reasons.": 1,
    }


def test_a_slice_s_name_may_hold_anything() -> None:
    within = model(slices=["region"], rules=[{"metric": "selection_rate", "max": 0.1}])
    found = reading(within, decision(0, slices={"region": "no\x1frth"}, attributes={"sex": "F\x1f"}))
    assert sum(sizes(found).values()) == 1


names = st.sampled_from(["sex", "age", "income", "region", "a.b", "score"]) | st.text(min_size=1, max_size=4)
numbers = st.integers(-(10**400), 10**400) | st.floats(allow_nan=False, allow_infinity=False)
values = st.booleans() | numbers | st.sampled_from(["yes", "no", "", "\0", " & ", "\x1f", OTHER, "unknown"])
ids = st.text(min_size=1, max_size=3) | st.integers()
decided = st.fixed_dictionaries(
    {"id": ids, "model": st.just("m"), "time": st.floats(0, 10**8), "decision": values},
    optional={
        "score": numbers,
        "attributes": st.dictionaries(names, values),
        "slices": st.dictionaries(names, values),
        "features": st.dictionaries(names, values),
        "flags": st.dictionaries(names, st.booleans()),
        "reasons": st.lists(st.text(max_size=2), max_size=4),
        "version": values,
    },
)
returned = st.fixed_dictionaries(
    {"decision_id": ids, "time": st.floats(0, 10**8)},
    optional={
        "outcome": values,
        "decision": values,
        "values": st.dictionaries(names, numbers),
        "flags": st.dictionaries(names, st.booleans()),
        "attributes": st.dictionaries(names, values),
    },
)
EVERYTHING = model(attributes=["sex", ["sex", "age"]], features=["income"], slices=["region", "version"])


def valid(kind: type, events: list[dict[str, object]]) -> list[object]:
    """The events that are valid as JSON; those that are not never come so far."""
    found = []
    for event in events:
        try:
            found.append(msgspec.json.decode(json.dumps(event), type=kind))
        except msgspec.ValidationError:
            continue
    return found


@given(st.lists(decided, max_size=6), st.lists(returned, max_size=6))
def test_whatever_is_valid_can_be_counted(decisions: list[dict], feedback: list[dict]) -> None:
    made, said = valid(Decision, decisions), valid(Feedback, feedback)
    monitor = Monitor("m", EVERYTHING)
    monitor.observe(made)
    monitor.learn(said)
    (found,) = monitor.advance(10.0**8)
    assert found.decisions == len({scalar(event.id) for event in made})
    msgspec.json.encode(found)


def test_reasons_are_capped_one_by_one_and_in_length() -> None:
    """Else a thousand lists of two hundred would name more than all codes there are, of all models."""
    monitor = Monitor("m", model())
    monitor.observe([decision(n, reasons=[f"r{n}-{i}" for i in range(50)]) for n in range(50)])
    texts = monitor.facts.codes.texts
    named = [text for text in texts if text and text[0] == "r" and text[1:2].isdigit() and UNIT not in text]
    assert len(named) == REASONS
    long = Monitor("m", model())
    long.observe([decision(0, reasons=["x" * 200 + str(i) for i in range(20)])])
    assert max(len(text or "") for text in long.facts.codes.texts) < 300
    (found,) = long.advance(30 * DAY)
    counts = found.attributes["sex"].groups["unknown"].counts
    assert [name for name in counts if name.startswith("reasons.")] == ["reasons.__other__"]
