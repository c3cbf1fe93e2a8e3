"""The board "Stream health": what arrives, what is refused, how far behind, how large."""

from grafana_foundation_sdk.builders import dashboard, stat, timeseries
from grafana_foundation_sdk.models.dashboard import Dashboard as Board

from dashboards.boards.common import (
    AMBER,
    GREEN,
    RED,
    board,
    figure,
    finished,
    lines,
    query,
    steps,
)

RATE = "$__rate_interval"


def build() -> Board:
    """The board."""
    made = board(
        "fairlead-stream-health", "Stream health", "What arrives, what is refused, and how far behind."
    )
    return finished(
        made.with_row(dashboard.Row("Now"))
        .with_panel(ready())
        .with_panel(arrival())
        .with_panel(behind())
        .with_panel(refused())
        .with_panel(slowest())
        .with_panel(recovering())
        .with_row(dashboard.Row("Traffic"))
        .with_panel(events())
        .with_panel(invalid())
        .with_panel(lag())
        .with_panel(latency())
        .with_panel(oddities())
        .with_panel(waiting())
        .with_row(dashboard.Row("State and machines"))
        .with_panel(table_rows())
        .with_panel(table_bytes())
        .with_panel(clock())
        .with_panel(partitions())
        .with_panel(memory())
        .with_panel(cpu())
    )


def ready() -> stat.Panel:
    asked = query("sum(fairlead_ready)")
    made = figure("Workers ready", "Workers whose state is rebuilt and that read events.", asked)
    return made.thresholds(steps((1, GREEN), below=RED))


def arrival() -> stat.Panel:
    asked = query("time() - max(fairlead_last_arrival_timestamp_seconds)")
    return figure("Last arrival", "Wall time since the last event arrived anywhere.", asked, "s")


def behind() -> stat.Panel:
    made = figure("Behind", "Messages that no worker has read yet.", query("sum(fairlead_consumer_lag)"))
    return made.thresholds(steps((10_000, AMBER), (1_000_000, RED)))


def refused() -> stat.Panel:
    asked = query(f"sum(rate(fairlead_invalid_events_total[{RATE}])) or vector(0)")
    made = figure("Invalid", "Events refused a second.", asked, "eps")
    return made.thresholds(steps((0.001, AMBER)))


def slowest() -> stat.Panel:
    asked = query(f"histogram_quantile(0.99, sum by (le) (rate(fairlead_latency_seconds_bucket[{RATE}])))")
    return figure("Latency, p99", "From an event's arrival in Kafka to its verdict.", asked, "s")


def recovering() -> stat.Panel:
    asked = query("sum(fairlead_assigned_partitions) - sum(fairlead_recovered_partitions)")
    made = figure("Recovering", "Partitions whose state is being rebuilt.", asked)
    return made.thresholds(steps((1, AMBER), below=GREEN))


def events() -> timeseries.Panel:
    asked = query(f"sum by (topic) (rate(fairlead_events_total[{RATE}]))", "{{topic}}")
    return lines("Events", "Valid events a second, by topic.", asked, unit="eps").span(12).height(8)


def invalid() -> timeseries.Panel:
    asked = query(f"sum by (reason) (rate(fairlead_invalid_events_total[{RATE}]))", "{{reason}}")
    said = "Events refused a second; each also goes to the topic of invalid events."
    return lines("Invalid events by reason", said, asked, unit="eps").span(12).height(8)


def lag() -> timeseries.Panel:
    made = lines(
        "Lag",
        "Messages not yet read: of each topic, and of the partition that is furthest behind.",
        query("sum by (topic) (fairlead_consumer_lag)", "{{topic}}"),
        query("max by (topic) (fairlead_consumer_lag)", "{{topic}}, worst partition"),
    )
    return made.span(12).height(8)


def latency() -> timeseries.Panel:
    buckets = f"sum by (le) (rate(fairlead_latency_seconds_bucket[{RATE}]))"
    made = lines(
        "Latency",
        "From an event's arrival in Kafka to its verdict.",
        query(f"histogram_quantile(0.5, {buckets})", "p50"),
        query(f"histogram_quantile(0.9, {buckets})", "p90"),
        query(f"histogram_quantile(0.99, {buckets})", "p99"),
        unit="s",
    )
    return made.span(12).height(8)


def oddities() -> timeseries.Panel:
    counted = {
        "duplicates": "fairlead_duplicate_events_total",
        "conflicts": "fairlead_conflicting_events_total",
        "misrouted": "fairlead_misrouted_events_total",
        "lost": "fairlead_lost_messages_total",
        "unknown fields": "fairlead_unknown_fields_total",
        "undeclared fields": "fairlead_undeclared_fields_total",
        "personal values": "fairlead_personal_values_total",
        "capped names": "fairlead_capped_values_total",
        "counts set aside": "fairlead_set_aside_panes_total",
    }
    asked = [query(f"sum(rate({metric}[{RATE}]))", name) for name, metric in counted.items()]
    said = "Handled and counted: it tells of producers, or of workers with different configurations."
    return lines("Oddities", said, *asked, unit="eps").span(12).height(8)


def waiting() -> timeseries.Panel:
    made = lines(
        "Waiting for the other half",
        "Decisions without an outcome yet, and feedback without its decision.",
        query("sum(fairlead_pending_decisions)", "decisions"),
        query("sum(fairlead_feedback_without_decision)", "feedback"),
    )
    return made.span(12).height(8)


def table_rows() -> timeseries.Panel:
    asked = query("sum by (table) (fairlead_table_rows)", "{{table}}")
    return lines("Rows of the tables", "Over all workers.", asked).span(12).height(8)


def table_bytes() -> timeseries.Panel:
    asked = query("sum by (table) (fairlead_table_bytes)", "{{table}}")
    return lines("Size of the tables", "Over all workers.", asked, unit="bytes").span(12).height(8)


def clock() -> timeseries.Panel:
    asked = query("time() - min by (instance) (fairlead_event_clock_timestamp_seconds)", "{{instance}}")
    said = "How far event time is behind wall time. In a replay this is large, and shrinks."
    return lines("Age of the event clock", said, asked, unit="s").span(12).height(8)


def partitions() -> timeseries.Panel:
    made = lines(
        "Partitions",
        "Held by the workers, and those of them whose state is rebuilt.",
        query("sum by (instance) (fairlead_assigned_partitions)", "{{instance}} holds"),
        query("sum by (instance) (fairlead_recovered_partitions)", "{{instance}} rebuilt"),
    )
    return made.span(12).height(8)


def memory() -> timeseries.Panel:
    asked = query("process_resident_memory_bytes and on (instance) fairlead_ready", "{{instance}}")
    return lines("Memory", "Resident memory of each worker.", asked, unit="bytes").span(12).height(8)


def cpu() -> timeseries.Panel:
    asked = query(f"rate(process_cpu_seconds_total[{RATE}]) and on (instance) fairlead_ready", "{{instance}}")
    return lines("CPU", "Cores used by each worker.", asked, unit="short").span(12).height(8)
