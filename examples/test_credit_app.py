from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from credit_app import Application, Credit, Outcome, create_app
from fairlead_client import Emitter

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


async def test_the_service_emits_both(emitter: Emitter, sent: Sent) -> None:
    pytest.importorskip("fastapi", reason="the service needs fastapi")
    app = cast(Any, create_app(emitter))
    endpoints = {route.name: route.endpoint for route in app.routes}
    assert (await endpoints["apply"](LOAN))["approved"]
    await endpoints["outcome"]("loan-17", Outcome(repaid=True))
    assert [event["id"] for event in sent("decisions")] == ["loan-17"]
    assert [event["decision_id"] for event in sent("feedback")] == ["loan-17"]
