"""CSV, JSONL and Parquet files as decision and feedback events, validated like those of a stream."""

import csv
import gzip
import itertools
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from monitor.config import Columns, ConfigError
from monitor.events import Decision, Decoded, Decoder, Event, Feedback, Invalid
from streams.files import mapping

ROWS = 5000  # of one chunk
DELIMITERS = ",;\t|"
KINDS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}

Message = bytes | Invalid  # one event as JSON, or why a row is none
Messages = tuple[Message | None, Message | None]  # a row's decision and its feedback
Numbered = tuple[Messages, float]  # with the share of the file that has been read


class Chunk(Struct, frozen=True):
    """Some rows of a file. `records` of both parts are row numbers, from 1; a CSV's header is not counted.

    `done` is the share of the file that has been read, 0 to 1.
    """

    decisions: Decoded[Decision]
    feedback: Decoded[Feedback]
    done: float


def read(path: Path, model: str, columns: Columns | None, latest: int) -> Iterator[Chunk]:
    """The events of a file, in its order, `ROWS` rows at a time.

    Without `columns` a file uses our own names: JSONL holds events as they are sent to the topics, a CSV or
    Parquet has columns such as `attributes.sex`. A time after `latest` (ms) is out of range. Raises
    ConfigError for a file that cannot be read or lacks a column; a bad row is only `Invalid`.
    """
    source = _SOURCES[_kind(path)]
    rows = enumerate(source(path, model, columns), start=1)
    with _readable(path):
        while some := list(itertools.islice(rows, ROWS)):
            yield _chunk(some, latest)


def _kind(path: Path) -> str:
    name = path.name.removesuffix(".gz")
    kind = KINDS.get(Path(name).suffix)
    if kind is None or (kind == "parquet" and name != path.name):
        allowed = f"a file that ends with {', '.join(KINDS)}, or .gz behind all but the last"
        raise ConfigError("FILE", str(path), allowed)
    return kind


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns what goes wrong with a file into one line."""
    try:
        yield
    except OSError as error:
        raise ConfigError("FILE", str(path), f"a file that can be read ({error.strerror or error})") from None
    except (EOFError, zlib.error) as error:
        raise ConfigError("FILE", str(path), f"a whole file ({error})") from None


def _chunk(rows: Sequence[tuple[int, Numbered]], latest: int) -> Chunk:
    numbers = [number for number, _ in rows]
    decisions, feedback = zip(*(messages for _, (messages, _) in rows), strict=True)
    return Chunk(
        _decoded(Decision, numbers, decisions, latest),
        _decoded(Feedback, numbers, feedback, latest),
        done=rows[-1][1][1],
    )


def _decoded(
    kind: type[Event], numbers: Sequence[int], messages: Sequence[Message | None], latest: int
) -> Decoded[Event]:
    """The events of rows, with the rows' own numbers."""
    numbered = list(zip(numbers, messages, strict=True))
    bodies = [(number, body) for number, body in numbered if isinstance(body, bytes)]
    rows = [number for number, _ in bodies]
    found = Decoder(kind).decode([body for _, body in bodies], latest)
    invalid = [replace(each, record=rows[each.record]) for each in found.invalid]
    invalid += [replace(fault, record=number) for number, fault in numbered if isinstance(fault, Invalid)]
    return replace(found, records=[rows[record] for record in found.records], invalid=invalid)


def _csv(path: Path, model: str, columns: Columns | None) -> Iterator[Numbered]:
    with _readable(path), _opened(path) as (file, done):
        # What is no UTF-8 becomes surrogates, so that only its own row is refused.
        text = TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
        header, rows = _table(path, text)
        columns = _checked(path, header, columns)
        for number, cells in enumerate(rows, start=1):
            yield _of_cells(header, cells, columns, model, number), done()


def sample(path: Path, count: int) -> tuple[list[str], list[list[str]]]:
    """A CSV's header and its first whole rows. Raises ConfigError for a file that is none."""
    if _kind(path) != "csv":
        raise ConfigError("FILE", str(path), "a CSV file, which may end with .gz")
    with _readable(path), _opened(path) as (file, _):
        text = TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
        header, rows = _table(path, text)
        whole = (cells for cells in rows if isinstance(cells, list) and _is_whole(cells, header))
        return header, list(itertools.islice(whole, count))


def _is_whole(cells: list[str], header: list[str]) -> bool:
    """Whether a row has a cell for each column, and is UTF-8 (what is not has become surrogates)."""
    return len(cells) == len(header) and not any("\ud800" <= letter <= "\udfff" for letter in "".join(cells))


def _table(path: Path, text: TextIOWrapper) -> tuple[list[str], Iterator[list[str] | Invalid]]:
    """A CSV's header and rows, whatever delimits them."""
    first = text.readline()
    if not first.strip():
        raise ConfigError("FILE", str(path), "a file with a header")
    delimiter = max(DELIMITERS, key=first.count)
    header = next(csv.reader([first], delimiter=delimiter, skipinitialspace=True))
    return header, _rows(csv.reader(text, delimiter=delimiter, skipinitialspace=True))


def _rows(reader: "Iterator[list[str]]") -> Iterator[list[str] | Invalid]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Invalid(0, "malformed", f"not CSV: {error}")
        else:
            if row:
                yield row


def _of_cells(
    header: list[str], cells: list[str] | Invalid, columns: Columns, model: str, number: int
) -> Messages:
    if isinstance(cells, Invalid):
        return cells, None
    if len(cells) != len(header):
        return Invalid(0, "wrong_shape", f"{len(cells)} cells; allowed: {len(header)}, as the header"), None
    return _of_row(dict(zip(header, cells, strict=True)), columns, model, number)


def _of_row(row: Mapping[str, object], columns: Columns, model: str, number: int) -> Messages:
    row = {**row, mapping.ROW: number}
    returned = mapping.feedback(row, columns)
    return _encoded(mapping.decision(row, columns, model)), None if returned is None else _encoded(returned)


def _encoded(fields: Mapping[str, object]) -> Message:
    try:
        return msgspec.json.encode(fields)
    except (TypeError, ValueError, OverflowError) as error:
        return Invalid(0, "malformed", f"not text: {str(error)[:120]}")


def _jsonl(path: Path, model: str, columns: Columns | None) -> Iterator[Numbered]:
    with _readable(path), _opened(path) as (file, done):
        for number, line in enumerate(filter(bytes.strip, file), start=1):
            yield _own(line) if columns is None else _foreign(line, columns, model, number), done()


class _Kind(Struct):
    decision_id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    columns: dict[str, msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET


def _own(line: bytes) -> Messages:
    """An event of ours, an array of such or a batch by columns; feedback is what has a decision's id."""
    try:
        found = msgspec.json.decode(line, type=_Kind | list[_Kind])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return line, None  # validation says what is wrong
    events = found if isinstance(found, list) else [found]
    is_feedback = any(
        e.decision_id is not msgspec.UNSET or "decision_id" in (e.columns or {}) for e in events
    )
    return (None, line) if is_feedback else (line, None)


def _foreign(line: bytes, columns: Columns, model: str, number: int) -> Messages:
    try:
        row = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Invalid(0, "malformed", f"not a JSON object: {str(error)[:120]}"), None
    return _of_row(row, columns, model, number)


def _parquet(path: Path, model: str, columns: Columns | None) -> Iterator[Numbered]:
    try:
        from pyarrow import ArrowException, parquet
    except ModuleNotFoundError:
        allowed = "Parquet with the extra: pip install 'fairlead[parquet]'"
        raise ConfigError("FILE", str(path), allowed) from None
    with _readable(path):
        try:
            file = parquet.ParquetFile(path)
        except ArrowException as error:
            raise ConfigError("FILE", str(path), f"Parquet ({error})") from None
        columns = _checked(path, file.schema_arrow.names, columns)
        wanted = [name for name in file.schema_arrow.names if name in _outermost(columns)]
        rows = (row for batch in file.iter_batches(ROWS, columns=wanted) for row in batch.to_pylist())
        for number, row in enumerate(rows, start=1):
            yield _of_row(row, columns, model, number), number / file.metadata.num_rows


def _outermost(columns: Columns) -> set[str]:
    """The columns a file is asked for: of "user.sex" also `user`."""
    named = mapping.named(columns).values()
    return {*named, *(column.partition(".")[0] for column in named)}


def _checked(path: Path, header: list[str], columns: Columns | None) -> Columns:
    """The mapping, when all of its columns are there."""
    columns = columns or mapping.columns_of(header)
    for key, column in mapping.named(columns).items():
        if column not in header and column.partition(".")[0] not in header:
            raise ConfigError(f"columns.{key}", column, f"the columns of {path.name}: {', '.join(header)}")
    return columns


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, Callable[[], float]]]:
    """The unpacked bytes of a file, and how much of it has been read."""
    size = max(path.stat().st_size, 1)
    with path.open("rb") as packed:
        file: Any = gzip.GzipFile(fileobj=packed) if path.suffix == ".gz" else packed
        yield file, lambda: min(packed.tell() / size, 1.0)


_SOURCES: dict[str, Callable[[Path, str, Columns | None], Iterator[Numbered]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
}
