"""The JSON Schema of our events, from the structs that validate them.

`python -m streams.ingest.schema docs/schema` writes the files that the documentation carries.
"""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from monitor.events import Decision, Feedback

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MEANINGS = {
    "id": "The decision's own id: unique for ever, the same when the event is sent again.",
    "decision_id": "The id of the decision that this is about.",
    "model": "The model, by its name in the configuration.",
    "time": "When it happened: Unix seconds, or ISO 8601 (UTC where it has no offset).",
    "decision": "What was decided: a class, true or false, or a number.",
    "score": "The model's number behind the decision.",
    "value": "A numeric decision, such as a price or a limit.",
    "attributes": "Attribute to group; or to a share for each group where the group is only guessed.",
    "slices": "Columns to ask metrics within, such as a region.",
    "features": "What the model saw: numbers or categories.",
    "flags": "Truths: of a decision such as explained, of feedback such as helpful or appealed.",
    "reasons": "Codes of the reasons that were given.",
    "entity": "A pseudonym of the person.",
    "version": "The model's version.",
    "stage": "The stage of a longer process.",
    "outcome": "What really happened: a class, true or false, or a number.",
    "values": "Numbers that came back, such as a rating.",
}
_DECISION_OF_FEEDBACK = "What a human decided in the end."


def documents() -> dict[str, bytes]:
    """The files' contents by their names.

    >>> sorted(documents())
    ['decision.json', 'feedback.json']
    """
    return {
        "decision.json": _encoded(schema(Decision)),
        "feedback.json": _encoded(schema(Feedback)),
    }


def schema(kind: type[Decision] | type[Feedback]) -> dict[str, Any]:
    """One event as JSON Schema, with the meaning of each field."""
    made = msgspec.json.schema(kind)["$defs"][kind.__name__]
    for name, field in made["properties"].items():
        field["description"] = MEANINGS[name]
    if kind is Feedback:
        made["properties"]["decision"]["description"] = _DECISION_OF_FEEDBACK
    return {"$schema": DIALECT, **made}


def _encoded(found: dict[str, Any]) -> bytes:
    return json.dumps(found, indent=2).encode() + b"\n"


def write(folder: Path) -> None:
    """Writes the files."""
    for name, content in documents().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
