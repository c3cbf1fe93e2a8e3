"""The decorator."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from waiting import WAIT

from fairlead_client import Emitter, InvalidEventError
from fairlead_client.testing import Recorder

Make = Callable[..., Emitter]


def constant(*_: Any) -> float:
    return 0.05


def describe(result: float, loan: dict[str, Any], *, model: str = "credit") -> dict[str, Any]:
    return {
        "id": loan["id"],
        "model": model,
        "time": 0,
        "decision": result < 0.1,
        "score": result,
        "attributes": {"sex": loan["sex"]},
    }


LOAN = {"id": "loan-17", "sex": "F"}
EVENT = {"id": "loan-17", "time": 0.0, "decision": True, "score": 0.05, "attributes": {"sex": "F"}}


def test_every_call_of_a_function_is_a_decision(make: Make, recorder: Recorder) -> None:
    emitter = make()

    @emitter.scores(describe)
    def risk(loan: dict[str, Any], *, model: str = "credit") -> float:
        """Its docstring."""
        return 0.05

    assert risk(LOAN, model="risk-2") == 0.05
    assert (risk.__name__, risk.__doc__) == ("risk", "Its docstring.")
    assert emitter.flush(WAIT)
    assert recorder.events("decisions") == [{"model": "risk-2", **EVENT}]


async def test_so_is_every_call_of_a_coroutine_function(make: Make, recorder: Recorder) -> None:
    emitter = make()

    @emitter.scores(describe)
    async def risk(loan: dict[str, Any]) -> float:
        return 0.05

    assert asyncio.iscoroutinefunction(risk)
    assert await risk(LOAN) == 0.05
    assert await asyncio.to_thread(emitter.flush, WAIT)
    assert recorder.events("decisions") == [{"model": "credit", **EVENT}]


def test_a_function_that_raises_decides_nothing(make: Make, recorder: Recorder) -> None:
    emitter = make()

    @emitter.scores(describe)
    def risk(loan: dict[str, Any]) -> float:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        risk(LOAN)
    assert emitter.stats["accepted"] == 0


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, "error"),
        ({"id": "a", "decision": True, "colour": "red"}, "error"),
        ({"id": "a", "decision": 0.5}, "invalid"),
    ],
)
def test_a_bad_description_never_reaches_the_caller(
    make: Make, caplog: pytest.LogCaptureFixture, fields: dict[str, Any], kind: str
) -> None:
    emitter = make()

    @emitter.scores(lambda result, secret: fields)
    def risk(secret: str) -> float:
        return 0.05

    assert risk("Ada Lovelace") == 0.05
    assert emitter.stats[kind] == 1
    assert "Ada" not in caplog.text


def test_a_description_that_raises_is_located_in_the_log(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    emitter = make()
    risk = emitter.scores(lambda result, loan: {"id": loan["ID"]})(constant)
    assert risk({"id": "a"}) == 0.05
    assert "error: KeyError in " in caplog.text
    assert "test_scores.py, line" in caplog.text


def test_strict_raises_what_is_wrong_once(make: Make) -> None:
    emitter = make(strict=True)
    risk = emitter.scores(lambda result: {"id": "a", "decision": None})(constant)
    with pytest.raises(InvalidEventError):
        risk()
    assert emitter.stats["invalid"] == 1
