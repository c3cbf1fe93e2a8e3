"""A credit scoring service that tells Fairlead what it decides: `uvicorn credit_app:serve --factory`.

    curl localhost:8000/applications -H 'content-type: application/json' -d \
      '{"id": "loan-17", "customer": "c-4711", "income": 52000, "debt": 9000, "sex": "F", "age": 31}'
    curl localhost:8000/applications/loan-17/outcome -H 'content-type: application/json' -d '{"repaid": true}'

The scoring needs no web framework; `create_app` puts it behind HTTP with FastAPI.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fairlead_client import Emitter

if TYPE_CHECKING:
    from fastapi import FastAPI


@dataclass
class Application:
    """What an applicant sends. `sex` and `age` are asked for monitoring; the score does not use them."""

    id: str
    customer: str
    income: float
    debt: float
    sex: str | None = None
    age: int | None = None


@dataclass
class Outcome:
    """What became of a loan."""

    repaid: bool


class Credit:
    """The model and its decisions."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter
        self.score = emitter.scores(describe)(probability_of_default)

    def decide(self, application: Application) -> dict[str, Any]:
        """Scores an application, which is a decision for Fairlead, too."""
        risk = self.score(application)
        return {"id": application.id, "approved": approves(risk), "probability_of_default": risk}

    def learn(self, id: str, outcome: Outcome) -> None:
        """The outcome, months later."""
        self._emitter.feedback(decision_id=id, outcome=outcome.repaid)


def probability_of_default(application: Application) -> float:
    """A toy of a model, from 0 to 1."""
    burden = application.debt / max(application.income, 1.0)
    return 1 / (1 + math.exp(3 - 4 * burden))


def approves(risk: float) -> bool:
    """The policy."""
    return risk < 0.2


def describe(risk: float, application: Application) -> dict[str, Any]:
    """The decision event of one call of the model."""
    return {
        "id": application.id,
        "entity": application.customer,
        "decision": "approved" if approves(risk) else "declined",
        "score": risk,
        "attributes": {"sex": application.sex, "age_band": age_band(application.age)},
        "features": {"income": application.income, "debt": application.debt},
        "version": "2026-01",
    }


def age_band(age: int | None) -> str | None:
    """Groups, never the age itself.

    >>> age_band(24), age_band(25), age_band(None)
    ('under 25', '25 to 59', None)
    """
    if age is None:
        return None
    return "under 25" if age < 25 else "25 to 59" if age < 60 else "60 and over"


def create_app(emitter: Emitter) -> FastAPI:
    """The service; it owns the emitter and closes it when it stops."""
    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            # It waits for Kafka, which must not hold up requests that are still being answered.
            await asyncio.to_thread(emitter.close)

    credit = Credit(emitter)
    app = FastAPI(title="Credit", lifespan=lifespan)

    # Emitting only puts the event into a queue, so coroutines may do it.
    @app.post("/applications")
    async def apply(application: Application) -> dict[str, Any]:
        return credit.decide(application)

    @app.post("/applications/{id}/outcome", status_code=204)
    async def outcome(id: str, outcome: Outcome) -> None:
        credit.learn(id, outcome)

    return app


def serve() -> FastAPI:
    """The service with its settings from the environment."""
    return create_app(
        Emitter(
            os.environ.get("KAFKA_BOOTSTRAP", "localhost:9092"),
            model="credit",
            # Ids and customers leave the app as keyed hashes; whatever sends outcomes needs the same key.
            key=os.environ["FAIRLEAD_KEY"],
        )
    )
