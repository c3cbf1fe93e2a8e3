"""Large records: whole again whatever their size, and one of them whole wherever a writer is interrupted."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import parts
from streams.parts import LARGEST
from tests.alerts.doubles import Crash

SIZES = st.sampled_from([0, 1, LARGEST, LARGEST + 1, 2 * LARGEST, 3 * LARGEST - 1])
records = st.builds(lambda byte, size: bytes([byte]) * size, st.integers(0, 255), SIZES)


class Table:
    """A table of one partition that is durable at once, until it crashes."""

    def __init__(self, items: Mapping[bytes, bytes], writes: int | None = None) -> None:
        self.held, self.left, self.written = dict(items), writes, 0

    def items(self, _partition: int) -> Mapping[bytes, bytes]:
        return self.held

    async def put(self, _partition: int, key: bytes, value: bytes | None) -> None:
        if self.left == self.written:
            raise Crash
        self.written += 1
        if value is None:
            self.held.pop(key, None)
        else:
            self.held[key] = value


def put(table: Table, items: Mapping[bytes, bytes]) -> None:
    asyncio.run(parts.put(table, 0, items))


@given(st.dictionaries(st.binary(min_size=1, max_size=3), records, max_size=3))
def test_records_come_back_whole(items: dict[bytes, bytes]) -> None:
    table = Table({})
    put(table, items)
    assert parts.joined(table.held) == items
    assert all(len(record) <= LARGEST for record in table.held.values())


@given(records, records)
def test_a_writer_that_is_interrupted_leaves_the_old_record_or_the_new_one(old: bytes, new: bytes) -> None:
    before = Table({})
    put(before, {b"k": old})
    whole = Table(before.held)
    put(whole, {b"k": new})
    for writes in range(whole.written):
        broken = Table(before.held, writes)
        with pytest.raises(Crash):
            put(broken, {b"k": new})
        assert parts.joined(broken.held) in ({b"k": old}, {b"k": new})
        again = Table(broken.held)
        put(again, {b"k": new})
        assert parts.joined(again.held) == {b"k": new}


def test_the_parts_of_the_record_before_go() -> None:
    table = Table({})
    for record in (bytes(3 * LARGEST), b"x" * 2 * LARGEST, b"small"):
        put(table, {b"k": record})
    assert table.held == {b"k": b"small"}


def test_the_same_record_again_keeps_its_parts() -> None:
    table = Table({})
    put(table, {b"k": bytes(2 * LARGEST)})
    held = dict(table.held)
    put(table, {b"k": bytes(2 * LARGEST)})
    assert table.held == held


def test_what_is_removed_goes_with_all_that_was_begun() -> None:
    table = Table({})
    put(table, {b"k": bytes(2 * LARGEST), b"a/k": bytes(2 * LARGEST)})
    _, begun = parts.split(b"k", b"x" * 3 * LARGEST)
    table.held |= dict(list(begun.items())[:2])
    asyncio.run(parts.remove(table, 0, [b"k"]))
    assert parts.joined(table.held) == {b"a/k": bytes(2 * LARGEST)}
    assert len(table.held) == 1 + 2


def test_a_record_that_is_not_wanted_goes_unless_it_is_the_one_that_is_held() -> None:
    table = Table({})
    put(table, {b"k": bytes(2 * LARGEST)})
    held = dict(table.held)
    _, other = parts.split(b"k", b"x" * 2 * LARGEST)
    table.held |= other
    _, own = parts.split(b"k", bytes(2 * LARGEST))
    for unwanted in (other, own):
        asyncio.run(parts.refuse(table, 0, b"k", unwanted))
    assert table.held == held


def test_a_head_without_its_parts_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    table = Table({b"other": b"x"})
    put(table, {b"k": bytes(2 * LARGEST)})
    table.held.pop(next(key for key in table.held if key.startswith(parts.PART)))
    assert parts.joined(table.held) == {b"other": b"x"}
    assert "b'k': parts of the record are missing" in caplog.text
