"""What events hold that they should not, as partitions tell it and evaluators keep it."""

from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.codes import OTHER
from monitor.arrays.personal import PERSONAL
from monitor.config import Model
from monitor.events.exposed import (
    AGAIN_MS,
    FIELDS,
    NAMES,
    UNDECLARED,
    Exposed,
    Exposure,
    Register,
    UnknownFields,
    is_unexpected,
)

MODEL = Model(
    positive=[1], attributes=["sex", ["sex", "age"]], features=["income"], unchecked=["slices", "colour"]
)


def exposure(field: str = "id", times: int = 1, last: int = 0, kind: str = "email") -> Exposure:
    return Exposure(event="decision", kind=kind, field=field, times=times, last=last)


def test_what_is_new_is_told_at_once_and_what_goes_on_seldom() -> None:
    exposed, told = Exposed(), []
    for number in range(1_000):
        exposed.note("decision", "email", {"id": 1}, last=number)
        told += exposed.news()
    assert [each.times for each in told] == [2**n for n in range(10)]
    exposed.note("decision", "email", {"id": 1}, last=999 + AGAIN_MS)
    assert exposed.news() == [exposure(times=1_001, last=999 + AGAIN_MS)]
    assert (exposed.personal, exposed.undeclared) == (1_001, 0)


def test_the_first_fields_have_names() -> None:
    exposed = Exposed()
    for number in range(1_000):
        exposed.note("decision", UNDECLARED, {f"features.f{number}": 1}, last=0)
    news = {each.field: each.times for each in exposed.news()}
    assert news == {f"features.f{number}": 1 for number in range(NAMES)} | {OTHER: 1_000 - NAMES}


def test_a_field_whose_name_looks_personal_is_not_named() -> None:
    exposed = Exposed()
    for field in ("attributes.jane@example.com", "jane@example.com"):
        exposed.note("decision", UNDECLARED, {field: 1}, last=0)
    assert [each.field for each in exposed.news()] == [f"attributes.{PERSONAL}", PERSONAL]


told = st.lists(
    st.tuples(
        st.integers(0, 2), st.builds(exposure, st.sampled_from("abc"), st.integers(1, 9), st.integers(0, 9))
    ),
    max_size=4,
)


@given(told)
def test_order_and_repetition_change_nothing(said: list[tuple[int, Exposure]]) -> None:
    found = []
    for order in permutations(said):
        register = Register()
        for partition, each in (*order, *said):
            register.hear(partition, [each])
        restored = Register()
        restored.load(register.encode())
        assert {e.key: e for e in restored.all()} == {e.key: e for e in register.all()}
        found.append({e.key: (e.times, e.last) for e in register.all()})
    assert all(each == found[0] for each in found)


def test_it_hears_what_is_new() -> None:
    register = Register()
    assert [register.hear(0, [exposure(times=n)]) for n in (3, 3, 2, 4)] == [True, False, False, True]
    assert register.all() == [exposure(times=4)]


def test_a_register_from_before_there_were_versions_is_read() -> None:
    register = Register()
    register.load(msgspec.msgpack.encode([[3, exposure(times=4)]]))
    assert register.all() == [exposure(times=4)]


def test_a_register_of_a_newer_version_is_refused() -> None:
    record = Register().encode()
    with pytest.raises(ValueError, match=r"^found in events: version 2 is not allowed; allowed: up to 1"):
        Register().load(bytes([record[0] + 1]) + record[1:])


def test_a_register_is_bounded() -> None:
    register = Register()
    for number in range(10_000):
        register.hear(number % 4, [exposure(f"f{number}", kind=UNDECLARED)])
    assert len(register.all()) == NAMES + 1
    assert len(register.encode()) < 20_000


def test_declared_and_unchecked_fields_are_expected() -> None:
    fields = ["attributes.sex", "attributes.age", "features.income", "colour", "slices.region"]
    assert not any(is_unexpected(MODEL, exposure(field, kind=UNDECLARED)) for field in fields)
    assert not is_unexpected(MODEL, exposure("slices.region"))
    assert is_unexpected(MODEL, exposure("attributes.sex"))
    assert is_unexpected(MODEL, exposure("attributes.shoe", kind=UNDECLARED))


def test_unknown_fields_are_counted_by_name_up_to_a_number() -> None:
    fields = UnknownFields()
    counts = fields.counted({f"f{number}": 1 for number in range(FIELDS + 50)})
    assert len(counts) == FIELDS + 1
    assert counts[f"unknown.{OTHER}"] == 50
