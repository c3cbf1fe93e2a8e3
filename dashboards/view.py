"""What the dashboards look at: a worker's present state, read when somebody asks.

`streams` gives a `View`; the exporter, the page and the JSON interface read it. Nothing here is a
second copy of state.
"""

from typing import Protocol

from msgspec import Struct, field

from monitor.config import Model
from monitor.events.exposed import Exposure
from monitor.readings import Comparison, Drift, Reading

LATENCY_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class AlertView(Protocol):
    """What is shown of an alert; `alerts.alert.Alert` is one."""

    @property
    def id(self) -> str: ...
    @property
    def sequence(self) -> int: ...
    @property
    def state(self) -> str: ...  # "pending", "firing" or "resolved"
    @property
    def model(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def since(self) -> int: ...  # event time in ms
    @property
    def changed(self) -> int: ...  # event time in ms
    @property
    def evidence(self) -> Comparison | Drift | Exposure: ...
    @property
    def episode(self) -> int: ...  # counts the firings
    @property
    def fired(self) -> bool: ...  # False for a breach that ended while it was pending
    @property
    def note(self) -> str: ...  # why it was resolved when no reading said so


class Latency(Struct, frozen=True):
    """How long events took from arrival in Kafka to an updated verdict, in seconds.

    `counts[i]` events took at most `bounds[i]` and more than the bound before; the last count is of
    those above all bounds, so that `len(counts) == len(bounds) + 1`. `total` is the sum of all times.
    """

    bounds: tuple[float, ...] = LATENCY_BOUNDS
    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))
    total: float = 0.0


class Table(Struct, frozen=True):
    """The size of a durable table's part on this worker."""

    rows: int
    bytes: int


class Health(Struct, frozen=True, kw_only=True):
    """How the stream does, as far as this worker sees it.

    Counts are since the worker started. `lag` is by topic and partition, in messages, of the
    partitions that this worker holds now. `last_arrival` is a wall time in seconds since 1970, `clock`
    the event time in ms up to which everything has come.
    """

    ready: bool
    reason: str = ""  # why it is not ready
    version: str = ""
    events: dict[str, int] = {}  # valid events, by topic
    invalid: dict[str, int] = {}  # by reason
    unknown_fields: dict[str, int] = {}  # fields that no event has; by name, capped by the reader
    duplicates: int = 0  # events that were there already
    conflicts: int = 0  # events that differ from the one that was there
    misrouted: int = 0  # events that were sent on to their own partition
    lost: dict[str, int] = {}  # messages that Kafka dropped before they were read, by topic
    undeclared: dict[str, int] = {}  # fields that nobody declared, by model
    personal: dict[str, int] = {}  # values that look personal, by model
    capped: int = 0  # group, model and feature names beyond the caps, counted as `__other__`
    set_aside: dict[str, int] = {}  # counts that another configuration cut and that are not used, by model
    orphans: int = 0  # feedback that is held and whose decision has not come
    pending: int = 0  # decisions that are held and whose outcome has not come
    lag: dict[str, dict[int, int]] = {}
    tables: dict[str, Table] = {}
    assigned: int = 0  # partitions that this worker holds
    recovered: int = 0  # those of them whose state is rebuilt
    last_arrival: float | None = None
    clock: int | None = None
    latency: Latency = field(default_factory=Latency)


class View(Protocol):
    """A worker's present state. Each call reads it anew, and is cheap."""

    def readings(self) -> list[Reading]: ...
    def alerts(self) -> list[AlertView]: ...
    def health(self) -> Health: ...
    def models(self) -> dict[str, Model]: ...
