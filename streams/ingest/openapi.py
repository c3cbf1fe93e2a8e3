"""What ingest promises, and the same as an OpenAPI document.

`python -m streams.ingest.openapi docs/openapi.json` writes the file that the documentation carries.
"""

import functools
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from monitor.events import Decision, Feedback
from streams.ingest import schema
from streams.ingest.bodies import MOST

DECISIONS, FEEDBACK, DOCUMENT = "/v1/decisions", "/v1/feedback", "/v1/openapi.json"
PATHS = frozenset({DECISIONS, FEEDBACK, DOCUMENT})
JSON, NDJSON = "application/json", "application/x-ndjson"
ANSWERS = {
    202: "Kafka has the events; `errors` says what is wrong with the others.",
    400: "Nothing is accepted: `errors` says why.",
    401: "The token is missing.",
    403: "The token is wrong.",
    408: "The body takes too long to arrive.",
    413: f"The body is too large, or has more than {MOST:,} events.",
    415: "The body is of another media type, or compressed.",
    429: "Kafka is slower than the events come. Send it again after `Retry-After` seconds.",
    503: "Kafka has not acknowledged. Send it again: what has arrived counts once.",
}
_AGAIN = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
_ASKED = {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "Bearer."}}
_HEADERS = {401: _ASKED, 429: _AGAIN, 503: _AGAIN}


class Error(Struct, frozen=True):
    """What is wrong with an event: its place in the body, from 0; null if it is the whole request."""

    index: int | None
    reason: str
    detail: str


class Answer(Struct, frozen=True):
    """How many events Kafka has, and what is wrong with the others."""

    accepted: int
    errors: list[Error]


@functools.cache
def document() -> bytes:
    """The document, JSON of OpenAPI 3.1.

    >>> json.loads(document())["openapi"]
    '3.1.0'
    """
    return json.dumps(_document(), indent=2).encode() + b"\n"


def _document() -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fairlead ingest",
            "version": "1",
            "description": "For apps without a Kafka client. What is sent twice counts once: all may be tried"
            " again.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": {
            DECISIONS: {"post": _post("Decision", "sendDecisions", "What models decided.")},
            FEEDBACK: {"post": _post("Feedback", "sendFeedback", "What came back for decisions.")},
            DOCUMENT: {"get": _get()},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def _post(event: str, operation: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": operation,
        "summary": summary,
        "requestBody": {"required": True, "content": _content(event)},
        "responses": {str(status): _response(status) for status in ANSWERS},
    }


def _content(event: str) -> dict[str, Any]:
    one = _ref(event)
    several = {"type": "array", "items": one}
    lines = {"type": "string", "description": f"On each line an event: {event}. Blank lines are allowed."}
    return {JSON: {"schema": {"anyOf": [one, several, _ref("Columns")]}}, NDJSON: {"schema": lines}}


def _response(status: int) -> dict[str, Any]:
    found = {"description": ANSWERS[status], "content": {JSON: {"schema": _ref("Answer")}}}
    return found | ({"headers": _HEADERS[status]} if status in _HEADERS else {})


def _get() -> dict[str, Any]:
    answer = {"description": "OpenAPI 3.1.", "content": {JSON: {"schema": {"type": "object"}}}}
    return {
        "operationId": "getDocument",
        "summary": "This document.",
        "security": [],
        "responses": {"200": answer},
    }


def _schemas() -> dict[str, Any]:
    _, ours = msgspec.json.schema_components([Answer], ref_template="#/components/schemas/{name}")
    events = {"Decision": schema.schema(Decision), "Feedback": schema.schema(Feedback)}
    return events | {"Columns": _columns()} | ours


def _columns() -> dict[str, Any]:
    return {
        "type": "object",
        "title": "Columns",
        "description": "Events by columns, all of one length: a field each, or an entry of a map such as"
        " `attributes.sex`. null is a value that is missing.",
        "required": ["columns"],
        "properties": {
            "columns": {"type": "object", "minProperties": 1, "additionalProperties": {"type": "array"}},
            "model": {"type": ["string", "null"], "description": "The model of all."},
        },
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(document())
