"""What `evaluate` has made durable of a model, as plain data."""

from collections.abc import Mapping
from typing import Any

import cramjam
import msgspec
from msgspec.structs import asdict

from alerts import alert
from alerts.alert import State
from monitor.trials import ledger
from monitor.trials.record import decode
from monitor.trials.trials import BOOKS, STATE
from streams.desk import ALERT
from streams.watched import DETECTORS


def trials_in(record: bytes) -> Any:
    """The state of a model's tests, without the words of its notes."""
    state = decode(record)
    notes = [(note.slice, note.rule, note.attribute) for note in state.notes]
    families = {f"{kept.rule}, {kept.fingerprint}": asdict(kept) for kept in state.families}
    return {"begun": asdict(state.begun), "consumed": state.consumed, "notes": notes, "families": families}


def fed_up_to(items: Mapping[bytes, bytes], model: str) -> dict[str, int | None]:
    """The first slice that was not fed yet to a model's tests and to its detectors; None where none is."""
    tests, detectors = (items.get(place + model.encode()) for place in (STATE, DETECTORS))
    found = dict[str, int | None](tests=None, detectors=None)
    if tests:
        found["tests"] = decode(tests).consumed["decisions"]
    if detectors:
        found["detectors"] = msgspec.msgpack.decode(cramjam.zstd.decompress(detectors))[2]
    return found


def ledger_of(items: Mapping[bytes, bytes], model: str) -> dict[tuple[str, int], Any]:
    """What the tests were fed, by source and slice. Raises AssertionError where a slice was fed twice."""
    books = [v for k, v in items.items() if k.startswith(BOOKS) and k.endswith(b"/" + model.encode())]
    pages = [page for book in books for page in ledger.decode(book)]
    found = {(page.source, page.slice): (sorted(page.rows), sorted(page.numbers)) for page in pages}
    assert len(found) == len(pages), f"{model}: a slice was fed twice"
    return found


def open_alerts(items: Mapping[bytes, bytes]) -> list[tuple[str, str]]:
    """Those that are not resolved, with their states."""
    found = [alert.decode(record) for key, record in items.items() if key.startswith(ALERT)]
    return sorted((each.id, str(each.state)) for each in found if each.state is not State.RESOLVED)
