"""A hostile producer: events in which every name is new."""

from benchmarks.stream.events import Row


def decision(number: int, now: float) -> Row:
    """For one model, and every other one for a model that nobody has configured."""
    name = f"invented-{number}"
    return {
        "id": name,
        "model": "m0" if number % 2 else name,
        "time": now,
        "decision": name,
        "attributes": {"a0": name, name: name},
        "features": {name: name},
        "flags": {name: True},
        "reasons": [name],
        "entity": name,
        "version": name,
        name: name,
    }


def feedback(number: int, now: float) -> Row:
    """About a decision that nobody made, of kinds that nobody knows."""
    name = f"unmade-{number}"
    return {
        "decision_id": name,
        "time": now,
        "outcome": name,
        "decision": name,
        "values": {name: 1.0},
        "flags": {name: True},
        "attributes": {"a0": name, name: name},
        name: name,
    }
