"""COMPAS over HTTP to two workers on real Kafka: the published numbers, whatever the bodies' shapes."""

import json
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.files.replay import Record
from tests.kafka.deployment import Deployment, Process, compas, counts, published, reading, ready, total

pytestmark = pytest.mark.kafka

TOKEN = "kP3-x_7.Qz~9+w/1=="
AT_ONCE = 1_000


def post(worker: Process, path: str, body: bytes, kind: str = "application/json") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind}
    request = urllib.request.Request(worker.address + path, data=body, headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status, json.load(answer)


def slices(records: Sequence[Record]) -> Iterator[list[bytes]]:
    for start in range(0, len(records), AT_ONCE):
        yield [record.value for record in records[start : start + AT_ONCE]]


def array(events: list[bytes]) -> bytes:
    return b"[" + b",".join(events) + b"]"


def columns(events: list[bytes]) -> bytes:
    rows = [flat(msgspec.json.decode(event)) for event in events]
    names = sorted({name for row in rows for name in row})
    return msgspec.json.encode({"columns": {name: [row.get(name) for row in rows] for name in names}})


def flat(event: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in event.items():
        inner = {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, dict) else {}
        found |= inner or {name: value}
    return found


def accepted(events: list[bytes]) -> tuple[int, Any]:
    return 202, {"accepted": len(events), "errors": []}


def test_the_published_numbers_by_http(kafka: str, unique: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    more = '[ingest]\ntoken = { file = "token" }\n'
    decisions = [record for record in compas() if not record.feedback]
    feedback = [record for record in compas() if record.feedback]
    with (
        Deployment(kafka, unique, tmp_path, more) as deployment,
        deployment.worker() as one,
        deployment.worker() as two,
    ):
        ready(one, two)
        for events in slices(feedback):
            body = b"\n".join(events)
            assert post(two, "/v1/feedback", body, "application/x-ndjson") == accepted(events)
        for events in slices(decisions):
            assert post(one, "/v1/decisions", array(events)) == accepted(events)
            assert post(two, "/v1/decisions", columns(events)) == accepted(events)
        found = reading((one, two), len(decisions), len(feedback))
        assert counts(found) == published()
        assert total((one, two), "misrouted") == 0
        assert one.stop() == two.stop() == 0
