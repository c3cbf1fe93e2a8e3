from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from batch_job import BATCH, report
from fairlead_client import Emitter, Failure, InvalidEventError
from fairlead_client.batch import Message
from fairlead_client.testing import Recorder

Sent = Callable[[str], list[dict[str, Any]]]
FILE = """id,time,score,invited,sex
a,2026-01-01T09:00:00+00:00,0.75,yes,F
b,2026-01-01T11:00:00+01:00,0.25,no,
"""


def rows(text: str) -> csv.DictReader[str]:
    return csv.DictReader(io.StringIO(text))


def test_every_row_is_a_decision(emitter: Emitter, sent: Sent) -> None:
    assert report(rows(FILE), emitter) == 2
    first = {"model": "example", "id": "a", "time": 1767258000.0, "decision": True, "score": 0.75}
    second = {"model": "example", "id": "b", "time": 1767261600.0, "decision": False, "score": 0.25}
    assert sent("decisions") == [{**first, "attributes": {"sex": "F"}}, second]


def test_a_time_without_an_offset_stops_the_job(emitter: Emitter) -> None:
    with pytest.raises(InvalidEventError, match=r"^time: "):
        report(rows(FILE.replace("+00:00", "")), emitter)


def test_a_kafka_that_is_down_ends_the_job_before_the_queue_is_full(
    emitter: Emitter, recorder: Recorder
) -> None:
    recorder.error = ConnectionError("down")
    [row, _] = rows(FILE)
    given: list[str] = []

    def candidates() -> Iterator[dict[str, str]]:
        while True:
            given.append(str(len(given)))
            yield {**row, "id": given[-1]}

    with pytest.raises(SystemExit, match=r"^not all events were delivered: "):
        report(candidates(), emitter, patience=0.1)
    assert len(given) == BATCH
    emitter.close(timeout=0)


class Tiny(Recorder):
    """Takes nothing."""

    def deliver(self, messages: Sequence[Message], left: Callable[[], float]) -> list[Failure]:  # noqa: ARG002
        return [Failure(message, ValueError("too large"), too_large=True) for message in messages]


def test_an_event_that_kafka_refuses_fails_the_job() -> None:
    with (
        Emitter(model="example", connect=Tiny().connect, strict=True) as emitter,
        pytest.raises(SystemExit, match="'refused': 2"),
    ):
        report(rows(FILE), emitter)
