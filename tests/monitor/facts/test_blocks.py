"""Blocks of facts as bytes: back again in any process, merged, split, and refused when too new."""

from base64 import b64decode

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.codes import Codes
from monitor.facts import blocks
from monitor.facts.blocks import Block

texts = st.text(max_size=4)
decided = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**41), st.none() | texts, st.none() | texts)
said = st.tuples(
    st.integers(0, 2**64 - 1),
    st.sampled_from(["outcome", "values.csat", "flags.helpful", "attributes.sex"]),
    texts,
)
Readable = list[tuple[object, ...]]


def decisions(rows: list[tuple[int, int, str | None, str | None]], codes: Codes) -> Block:
    ids, times, made, sexes = zip(*rows, strict=True) if rows else ((), (), (), ())
    columns = {
        "id": np.array(ids, np.uint64),
        "time": np.array(times, np.int64),
        "decision": codes.encode(made),
        "attributes.sex": codes.encode(sexes),
    }
    return Block("loans", columns)


def feedback(rows: list[tuple[int, str, str]], codes: Codes) -> Block:
    """A `fact` is a code where its kind says so, else plain bits."""
    coded = [blocks.stem(kind) in blocks.CODED_KINDS for _, kind, _ in rows]
    facts = [codes.code(text) if c else len(text) + 1000 for (_, _, text), c in zip(rows, coded, strict=True)]
    columns = {
        "id": np.array([row[0] for row in rows], np.uint64),
        "kind": codes.encode([row[1] for row in rows]),
        "fact": np.array(facts, np.uint32),
    }
    return Block(None, columns)


def readable(block: Block, codes: Codes) -> Readable:
    """Rows without codes."""
    return list(
        zip(*(_texts(name, column, block, codes) for name, column in block.columns.items()), strict=True)
    )


def _texts(name: str, column: np.ndarray, block: Block, codes: Codes) -> list[object]:
    if name == "fact":
        kinds = [codes.texts[kind] or "" for kind in block.columns["kind"].tolist()]
        return [
            codes.texts[fact] if blocks.stem(kind) in blocks.CODED_KINDS else fact
            for fact, kind in zip(column.tolist(), kinds, strict=True)
        ]
    coded = blocks.stem(name) in blocks.CODED
    return [codes.texts[value] if coded else value for value in column.tolist()]


def foreign() -> Codes:
    """The codes of another process, which has met other texts before."""
    codes = Codes()
    codes.encode(["zebra", "sex", "0", "outcome"])
    return codes


@given(st.lists(decided), st.lists(said))
def test_another_process_reads_the_same(rows: list[tuple], facts: list[tuple]) -> None:
    ours, theirs = Codes(), foreign()
    for block in (decisions(rows, ours), feedback(facts, ours)):
        again = blocks.decode(blocks.encode(block, ours), theirs)
        assert again.model == block.model
        assert readable(again, theirs) == readable(block, ours)


@given(st.lists(st.lists(decided, max_size=5), min_size=1, max_size=4), st.lists(said, max_size=5))
def test_merged_blocks_hold_the_same_rows(parts: list[list[tuple]], facts: list[tuple]) -> None:
    records, rows = [], list[tuple[object, ...]]()
    for part in parts:
        codes = foreign() if part else Codes()
        block = decisions(part, codes)
        records.append(blocks.encode(block, codes))
        rows += readable(block, codes)
    codes = Codes()
    records.append(blocks.encode(feedback(facts, codes), codes))
    codes = Codes()
    merged = [blocks.decode(record, codes) for record in blocks.merge(records)]
    assert [row for block in merged if block.model for row in readable(block, codes)] == rows
    assert sum(len(block) for block in merged if block.model is None) == len(facts)
    assert len(merged) <= 2


def test_a_column_that_some_blocks_lack_is_not_there_in_their_rows() -> None:
    codes = Codes()
    plain = decisions([(1, 5, "yes", "F")], codes)
    scored = decisions([(2, 5, "no", "M")], codes)
    scored.columns["score"] = np.array([9], np.uint32)
    (both,) = blocks.concatenate([plain, scored])
    assert both.columns["score"].tolist() == [0, 9]


def test_no_block_is_larger_than_a_record_may_be() -> None:
    codes, count = Codes(), 100_000
    rows = [(i, i, "yes", "F") for i in range(count)]
    parts = list(blocks.split(decisions(rows, codes)))
    assert all(len(blocks.encode(part, codes)) < 1.1 * blocks.LARGEST for part in parts)
    assert [row for part in parts for row in readable(part, codes)] == readable(decisions(rows, codes), codes)
    assert list(blocks.split(decisions([], codes))) == []


def test_long_texts_make_more_records_and_no_larger_ones() -> None:
    codes = Codes()
    rows = [(n, n, "yes", f"{n:04}" * 12_000) for n in range(100)]
    records = list(blocks.records(decisions(rows, codes), codes))
    assert max(map(len, records)) <= blocks.MOST
    assert len(records) == 12
    again = Codes()
    found = [row for record in records for row in readable(blocks.decode(record, again), again)]
    assert found == readable(decisions(rows, codes), codes)
    assert sorted(map(len, blocks.merge(records))) == sorted(map(len, records))


def test_one_row_is_one_record_however_long() -> None:
    codes = Codes()
    (record,) = blocks.records(decisions([(1, 1, "yes", "x" * blocks.MOST)], codes), codes)
    assert len(record) > blocks.MOST


def test_a_newer_version_is_refused_by_name() -> None:
    record = blocks.encode(decisions([], Codes()), Codes())
    newer = msgspec.msgpack.encode(msgspec.msgpack.decode(record) | {"version": blocks.VERSION + 1})
    with pytest.raises(ValueError, match="block: version 4 is not known; allowed: up to 3"):
        blocks.decode(newer, Codes())


OLDER = [(1, 5, "yes", "F"), (2**64 - 1, 7, "no", None)]  # what a program wrote that wrote version 2
VERSION_2 = (
    "hKd2ZXJzaW9uAqVtb2RlbKVsb2Fuc6V0ZXh0c4MCo3llcwOibm8EoUanY29sdW1uc4SiaWTEEAEAAAAAAAAA//////////+kdGltZcQS"
    "KLUv/SAQTQAAGAUHAAEABxgCqGRlY2lzaW9uxA0otS/9IAQhAAACAwAArmF0dHJpYnV0ZXMuc2V4xA0otS/9IAQhAAAEAAAA"
)


def test_columns_of_the_second_version_are_read() -> None:
    codes, again = Codes(), Codes()
    found = blocks.decode(b64decode(VERSION_2), again)
    assert readable(found, again) == readable(decisions(OLDER, codes), codes)
    assert blocks.about(b64decode(VERSION_2)) == "loans"


def test_columns_of_the_first_version_are_read() -> None:
    codes, again = Codes(), Codes()
    block = decisions(OLDER, codes)
    texts = {code: text for code, text in enumerate(codes.texts) if text in {"yes", "no", "F"}}
    columns = {name: column.tobytes() for name, column in block.columns.items()}
    older = {"version": 1, "model": "loans", "texts": texts, "columns": columns}
    found = blocks.decode(msgspec.msgpack.encode(older), again)
    assert readable(found, again) == readable(block, codes)


@pytest.mark.parametrize("damage", [{"rows": 1}, {"rows": -1}, {"rows": 10**9}, {"names": ["time"]}])
def test_what_is_packed_must_fit_the_rows(damage: dict[str, object]) -> None:
    codes = Codes()
    record = msgspec.msgpack.decode(blocks.encode(decisions(OLDER, codes), codes))
    with pytest.raises(ValueError, match="cannot be read"):
        blocks.decode(msgspec.msgpack.encode(record | damage), Codes())


def test_what_repeats_takes_little() -> None:
    codes = Codes()
    rows = [(n * 7**20 % 2**64, 1_760_000_000_000 + 9 * n, "yes", "FM"[n % 2]) for n in range(10_000)]
    record = blocks.encode(decisions(rows, codes), codes)
    assert len(record) < 12 * len(rows)  # of 20, 8 of them the hash
