"""The metrics of ``/metrics``: name, type, unit, labels and meaning, one entry each.

docs/metrics.md holds the same table; a test keeps the two together.
"""

from typing import Literal, NamedTuple

Kind = Literal["gauge", "counter", "histogram"]


class Spec(NamedTuple):
    """A metric family. A counter's name is given with its `_total`."""

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    help: str


_WINDOW = ("model", "window")
_GROUP = (*_WINDOW, "attribute", "group")
_RATE = (*_GROUP, "metric")
_GAP = (*_GROUP, "reference", "metric", "compare")
_DRIFT = (*_WINDOW, "measure", "stream")

DECISIONS = Spec("fairlead_decisions", "gauge", "decisions", _WINDOW, "Decisions in the window.")
FEEDBACK = Spec("fairlead_feedback", "gauge", "events", _WINDOW, "Decisions of the window with an outcome.")
AS_OF = Spec(
    "fairlead_as_of_timestamp_seconds",
    "gauge",
    "seconds since 1970",
    _WINDOW,
    "Event time that the window ends at.",
)
GROUP_DECISIONS = Spec(
    "fairlead_group_decisions", "gauge", "decisions", _GROUP, "Decisions about a group in the window."
)
COVERAGE = Spec("fairlead_coverage", "gauge", "share", _GROUP, "Share of decisions whose outcome has come.")
RATE = Spec("fairlead_rate", "gauge", "share", _RATE, "A rate of a group; absent while it is undefined.")
RATE_LOW = Spec(
    "fairlead_rate_low", "gauge", "share", _RATE, "Lower end of the rate's pointwise 95 % interval."
)
RATE_HIGH = Spec(
    "fairlead_rate_high", "gauge", "share", _RATE, "Upper end of the rate's pointwise 95 % interval."
)
RATE_DECISIONS = Spec("fairlead_rate_decisions", "gauge", "decisions", _RATE, "Denominator of the rate.")
GAP = Spec(
    "fairlead_gap",
    "gauge",
    "share or ratio",
    _GAP,
    "A group's rate minus (compare=difference) or over (ratio) the reference's.",
)
GAP_LOW = Spec(
    "fairlead_gap_low", "gauge", "share or ratio", _GAP, "Lower end of the gap's pointwise 95 % interval."
)
GAP_HIGH = Spec(
    "fairlead_gap_high", "gauge", "share or ratio", _GAP, "Upper end of the gap's pointwise 95 % interval."
)
GAP_LIMIT = Spec(
    "fairlead_gap_limit",
    "gauge",
    "share or ratio",
    (*_GAP, "rule", "bound"),
    "A rule's limit of the gap (bound=min or max).",
)
VERDICT = Spec(
    "fairlead_verdict",
    "gauge",
    "0 or 1",
    (*_GAP, "rule", "verdict"),
    "1 for the verdict that holds, 0 for the others.",
)
DRIFT = Spec(
    "fairlead_drift",
    "gauge",
    "the measure's",
    _DRIFT,
    "A distance to the baseline, or the number of changes found.",
)
DRIFT_LOW = Spec(
    "fairlead_drift_low", "gauge", "the measure's", _DRIFT, "Lower end of the distance's interval."
)
DRIFT_HIGH = Spec(
    "fairlead_drift_high", "gauge", "the measure's", _DRIFT, "Upper end of the distance's interval."
)
DRIFT_LIMIT = Spec(
    "fairlead_drift_limit", "gauge", "the measure's", (*_DRIFT, "rule"), "A rule's limit of the drift."
)
DRIFT_VERDICT = Spec(
    "fairlead_drift_verdict",
    "gauge",
    "0 or 1",
    (*_DRIFT, "rule", "verdict"),
    "1 for the verdict that holds, 0 for the others.",
)
DRIFT_CHANGED = Spec(
    "fairlead_drift_changed_timestamp_seconds",
    "gauge",
    "seconds since 1970",
    _DRIFT,
    "Event time of the newest change found.",
)
CAUTION = Spec(
    "fairlead_caution",
    "gauge",
    "1",
    (*_GROUP, "reference", "kind"),
    "Outcomes come selectively, or later for some groups: metrics that rest on them mislead.",
)
TEST_RESTARTS = Spec(
    "fairlead_test_restarts_total",
    "counter",
    "restarts",
    ("model", "rule", "attribute", "reason"),
    "Sequential tests that began anew, or later than others (reason=corrected, edited or new_group).",
)
ALERTS = Spec(
    "fairlead_alerts",
    "gauge",
    "alerts",
    ("model", "rule", "severity", "state"),
    "Alerts in a state (pending, firing, resolved).",
)
EVENTS = Spec("fairlead_events_total", "counter", "events", ("topic",), "Valid events read.")
INVALID = Spec("fairlead_invalid_events_total", "counter", "events", ("reason",), "Events refused.")
UNKNOWN_FIELDS = Spec("fairlead_unknown_fields_total", "counter", "fields", (), "Fields that no event has.")
DUPLICATES = Spec(
    "fairlead_duplicate_events_total", "counter", "events", (), "Events that were there already."
)
CONFLICTS = Spec(
    "fairlead_conflicting_events_total", "counter", "events", (), "Events that differ from the one kept."
)
MISROUTED = Spec(
    "fairlead_misrouted_events_total", "counter", "events", (), "Events sent on to their own partition."
)
LOST = Spec(
    "fairlead_lost_messages_total",
    "counter",
    "messages",
    ("topic",),
    "Messages that Kafka dropped before they were read.",
)
UNDECLARED = Spec(
    "fairlead_undeclared_fields_total",
    "counter",
    "fields",
    ("model",),
    "Fields of events that the configuration does not declare, at least.",
)
PERSONAL = Spec(
    "fairlead_personal_values_total",
    "counter",
    "values",
    ("model",),
    "Values of events that look personal, at least.",
)
CAPPED = Spec(
    "fairlead_capped_values_total", "counter", "values", (), "Names beyond a cap, counted as __other__."
)
SET_ASIDE = Spec(
    "fairlead_set_aside_panes_total",
    "counter",
    "panes",
    ("model",),
    "Counts of a slice that another configuration cut; not used.",
)
ORPHANS = Spec(
    "fairlead_feedback_without_decision", "gauge", "events", (), "Feedback whose decision has not come."
)
PENDING = Spec(
    "fairlead_pending_decisions", "gauge", "decisions", (), "Decisions held whose outcome has not come."
)
LAG = Spec("fairlead_consumer_lag", "gauge", "messages", ("topic", "partition"), "Messages not yet read.")
TABLE_ROWS = Spec("fairlead_table_rows", "gauge", "rows", ("table",), "Rows of a durable table.")
TABLE_BYTES = Spec("fairlead_table_bytes", "gauge", "bytes", ("table",), "Bytes of a durable table.")
ASSIGNED = Spec(
    "fairlead_assigned_partitions", "gauge", "partitions", (), "Partitions that this worker holds."
)
RECOVERED = Spec(
    "fairlead_recovered_partitions", "gauge", "partitions", (), "Partitions held whose state is rebuilt."
)
LAST_ARRIVAL = Spec(
    "fairlead_last_arrival_timestamp_seconds",
    "gauge",
    "seconds since 1970",
    (),
    "Wall time at which the last event arrived.",
)
CLOCK = Spec(
    "fairlead_event_clock_timestamp_seconds",
    "gauge",
    "seconds since 1970",
    (),
    "Event time up to which everything has come.",
)
LATENCY = Spec(
    "fairlead_latency_seconds", "histogram", "seconds", (), "From an event's arrival in Kafka to its verdict."
)
READY = Spec("fairlead_ready", "gauge", "0 or 1", (), "Whether the worker is ready.")
BUILD = Spec("fairlead_build_info", "gauge", "1", ("version",), "The version that runs.")

METRICS: tuple[Spec, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Spec))
