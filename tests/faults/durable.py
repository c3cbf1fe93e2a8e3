"""What `evaluate` has made durable of a model, as plain data."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from alerts import alert
from alerts.alert import State
from monitor.trials import ledger
from monitor.trials.record import decode
from monitor.trials.trials import BOOKS
from streams.desk import ALERT


def trials_in(record: bytes) -> Any:
    """The state of a model's tests, without the words of its notes."""
    state = decode(record)
    notes = [(note.slice, note.rule, note.attribute) for note in state.notes]
    families = {f"{kept.rule}, {kept.fingerprint}": asdict(kept) for kept in state.families}
    return {"begun": asdict(state.begun), "consumed": state.consumed, "notes": notes, "families": families}


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
