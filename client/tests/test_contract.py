"""What the client sends is what Fairlead reads. Skipped where only the client is installed."""

from collections.abc import Callable
from typing import Any

import pytest
from waiting import WAIT

from fairlead_client import Emitter
from fairlead_client.testing import Recorder

events = pytest.importorskip(
    "monitor.events", reason="needs the distribution fairlead, on Python 3.11 or later"
)

LATEST = 2**42  # ms


def sent(recorder: Recorder, topic: str) -> list[bytes]:
    return [message.value for message in recorder.messages if message.topic == topic]


def test_fairlead_reads_every_field(make: Callable[..., Emitter], recorder: Recorder) -> None:
    emitter = make()
    decision: dict[str, Any] = {
        "id": "loan-17",
        "time": 1767225600.123,
        "decision": "approved",
        "score": 0.25,
        "value": 5000.0,
        "attributes": {"sex": "F", "disabled": False, "race": {"black": 0.7, "white": 0.3}},
        "slices": {"region": "north"},
        "features": {"income": 51_000.0, "home": "rent", "insured": True},
        "flags": {"explained": True},
        "reasons": ["R1", "R7"],
        "entity": "4711",
        "version": 3,
        "stage": "champion",
    }
    feedback: dict[str, Any] = {
        "decision_id": "loan-17",
        "time": 1767225601.0,
        "outcome": 1,
        "decision": "declined",
        "values": {"csat": 4.0},
        "flags": {"appealed": False},
        "attributes": {"age_band": "25-45"},
    }
    assert emitter.decision(**decision)
    assert emitter.feedback(**feedback)
    assert emitter.flush(WAIT)
    for topic, kind, expected in (
        ("decisions", events.Decision, {"model": "credit", **decision}),
        ("feedback", events.Feedback, feedback),
    ):
        decoded = events.Decoder(kind).decode(sent(recorder, topic), LATEST)
        [event] = decoded.events
        assert {name: getattr(event, name) for name in expected} == expected
        assert not decoded.invalid
        assert not {name for name in decoded.unknown if name not in ("model", "columns")}


def test_what_the_client_takes_fairlead_takes(make: Callable[..., Emitter], recorder: Recorder) -> None:
    emitter = make(strict=True)
    longest, most = "ä" * 256, [f"name-{n}" for n in range(200)]
    emitter.decision(id=longest, decision=longest, attributes=dict.fromkeys(most, longest))
    emitter.decision(id="a", decision=2**53, reasons=most, features=dict.fromkeys(most, 1e308))
    emitter.decision(id="b", decision=True, attributes={"race": dict.fromkeys(most, 0.005)}, time=0)
    emitter.decision(id="c", decision="", entity=2**70, slices={"a.b": ""}, version="")
    assert emitter.flush(WAIT)
    decoded = events.Decoder(events.Decision).decode(sent(recorder, "decisions"), LATEST)
    assert [invalid.detail for invalid in decoded.invalid] == []
    assert sorted(event.id for event in decoded.events) == sorted([longest, "a", "b", "c"])
