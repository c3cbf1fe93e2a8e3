from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from batch_job import report
from fairlead_client import Emitter, InvalidEventError

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
