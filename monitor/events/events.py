"""Decision and Feedback: the events that apps send, decoded, validated, and turned into columns.

A message holds one event (an object), several (an array), or a batch by columns. Whatever is wrong with
an event, it becomes an `Invalid` that says why; the good events around it count.
"""

import json
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from monitor.arrays.personal import shown
from monitor.events.batches import AT_ONCE, Batch, Runs, Types, rows
from monitor.events.clean import CleanDecoder
from monitor.events.invalid import ERRORS, Invalid, InvalidEventError, explained

LONGEST = 256  # characters of any string
MOST = 1_000_000  # bytes of a message
WIDEST = 200  # entries of a map or list within one event
FEW = 4_096  # bytes of a message that is hardly ever one event
SHORT = 16  # bytes of a part of an array that is not tried again where an equal one was wrong
_NO_OBJECT = frozenset(b"%c" % byte for byte in b'"[-0123456789tfn')  # how JSON begins that is none
DAY_MS = 86_400_000
_OF_BATCHES = frozenset({"columns", "model"})  # what a batch by columns has, of feedback, too
_FIRST = json.JSONDecoder()  # it finds where the first value ends

I64 = npt.NDArray[np.int64]
Numbered = tuple[int, bytes]  # a message with its number
Text = Annotated[str, Meta(max_length=LONGEST)]
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST)]
Scalar = bool | int | float | Text
Share = Annotated[float, Meta(ge=0, le=1)]
Proxy = Annotated[dict[Name, Share], Meta(min_length=1, max_length=WIDEST)]
Codes = Annotated[list[Text], Meta(max_length=WIDEST)]
Part = bytes | msgspec.Raw | dict[str, Any]  # of a message: an event, or a row
Value = TypeVar("Value")
Entries = Annotated[dict[Name, Value], Meta(max_length=WIDEST)]


class Decision(Struct, frozen=True, kw_only=True, gc=False):
    """A model decided about a person. Times are Unix seconds or ISO 8601 (UTC where no offset is given)."""

    id: Name | int
    model: Name
    time: float | Text
    decision: Scalar
    score: float | None = None
    value: float | None = None
    attributes: Entries[Scalar | Proxy | None] = {}
    slices: Entries[Scalar | None] = {}
    features: Entries[Scalar | None] = {}
    flags: Entries[bool | None] = {}
    reasons: Codes = []
    entity: Text | int | None = None
    version: Scalar | None = None
    stage: Scalar | None = None


class Feedback(Struct, frozen=True, kw_only=True, gc=False):
    """What came back for a decision: an outcome, a human's final decision, ratings, flags, attributes."""

    decision_id: Name | int
    time: float | Text
    outcome: Scalar | None = None
    decision: Scalar | None = None
    values: Entries[float | None] = {}
    flags: Entries[bool | None] = {}
    attributes: Entries[Scalar | Proxy | None] = {}


Event = TypeVar("Event", Decision, Feedback)


Result = TypeVar("Result")
Steps = Generator[None, None, Result]  # what they return is whole after the last one


class Batches(Struct, Generic[Event]):
    """What a list of messages held, to be read by column. The batches are in the order of the log."""

    batches: list[Batch[Event]]
    invalid: list[Invalid]
    unknown: dict[str, int]  # fields that we do not know, by name, sampled from each list's first message


class Decoded(Struct, Generic[Event]):
    """What a list of messages held. `records[i]` is the number of the message that held `events[i]`."""

    events: list[Event]
    times: I64  # ms since 1970, by event
    records: list[int]
    invalid: list[Invalid]
    unknown: dict[str, int]  # as in `Batches`


class _Columns(Struct):
    columns: dict[str, list[Any]]
    model: str | None = None


class Decoder(Generic[Event]):
    """Decodes messages of one topic.

    >>> decoded = Decoder(Feedback).decode([b'{"decision_id": "a", "time": 0, "outcome": 1}', b'{'], latest=1)
    >>> decoded.events[0].outcome, decoded.invalid[0].reason
    (1, 'malformed')
    """

    def __init__(self, kind: type[Event]) -> None:
        self.kind: type[Event] = kind
        self._one: msgspec.json.Decoder[Event] = msgspec.json.Decoder(kind)
        self._many = msgspec.json.Decoder(list[msgspec.Raw])
        self._columns = msgspec.json.Decoder(_Columns)
        self._clean = CleanDecoder(kind, LONGEST, WIDEST)
        self._fields = frozenset(kind.__struct_fields__)
        self._required = [each.name for each in msgspec.structs.fields(kind) if each.required]

    def decode(self, messages: Sequence[bytes], latest: int) -> Decoded[Event]:
        """All events of `messages`, one by one. A time after `latest` (ms since 1970) is out of range."""
        found: Batches[Event] = finished(self._steps(messages, latest, widest=0))
        times = [np.zeros(0, np.int64), *(batch.times for batch in found.batches)]
        return Decoded(
            events=[event for batch in found.batches for event in batch.events],
            times=np.concatenate(times),
            records=[record for batch in found.batches for record in batch.records.tolist()],
            invalid=found.invalid,
            unknown=found.unknown,
        )

    def batches(self, messages: Sequence[bytes], latest: int) -> Batches[Event]:
        """All events of `messages`, in as few batches as their order allows; `latest` as in `decode`."""
        return finished(self.batches_in_steps(messages, latest))

    def batches_in_steps(self, messages: Sequence[bytes], latest: int) -> Steps[Batches[Event]]:
        """`batches`, in steps of some milliseconds."""
        return self._steps(messages, latest, WIDEST)

    def _steps(self, messages: Sequence[bytes], latest: int, widest: int) -> Steps[Batches[Event]]:
        runs, invalid = Runs(self.kind, widest), list[Invalid]()
        unknown: list[str] = []
        for start in range(0, len(messages), AT_ONCE):
            if start:
                yield
            some = messages[start : start + AT_ONCE]
            if (events := self._good(some, FEW)) is None:
                for by_column, numbered in groupby(enumerate(some, start), key=_is_by_column):
                    decode = self._decode_columns if by_column else self._decode_others
                    unknown += yield from decode(list(numbered), runs, invalid)
            else:
                runs.add(events, range(start, start + len(some)))
        found = {name[:LONGEST]: 1 for name in [*unknown, *self._unknown(messages[:1])][:WIDEST]}
        return Batches([self._timed(batch, invalid, latest) for batch in runs.close()], invalid, found)

    def _good(self, messages: Sequence[bytes], longest: int) -> list[Event] | None:
        """The events of messages that are one good event each; None where any is not, or is too long."""
        if max(map(len, messages)) > longest:
            return None
        try:
            return list(map(self._one.decode, messages))
        except ERRORS:
            return None

    def _decode_columns(
        self, numbered: Sequence[Numbered], runs: Runs[Event], invalid: list[Invalid]
    ) -> Steps[list[str]]:
        """Messages by columns: together, or, where one of them is not all good, each by itself.

        Returns the columns of the list's first message that we do not know.
        """
        numbers, messages = zip(*numbered, strict=True)
        if clean := self._clean.decode(messages):
            floats: Types = {name: {float} for name in clean.numbers}
            runs.add_columns(clean.columns, np.repeat(np.array(numbers), clean.counts), floats)
            return [] if numbers[0] else clean.unknown
        if len(numbered) == 1:
            return (yield from self._decode_others(numbered, runs, invalid))
        unknown: list[str] = []
        for one in numbered:
            unknown += yield from self._decode_columns([one], runs, invalid)
        return unknown

    def _decode_others(
        self, numbered: Sequence[Numbered], runs: Runs[Event], invalid: list[Invalid]
    ) -> Steps[list[str]]:
        for number, message in numbered:
            yield from self._decode_other(number, message, runs, invalid)
        return []

    def _decode_other(
        self, number: int, message: bytes, runs: Runs[Event], invalid: list[Invalid]
    ) -> Steps[None]:
        """A message of any kind: one event, an array, a batch by columns, or what is none of them."""
        if event := self._good([message], MOST):
            runs.add(event, [number])
            return
        try:
            parts = self._parts(message)
        except InvalidEventError as error:
            invalid.append(Invalid(number, error.reason, error.detail, error.count))
        else:
            yield from self._decode_parts(number, iter(parts), runs, invalid)

    def _decode_parts(
        self, number: int, parts: Iterator[Part], runs: Runs[Event], invalid: list[Invalid]
    ) -> Steps[None]:
        """The parts of a message; of those that cannot count one `Invalid` for each reason."""
        known: dict[bytes, InvalidEventError] = {}
        counts, details = Counter[str](), dict[str, str]()
        while some := [*islice(parts, AT_ONCE)]:
            events, errors = self._events(some, known)
            runs.add(events, [number] * len(events))
            counts.update(error.reason for error in errors)
            details = {error.reason: error.detail for error in reversed(errors)} | details
            yield
        invalid += [Invalid(number, reason, details[reason], count) for reason, count in counts.items()]

    def _parts(self, message: bytes) -> Iterable[Part]:
        if len(message) > MOST:
            raise InvalidEventError("too_large", f"{len(message)} bytes; allowed: at most {MOST}")
        try:
            if message.lstrip()[:1] == b"[":
                return self._many.decode(message)
            if b'"columns"' in message:
                return _rows(self._columns.decode(message), self._required)
        except ERRORS as error:
            raise explained(error) from None
        return [message]

    def _events(
        self, parts: Sequence[Part], known: dict[bytes, InvalidEventError]
    ) -> tuple[list[Event], list[InvalidEventError]]:
        """The good events, and what is wrong with the others; adds to what is `known` to be wrong."""
        events, errors = list[Event](), list[InvalidEventError]()
        for part in parts:
            key = b"" if isinstance(part, dict) else _alike(bytes(part))
            if (error := known.get(key)) is None:
                found = self._event(part)
                if not isinstance(found, InvalidEventError):
                    events.append(found)
                    continue
                error = found
                if 0 < len(key) <= SHORT:
                    known[key] = error
            errors.append(error)
        return events, errors

    def _event(self, part: Part) -> Event | InvalidEventError:
        try:
            return msgspec.convert(part, self.kind) if isinstance(part, dict) else self._one.decode(part)
        except ERRORS as error:
            return explained(error)

    def _unknown(self, messages: Iterable[bytes]) -> list[str]:
        """The fields that we do not know of each message's first event."""
        try:
            found = [name for message in messages for name in _first(message)]
        except ERRORS:
            return []
        return [name for name in found if name not in self._fields | _OF_BATCHES]

    def _timed(self, batch: Batch[Event], invalid: list[Invalid], latest: int) -> Batch[Event]:
        """Gives a batch its times; without the events whose time is out of range."""
        batch.times, bad = _times(batch.column("time"), batch.types("time"), latest)
        records = batch.records.tolist()
        invalid += [Invalid(records[i], error.reason, error.detail) for i, error in bad.items()]
        return batch.take(np.delete(np.arange(len(batch)), list(bad))) if bad else batch


def finished(steps: Steps[Result]) -> Result:
    """What steps return, taken at once."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            found: Result = done.value
            return found


def _first(message: bytes) -> dict[str, Any]:
    """The first event of a message, if it is not long; the columns of a batch are not looked at."""
    start = message.lstrip()
    if start[:1] != b"[":
        return msgspec.json.decode(message[:MOST], type=dict[str, msgspec.Raw])
    text = start[1:FEW].decode(errors="ignore").lstrip()
    try:
        _, end = _FIRST.raw_decode(text)
    except ValueError:
        return {}
    # Read as all else is: json takes half a surrogate pair for text, and nothing could say it on.
    return msgspec.json.decode(text[:end], type=dict[str, msgspec.Raw])


def _is_by_column(numbered: Numbered) -> bool:
    """Whether a message seems to be a batch by columns."""
    message = numbered[1]
    return b'"columns"' in message and len(message) <= MOST


def _times(
    values: Sequence[float | str], found: set[type], latest: int
) -> tuple[I64, dict[int, InvalidEventError]]:
    """Times in ms since 1970, and by place what is wrong with those that are none."""
    if found <= {float}:
        seconds = np.array(values, np.float64)
        good = (seconds >= 0) & (seconds <= latest / 1000)
        times = np.rint(np.where(good, seconds, 0) * 1000).astype(np.int64)
        doubtful = np.flatnonzero(~good).tolist()
    else:
        times, doubtful = np.zeros(len(values), np.int64), list(range(len(values)))
    bad = {}
    for i in doubtful:
        try:
            times[i] = milliseconds(values[i], latest)
        except InvalidEventError as error:
            bad[i] = error
    return times, bad


def milliseconds(time: float | str, latest: int) -> int:
    """Unix seconds or an ISO 8601 string as ms since 1970. Raises InvalidEventError.

    >>> milliseconds("2013-01-01", 2**53), milliseconds(1356998400.5, 2**53)
    (1356998400000, 1356998400500)
    """
    if isinstance(time, str):
        try:
            moment = datetime.fromisoformat(time)
        except ValueError:
            raise InvalidEventError(
                "wrong_type", f"time: {shown(time)}; allowed: Unix seconds or ISO 8601"
            ) from None
        time = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not 0 <= time <= latest / 1000:
        allowed = f"seconds from 0 (1970) to {latest // 1000} (a day from now)"
        raise InvalidEventError("time_out_of_range", f"time: {time}; allowed: {allowed}")
    return round(time * 1000)


def scalar(value: bool | int | float | str) -> str:
    """The one spelling of a class, group or category, however a producer's JSON wrote it.

    >>> scalar(True), scalar(1), scalar(1.0), scalar("Low")
    ('true', '1', '1', 'Low')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def _alike(part: bytes) -> bytes:
    """What parts of an array have in common that are wrong for one reason: all that are no object, and those
    that are equal. To ask of each why would cost microseconds for two bytes."""
    return part[:1] if part[:1] in _NO_OBJECT else part


def _rows(batch: _Columns, required: Iterable[str]) -> Iterator[dict[str, Any]]:
    """A batch by columns as rows, of which few are made at once."""
    lengths = {len(column) for column in batch.columns.values()}
    if len(lengths) != 1:
        raise InvalidEventError("wrong_shape", "columns: of different lengths or none; allowed: one length")
    (count,) = lengths
    model = {} if batch.model is None else {"model": batch.model}
    there = {*model, *(name.partition(".")[0] for name in batch.columns)}
    if count and (missing := [name for name in required if name not in there]):
        raise InvalidEventError("missing_field", f"Object missing required field `{missing[0]}`", count)
    parts = (
        rows({n: c[start : start + AT_ONCE] for n, c in batch.columns.items()}, min(AT_ONCE, count - start))
        for start in range(0, count, AT_ONCE)
    )
    return (model | row for part in parts for row in part)
