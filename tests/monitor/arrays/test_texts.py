"""Strings in one piece of bytes say the same as strings one by one."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.texts import Texts

ANY = st.none() | st.text(max_size=40) | st.sampled_from(["", "\0", "a", "a\0", "north", "north-eastern"])
CHARACTERS = st.characters(codec="ascii", exclude_characters='"\\', exclude_categories=["Cc"])
PLAIN = st.text(CHARACTERS, max_size=40)


@given(st.lists(ANY, max_size=40))
def test_they_are_what_they_were(strings: list[str | None]) -> None:
    texts = Texts(strings)
    assert list(texts) == strings
    assert (len(texts), texts.types) == (len(strings), {*map(type, strings)})


@given(st.lists(ANY, max_size=40))
def test_distinct_ones_come_in_the_order_of_their_first(strings: list[str | None]) -> None:
    names, which = Texts(strings).distinct
    assert names == [*dict.fromkeys(strings)]
    assert [names[number] for number in which] == strings


@given(st.lists(ANY, min_size=1, max_size=20), st.data())
def test_some_of_them(strings: list[str | None], data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(strings) - 1)))
    assert list(Texts(strings).take(np.array(places, np.int64))) == [strings[place] for place in places]


@given(
    st.lists(st.lists(PLAIN, min_size=1, max_size=20), min_size=1, max_size=5), st.sampled_from([",", ", "])
)
def test_json_arrays_are_read_where_they_lie(arrays: list[list[str]], comma: str) -> None:
    found = Texts.of_json([json.dumps(array, separators=(comma, ":")).encode() for array in arrays])
    assert found is not None
    texts, counts = found
    assert list(texts) == [string for array in arrays for string in array]
    assert counts.tolist() == [*map(len, arrays)]


@pytest.mark.parametrize(
    "array",
    [
        "[]",
        "[1]",
        "[null]",
        '["a",null]',
        '[null,"a"]',
        '["a",1,"b"]',
        '["a",1]',
        '["a",["b"]]',
        '["a",["b"],"c"]',
        '["a",{"b":"c"}]',
        '[["a"]]',
        '[{"a":"b"}]',
        '["a" ,"b"]',
        '["a",\n "b"]',
        '["a","\\u0041"]',
        '["a","\\""]',
        '["é"]',
    ],
)
def test_what_is_not_all_plain_strings_is_left_to_others(array: str) -> None:
    assert Texts.of_json([array.encode()]) is None
    assert Texts.of_json([b'["x"]', array.encode()]) is None
    assert Texts.of_json([array.encode(), b'["x"]']) is None


def test_a_string_may_look_like_a_separator() -> None:
    found = Texts.of_json([b'[",",", ","a",":"]'])
    assert found is not None
    assert list(found[0]) == [",", ", ", "a", ":"]


def test_strings_that_are_not_everywhere() -> None:
    there = np.array([False, True, True, False])
    assert list(Texts(["F", "M"]).spread(there)) == [None, "F", "M", None]


def test_a_name_for_many() -> None:
    many = Texts.repeated(["credit", "jobs", "rent"], np.array([2, 0, 1]))
    assert list(many) == ["credit", "credit", "rent"]
    names, which = many.distinct
    assert [names[number] for number in which.tolist()] == list(many)
    assert names == ["credit", "rent"]
    assert many.take(np.array([2])).distinct[0] == ["rent"]
