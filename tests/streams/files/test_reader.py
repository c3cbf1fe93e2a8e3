"""Files as events: what counts, what is refused and why."""

import gzip
import importlib
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.config import Columns, ConfigError
from monitor.events import Decision, Feedback
from streams.files import reader
from streams.files.reader import Chunk

LATEST = 1_800_000_000_000
COLUMNS = Columns(score="score", outcome="y", outcome_time="y_time", attributes={"sex": "sex"})
HEADER = "id,time,decision,score,sex,y,y_time\n"


def written(folder: Path, text: str | bytes, name: str = "some.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(path: Path, columns: Columns | None = COLUMNS) -> list[Chunk]:
    return list(reader.read(path, "credit", columns, LATEST))


def decisions(chunks: list[Chunk]) -> list[Decision]:
    return [event for chunk in chunks for event in chunk.decisions.events]


def feedback(chunks: list[Chunk]) -> list[Feedback]:
    return [event for chunk in chunks for event in chunk.feedback.events]


def reasons(chunks: list[Chunk]) -> Counter[str]:
    return Counter(i.reason for c in chunks for i in (*c.decisions.invalid, *c.feedback.invalid))


def refusal(path: Path, columns: Columns | None = COLUMNS) -> str:
    with pytest.raises(ConfigError) as caught:
        read(path, columns)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_csv_holds_decisions_and_feedback(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "1,2026-01-01,yes,0.5,F,1,2026-02-01\n2,2026-01-02,no,,M,,\n")
    [chunk] = read(path)
    assert [(d.id, d.model, d.decision, d.score) for d in chunk.decisions.events] == [
        ("1", "credit", "yes", 0.5),
        ("2", "credit", "no", None),
    ]
    assert chunk.decisions.times.tolist() == [1767225600000, 1767312000000]
    assert [(f.decision_id, f.outcome, f.time) for f in chunk.feedback.events] == [("1", "1", "2026-02-01")]
    assert (chunk.decisions.records, chunk.feedback.records, chunk.done) == ([1, 2], [1], 1.0)


BAD_ROWS = {
    "missing_field": ",2026-01-01,yes,0.5,F,,",
    "not_finite": "1,2026-01-01,yes,NaN,F,,",
    "wrong_type": "1,2026-01-01,yes,high,F,,",
    "time_out_of_range": "1,9999-01-01,yes,0.5,F,,",
    "too_long": f"{'x' * 300},2026-01-01,yes,0.5,F,,",
    "wrong_shape": "1,2026-01-01,yes,0.5,F,,,,",
    "malformed": '1,2026-01-01,yes,0.5,"' + "x" * 200_000 + '",,',
}


@pytest.mark.parametrize("reason", BAD_ROWS)
def test_a_bad_row_is_refused_with_its_reason_and_the_others_count(tmp_path: Path, reason: str) -> None:
    good = "{},2026-01-01,yes,0.5,F,,\n"
    path = written(tmp_path, HEADER + good.format("a") + BAD_ROWS[reason] + "\n" + good.format("b"))
    [chunk] = read(path)
    assert [d.id for d in chunk.decisions.events] == ["a", "b"]
    assert [(each.record, each.reason) for each in chunk.decisions.invalid] == [(2, reason)]


def test_bytes_that_are_no_text_cost_only_their_own_row(tmp_path: Path) -> None:
    rows = HEADER.encode() + b"1,2026-01-01,yes,0.5,\xff\xfe,,\n2,2026-01-01,yes,0.5,\xc3\xa9,,\n"
    chunks = read(written(tmp_path, rows))
    assert [d.attributes for d in decisions(chunks)] == [{"sex": "é"}]
    assert reasons(chunks) == {"malformed": 1}


def test_feedback_is_refused_by_itself(tmp_path: Path) -> None:
    chunks = read(written(tmp_path, HEADER + "1,2026-01-01,yes,0.5,F,1,soon\n"))
    assert len(decisions(chunks)) == 1
    assert feedback(chunks) == []
    assert reasons(chunks) == {"wrong_type": 1}


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters(tmp_path: Path, delimiter: str) -> None:
    text = (HEADER + "1,2026-01-01,yes,0.5,F,1,2026-02-01\n").replace(",", delimiter)
    assert decisions(read(written(tmp_path, text)))[0].score == 0.5


def test_a_byte_order_mark_blank_lines_and_windows_line_ends(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf" + (HEADER + "\n1,2026-01-01,yes,0.5,F,,\n\n").replace("\n", "\r\n").encode()
    assert [d.id for d in decisions(read(written(tmp_path, text)))] == ["1"]


def test_quoted_cells_may_hold_line_ends_and_delimiters(tmp_path: Path) -> None:
    chunks = read(written(tmp_path, HEADER + '1,2026-01-01,"yes, but\nlater",0.5,F,,\n'))
    assert decisions(chunks)[0].decision == "yes, but\nlater"


def test_a_packed_file(tmp_path: Path) -> None:
    packed = gzip.compress((HEADER + "1,2026-01-01,yes,0.5,F,,\n").encode())
    assert len(decisions(read(written(tmp_path, packed, "some.csv.gz")))) == 1


def test_our_own_names_need_no_mapping(tmp_path: Path) -> None:
    text = "id,time,decision,attributes.sex,features.income,outcome\n1,2026-01-01,yes,F,30,1\n"
    chunks = read(written(tmp_path, text), None)
    assert decisions(chunks)[0].attributes == {"sex": "F"}
    assert decisions(chunks)[0].features == {"income": 30}
    assert feedback(chunks)[0].outcome == "1"


def test_jsonl_of_our_own_events(tmp_path: Path) -> None:
    lines = [
        '{"id": "1", "model": "credit", "time": 1, "decision": true, "attributes": {"sex": "F"}}',
        '{"decision_id": "1", "time": 2, "outcome": true}',
        '[{"id": "2", "model": "m", "time": 1, "decision": 0}, {"id": 3, "model": "m", "time": 1, "decision": 1}]',  # noqa: E501
        '{"columns": {"decision_id": ["2", "3"], "time": [3, 4], "outcome": [1, 0]}}',
        '{"model": "m", "columns": {"id": ["4"], "time": [3], "decision": ["x"], "attributes.sex": ["M"]}}',
        '{"id": "5", "model": "credit", "time": 1, "decision": true, "features": {"decision_id": 9}}',
        '{"id": "6", "model"',
        "",
        '{"id": "7", "model": "credit", "time": 1, "decision": true, "score": 1e999}',
    ]
    chunks = read(written(tmp_path, "\n".join(lines), "some.jsonl"), None)
    assert [d.id for d in decisions(chunks)] == ["1", "2", 3, "4", "5"]
    assert [f.decision_id for f in feedback(chunks)] == ["1", "2", "3"]
    assert reasons(chunks) == {"malformed": 1, "not_finite": 1}
    assert {each.record for each in chunks[0].decisions.invalid} == {7, 8}


def test_jsonl_of_another_shape(tmp_path: Path) -> None:
    lines = '{"case": 7, "at": "2026-01-01", "result": {"label": "yes"}, "y": false}\n[1]\n{"case": 8\n'
    columns = Columns(id="case", time="at", decision="result.label", outcome="y")
    chunks = read(written(tmp_path, lines, "some.ndjson"), columns)
    assert [(d.id, d.decision) for d in decisions(chunks)] == [(7, "yes")]
    assert [f.outcome for f in feedback(chunks)] == [False]
    assert reasons(chunks) == {"malformed": 2}


def test_large_files_come_in_chunks(tmp_path: Path) -> None:
    rows = "".join(f"{i},2026-01-01,yes,0.5,F,,\n" for i in range(2 * reader.ROWS + 1))
    chunks = read(written(tmp_path, HEADER + rows))
    assert [len(chunk.decisions.events) for chunk in chunks] == [reader.ROWS, reader.ROWS, 1]
    assert chunks[2].decisions.records == [2 * reader.ROWS + 1]
    shares = [chunk.done for chunk in chunks]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_mapped_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "id,time,decision\n1,2026-01-01,yes\n")
    assert refusal(path) == (
        "columns.score: 'score' is not allowed; allowed: the columns of some.csv: id, time, decision"
    )


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        (
            "some.xls",
            "",
            "a file that ends with .csv, .jsonl, .ndjson, .parquet, or .gz behind all but the last",
        ),
        ("some.csv", "", "a file with a header"),
        ("some.csv.gz", "no gzip", "a file that can be read (Not a gzipped file (b'no'))"),
        ("some.csv.gz", gzip.compress(b"x" * 100_000, mtime=0)[:50], "a whole file"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, text: str | bytes, allowed: str) -> None:
    message = refusal(written(tmp_path, text, name))
    assert message.startswith("FILE: ")
    assert allowed in message


def test_a_file_that_is_not_there() -> None:
    assert refusal(Path("nowhere.csv")) == (
        "FILE: 'nowhere.csv' is not allowed; allowed: a file that can be read (No such file or directory)"
    )


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "some.csv").mkdir()
    assert "a file that can be read (Is a directory)" in refusal(tmp_path / "some.csv")


def test_parquet_without_its_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = refusal(written(tmp_path, b"", "some.parquet"))
    assert message.endswith("allowed: Parquet with the extra: pip install 'fairlead[parquet]'")


def test_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="the extra fairlead[parquet] is not installed")
    parquet = importlib.import_module("pyarrow.parquet")
    table = arrow.table(
        {
            "id": [1, 2, 3],
            "time": [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)],
            "decision": [True, False, True],
            "score": [0.5, float("nan"), None],
            "sex": ["F", None, "M"],
            "y": [1.0, 0.0, None],
            "y_time": [datetime(2026, 2, 1, tzinfo=UTC)] * 3,
            "not asked for": [b"\xff"] * 3,
        }
    )
    parquet.write_table(table, tmp_path / "some.parquet")
    chunks = read(tmp_path / "some.parquet")
    assert [(d.id, d.decision, d.score, d.attributes) for d in decisions(chunks)] == [
        (1, True, 0.5, {"sex": "F"}),
        (3, True, None, {"sex": "M"}),
    ]
    assert [(f.decision_id, f.outcome) for f in feedback(chunks)] == [(1, 1.0), (2, 0.0)]
    assert reasons(chunks) == {"not_finite": 1}
    assert chunks[-1].done == 1.0


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the extra fairlead[parquet] is not installed")
    assert "allowed: Parquet (" in refusal(written(tmp_path, b"PAR?", "some.parquet"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", "decision\nyes\n\nno\n"),
        ("x.jsonl", '{"decision": "yes"}\n\n{"decision": "no"}\n'),
        ("named.csv", "#,decision\n7,yes\n7,no\n"),
        ("named.jsonl", '{"#": 7, "decision": "yes"}\n{"#": 7, "decision": "no"}\n'),
    ],
)
def test_the_number_of_the_row_stands_for_an_id_and_a_time(tmp_path: Path, name: str, text: str) -> None:
    found = decisions(read(written(tmp_path, text, name), Columns(id="#", time="#")))
    assert [(d.id, d.time, d.decision) for d in found] == [(1, 1, "yes"), (2, 2, "no")]


def test_a_sample_is_of_whole_rows_of_text(tmp_path: Path) -> None:
    path = written(tmp_path, b"a;b\n1;2\n3\n\xff;4\n5;6\n7;8\n")
    assert reader.sample(path, 2) == (["a", "b"], [["1", "2"], ["5", "6"]])
    with pytest.raises(ConfigError, match="a CSV file"):
        reader.sample(written(tmp_path, "{}", "x.jsonl"), 2)
