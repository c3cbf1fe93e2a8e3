"""A baseline is the first finished slices, survives its file to the last unit, and refuses broken files."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import baseline
from monitor.baseline import BaselineError, Part
from monitor.panes import histogram

counts = st.integers(0, 1000)
numeric = st.builds(
    histogram.numeric, st.lists(st.floats(allow_nan=False, allow_infinity=False)), missing=counts
)
categorical = st.builds(histogram.categorical, st.lists(st.text(max_size=3), min_size=1), missing=counts)
names = st.text(max_size=5)
groups = st.dictionaries(names, st.dictionaries(names, st.dictionaries(names, counts)))
baselines = st.builds(
    baseline.Baseline,
    model=names,
    since=counts,
    until=counts,
    decisions=counts,
    streams=st.dictionaries(names, numeric | categorical),
    groups=groups,
)


def part(start: int, values: list[float], region: str = "north") -> Part:
    return Part(
        start=start,
        decisions=len(values),
        streams={"score": histogram.numeric(values), "features.region": histogram.categorical([region])},
        groups={"sex": {"F": {"tp": 1, "fn": 2}}},
    )


def test_the_first_slices_that_hold_enough_decisions_enter_whole() -> None:
    found = baseline.first("credit", [part(0, [0.1, 0.2]), part(60, [0.3, 0.4]), part(120, [0.9])], wanted=3)

    assert found is not None
    assert (found.since, found.until, found.decisions) == (0, 60, 4)
    assert found.streams["score"] == histogram.numeric([0.1, 0.2, 0.3, 0.4])
    assert found.streams["features.region"].counts.tolist() == [2]
    assert found.groups == {"sex": {"F": {"tp": 2, "fn": 4}}}


def test_later_slices_do_not_change_the_baseline() -> None:
    parts = [part(start, [start / 10] * 4) for start in range(5)]

    assert baseline.first("credit", parts[:2], 8) == baseline.first("credit", parts, 8)


def test_there_is_none_while_decisions_are_too_few() -> None:
    assert baseline.first("credit", [part(0, [0.1, 0.2])], wanted=3) is None


def test_a_stream_may_appear_late() -> None:
    late = Part(start=9, decisions=1, streams={"features.age": histogram.numeric([40])})

    assert baseline.of("credit", [part(0, [0.5]), late]).streams["features.age"].total == 1


def test_a_stream_that_changes_its_type_is_of_the_kind_of_most_values() -> None:
    parts = [
        Part(start=0, decisions=3, streams={"features.age": histogram.numeric([40, 41, 42])}),
        Part(start=1, decisions=2, streams={"features.age": histogram.categorical(["40", "41"])}),
    ]
    expected = histogram.numeric([40, 41, 42], missing=2)

    assert baseline.of("credit", parts).streams["features.age"] == expected
    assert baseline.of("credit", parts[::-1]).streams["features.age"] == expected


def test_the_parts_are_left_as_they_were() -> None:
    first, second = part(0, [0.1]), part(1, [0.2])
    baseline.of("credit", [first, second])

    assert first == part(0, [0.1])
    assert second == part(1, [0.2])


def test_a_baseline_of_nothing_is_refused() -> None:
    with pytest.raises(BaselineError, match="at least one decision"):
        baseline.of("credit", [])


@given(baselines)
def test_the_file_keeps_everything(before: baseline.Baseline) -> None:
    after = baseline.from_json(baseline.to_json(before))

    assert after == before
    assert baseline.to_json(after) == baseline.to_json(before)


def changed(**fields: Any) -> bytes:
    whole = json.loads(baseline.to_json(baseline.of("credit", [part(0, [0.1, 0.2])])))
    return json.dumps(whole | fields).encode()


def stream(**fields: Any) -> bytes:
    return changed(streams={"score": fields})


@pytest.mark.parametrize(
    ("content", "key", "allowed"),
    [
        (b"", "file", "what `fairlead baseline` writes"),
        (b"[]", "file", "what `fairlead baseline` writes"),
        (b"id,time,decision\n1,2013-01-01,yes\n2,2013-01-02,no\n", "file", "what `fairlead baseline` writes"),
        (changed(fairlead_baseline=2), "fairlead_baseline: 2", "allowed: 1"),
        (changed(decisions="many"), "file", "Expected `int`, got `str`"),
        (changed(surprise=1), "file", "unknown field `surprise`"),
        (stream(counts=[1]), "streams.score", "one of codes and names"),
        (stream(counts=[1], codes=[9000], names=["a"]), "streams.score", "one of codes and names"),
        (stream(counts=[1, -1], codes=[9000, 9001]), "streams.score.counts: -1", "a count from 0"),
        (stream(counts=[1], names=["a"], missing=-5), "streams.score.counts: -5", "a count from 0"),
        (stream(counts=[1], codes=[9000, 9001]), "streams.score.counts: 1", "as many as keys, 2"),
        (stream(counts=[1, 1], codes=[9001, 9000]), "streams.score.keys", "ascending order"),
        (stream(counts=[1, 1], names=["a", "a"]), "streams.score.keys", "different keys"),
        (stream(counts=[1], codes=[70000]), "streams.score.codes: [70000, 70000]", "33 to 16351"),
        (changed(groups={"sex": {"F": {"tp": -1}}}), "groups.sex.F.counts: -1", "a count from 0"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(content: bytes, key: str, allowed: str) -> None:
    with pytest.raises(BaselineError) as caught:
        baseline.from_json(content)

    message = str(caught.value)
    assert key in message
    assert allowed in message
    assert "\n" not in message
