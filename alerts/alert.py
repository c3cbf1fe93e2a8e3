"""An alert as plain data: what `evaluate` makes durable and emits, and `notify` acts on."""

from enum import StrEnum

from msgspec import Struct

from monitor import records
from monitor.config import Severity
from monitor.events.exposed import Exposure
from monitor.readings import Comparison, Drift

Evidence = Comparison | Drift | Exposure


class State(StrEnum):
    """Where an alert stands. `resolved` is also where every alert begins, unseen."""

    PENDING = "pending"  # a breach, not yet for as long as the rule's `for`
    FIRING = "firing"
    RESOLVED = "resolved"


class Alert(Struct, frozen=True, kw_only=True):
    """One alert's state.

    `id` is the same for the same (model, rule, attribute, group or stream) for ever; `sequence` grows by one
    with each change of state, so that (id, sequence) names a notification. `since` and `changed` are
    event times in ms. `evidence` is the reading that last changed the state.
    """

    id: str
    sequence: int
    state: State
    model: str
    rule: str
    severity: Severity
    since: int
    changed: int
    evidence: Evidence
    episode: int = 0  # counts the firings: "the third time"
    fired: bool = False  # whether this breach has fired: one that ends while pending is never told
    note: str = ""  # why it was resolved when no reading said so: "the rule was removed"


def encode(alert: Alert) -> bytes:
    """The alert as a record for Kafka."""
    return records.encode(alert)


def decode(data: bytes) -> Alert:
    """The alert in a record. Raises ValueError for a record of a newer Fairlead or a damaged one."""
    return records.decode(data, Alert)
