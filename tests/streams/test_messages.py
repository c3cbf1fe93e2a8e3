"""Panes and clocks on their way: nothing is lost in bundling, and no message is too large."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.panes import packed
from monitor.panes.packed import Pane
from streams import messages, parts
from streams.messages import LARGEST, Clock, PaneMessage, Part, pane_key
from streams.tables import MAX_RECORD


def pane(model: str, slot: int, size: int = 0) -> Pane:
    return Pane(model=model, partition=0, slot=slot, shape="", phi="1", counted=bytes(size))


panes = st.lists(
    st.builds(pane, st.sampled_from("ab"), st.integers(0, 99), st.integers(0, 3 * LARGEST)),
    max_size=20,
    unique_by=lambda pane: (pane.model, pane.slot),
)


def arrived(sent: list[tuple[str, bytes]], model: str) -> list[Pane]:
    """The panes of a model that messages bring, whole."""
    found, laid = [], {}
    for message in [messages.decode(record) for name, record in sent if name == model]:
        if isinstance(message, PaneMessage):
            found += map(packed.load, message.panes)
        elif isinstance(message, Part):
            laid[message.key] = message.data
            _, record = parts.together(laid, message.key)
            found += [] if record is None else [packed.load(record)]
    return found


@given(panes)
def test_bundles_hold_all_panes_each_under_its_model(found: list[Pane]) -> None:
    sent = list(messages.bundles(found))
    for name in "ab":
        assert sorted(arrived(sent, name), key=pane_key) == sorted(
            (pane for pane in found if pane.model == name), key=pane_key
        )


@given(panes)
def test_no_message_is_too_large(found: list[Pane]) -> None:
    for _, record in messages.bundles(found):
        assert len(record) <= LARGEST + 100_000 < MAX_RECORD


def test_few_panes_are_one_message() -> None:
    assert len(list(messages.bundles([pane("a", slot) for slot in range(1000)]))) == 1


def test_clocks_come_back_as_they_went() -> None:
    clock = Clock(3, 8, None, True, 17)
    assert messages.decode(messages.encode(clock)) == clock


def test_a_message_of_another_kind_is_refused_in_one_line() -> None:
    stranger = msgspec.msgpack.encode({"type": "novelty"})
    with pytest.raises(ValueError, match=r"novelty.*allowed are clock, panes, part, found .*: upgrade it$"):
        messages.decode(stranger)


def test_messages_of_before_parts_are_read() -> None:
    old = {
        "model": "a", "partition": 0, "slot": 7, "shape": "", "phi": "1", "texts": {}, "groups": [],
        "measures": b"", "cells": b"", "counts": b"",
    }  # fmt: skip
    message = messages.decode(msgspec.msgpack.encode({"type": "panes", "panes": [old]}))
    assert isinstance(message, PaneMessage)
    assert [packed.load(record).slot for record in message.panes] == [7]
