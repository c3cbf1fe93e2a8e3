from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

import pytest
from credit_app import Application, Credit, Outcome, create_app
from fairlead_client import Emitter
from fairlead_client.testing import Recorder

Sent = Callable[[str], list[dict[str, Any]]]
LOAN = Application("loan-17", "c-4711", income=52_000, debt=9_000, sex="F", age=31)


def test_an_application_is_a_decision(emitter: Emitter, sent: Sent) -> None:
    answer = Credit(emitter).decide(LOAN)
    assert answer == {
        "id": "loan-17",
        "approved": True,
        "probability_of_default": pytest.approx(0.0905, abs=1e-4),
    }
    [decision] = sent("decisions")
    del decision["time"]
    assert decision == {
        "model": "example",
        "id": "loan-17",
        "entity": "c-4711",
        "decision": "approved",
        "score": answer["probability_of_default"],
        "attributes": {"sex": "F", "age_band": "25 to 59"},
        "features": {"income": 52_000.0, "debt": 9_000.0},
        "version": "2026-01",
    }


def test_a_heavy_debt_is_declined(emitter: Emitter, sent: Sent) -> None:
    Credit(emitter).decide(Application("loan-18", "c-1", income=10_000, debt=20_000))
    [decision] = sent("decisions")
    assert decision["decision"] == "declined"
    assert "attributes" not in decision


def test_the_outcome_is_feedback(emitter: Emitter, sent: Sent) -> None:
    Credit(emitter).learn("loan-17", Outcome(repaid=False))
    [feedback] = sent("feedback")
    del feedback["time"]
    assert feedback == {"decision_id": "loan-17", "outcome": False}


async def post(app: Any, path: str, body: object) -> tuple[int, Any]:
    """A request as a server would hand it on (ASGI); its answer's status and body."""
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "root_path": ""}
    headers = {"headers": [(b"content-type", b"application/json")]}
    answer: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(body).encode()}

    async def send(message: dict[str, Any]) -> None:
        answer.append(message)

    await app({**scope, **headers}, receive, send)
    text = b"".join(message.get("body", b"") for message in answer)
    return answer[0]["status"], json.loads(text or "null")


async def test_the_service_emits_both(emitter: Emitter, sent: Sent) -> None:
    pytest.importorskip("fastapi", reason="the service needs fastapi")
    app = create_app(emitter)
    status, answer = await post(app, "/applications", asdict(LOAN))
    assert (status, answer["approved"]) == (200, True)
    assert await post(app, "/applications/loan-17/outcome", {"repaid": True}) == (204, None)
    assert (await post(app, "/applications", {"id": "loan-18"}))[0] == 422
    assert [event["id"] for event in sent("decisions")] == ["loan-17"]
    assert [event["decision_id"] for event in sent("feedback")] == ["loan-17"]


class Closing(Emitter):
    """Knows which thread closed it."""

    closer: threading.Thread | None = None

    def close(self, timeout: float | None = None) -> bool:
        self.closer = threading.current_thread()
        return super().close(timeout)


async def test_the_service_goes_on_answering_while_the_emitter_closes(recorder: Recorder) -> None:
    pytest.importorskip("fastapi", reason="the service needs fastapi")
    emitter = Closing(model="credit", connect=recorder.connect)
    app = cast(Any, create_app(emitter))
    async with app.router.lifespan_context(app):
        await post(app, "/applications", asdict(LOAN))
    assert emitter.closer not in (None, threading.current_thread())
    assert [event["id"] for event in recorder.events("decisions")] == ["loan-17"]
