"""``/metrics`` for Prometheus: values are read from the view when somebody scrapes.

Nothing is kept between scrapes, so that models and partitions that moved to another worker vanish
with the next one. What does not exist (an undefined rate, an unknown time) is absent, never 0.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from dashboards import metrics
from dashboards.metrics import METRICS, Spec
from dashboards.suppression import PublicAlert, Seen
from dashboards.view import Health, Latency
from monitor.readings import Comparison, Drift, Group, Reading, Verdict

Labels = tuple[str, ...]
Sample = tuple[Spec, Labels, float | None]
VERDICTS = tuple(Verdict)


def registry(see: Callable[[], Seen]) -> CollectorRegistry:
    """A registry of its own with the metrics of what is seen, and those of the process."""
    made = CollectorRegistry()
    made.register(FairleadCollector(see))
    ProcessCollector(registry=made)
    return made


class FairleadCollector(Collector):
    """What everybody may see as metric families (docs/metrics.md); `see` is called at each scrape."""

    def __init__(self, see: Callable[[], Seen]) -> None:
        self._see = see

    def describe(self) -> Iterable[Metric]:
        return []  # registering reads nothing

    def collect(self) -> Iterator[Metric]:
        seen = self._see()
        found: dict[Spec, dict[Labels, float]] = {spec: {} for spec in METRICS}
        samples = chain(of_readings(seen.readings), of_alerts(seen.alerts), of_health(seen.health))
        for spec, labels, value in samples:
            if value is not None:
                found[spec][labels] = value
        yield from (family(spec, values) for spec, values in found.items() if values)
        yield latency(seen.health.latency)


def family(spec: Spec, values: dict[Labels, float]) -> Metric:
    """A family with its samples."""
    made = CounterMetricFamily if spec.kind == "counter" else GaugeMetricFamily
    metric = made(spec.name, spec.help, labels=spec.labels)
    for labels, value in values.items():
        metric.add_metric(labels, value)
    return metric


def latency(seen: Latency) -> Metric:
    """The latency histogram; its buckets are cumulative."""
    metric = HistogramMetricFamily(metrics.LATENCY.name, metrics.LATENCY.help, labels=())
    ends = [*map(str, seen.bounds), "+Inf"]
    cumulative = [sum(seen.counts[: place + 1]) for place in range(len(ends))]
    metric.add_metric((), list(zip(ends, cumulative, strict=True)), seen.total)
    return metric


def of_readings(readings: Iterable[Reading]) -> Iterator[Sample]:
    """Everything that the readings carry."""
    for reading in readings:
        where = (reading.model, reading.window)
        yield metrics.DECISIONS, where, reading.decisions
        yield metrics.FEEDBACK, where, reading.feedback
        yield metrics.AS_OF, where, _seconds(reading.as_of)
        for name, attribute in reading.attributes.items():
            for label, group in attribute.groups.items():
                yield from _group((*where, name, label), group)
            yield from chain.from_iterable(_comparison(where, c) for c in attribute.comparisons)
        yield from chain.from_iterable(_comparison(where, c) for c in reading.composites)
        yield from chain.from_iterable(_drift(where, d) for d in reading.drift)
        for r in reading.restarts:
            yield metrics.TEST_RESTARTS, (reading.model, r.rule, r.attribute, r.reason), r.times
        for c in reading.cautions:
            yield metrics.CAUTION, (*where, c.attribute or "", c.group or "", c.reference or "", c.kind), 1


def _group(where: Labels, group: Group) -> Iterator[Sample]:
    yield metrics.GROUP_DECISIONS, where, group.n
    yield metrics.COVERAGE, where, group.coverage
    for name, rate in group.rates.items():
        labels = (*where, name)
        yield metrics.RATE, labels, rate.value
        yield metrics.RATE_LOW, labels, rate.low
        yield metrics.RATE_HIGH, labels, rate.high
        yield metrics.RATE_DECISIONS, labels, rate.n


def _comparison(where: Labels, c: Comparison) -> Iterator[Sample]:
    labels = (*where, c.attribute, c.group, c.reference or "", c.metric, c.compare)
    yield metrics.GAP, labels, c.value
    yield metrics.GAP_LOW, labels, c.low
    yield metrics.GAP_HIGH, labels, c.high
    yield metrics.GAP_LIMIT, (*labels, c.rule or "", "min"), c.min
    yield metrics.GAP_LIMIT, (*labels, c.rule or "", "max"), c.max
    for verdict in VERDICTS:
        yield metrics.VERDICT, (*labels, c.rule or "", verdict.value), verdict == c.verdict


def _drift(where: Labels, d: Drift) -> Iterator[Sample]:
    labels = (*where, d.measure, d.stream)
    yield metrics.DRIFT, labels, d.value
    yield metrics.DRIFT_LOW, labels, d.low
    yield metrics.DRIFT_HIGH, labels, d.high
    yield metrics.DRIFT_LIMIT, (*labels, d.rule or ""), d.max
    yield metrics.DRIFT_CHANGED, labels, _seconds(d.at)
    for verdict in VERDICTS:
        yield metrics.DRIFT_VERDICT, (*labels, d.rule or "", verdict.value), verdict == d.verdict


def of_alerts(alerts: Iterable[PublicAlert]) -> Iterator[Sample]:
    """How many alerts of a rule are in which state; no group is named here."""
    found: dict[Labels, int] = {}
    for a in alerts:
        labels = (a.model, a.rule, a.severity, a.state)
        found[labels] = found.get(labels, 0) + 1
    yield from ((metrics.ALERTS, labels, n) for labels, n in found.items())


def of_health(health: Health) -> Iterator[Sample]:
    """How the stream does."""
    yield from ((metrics.EVENTS, (topic,), n) for topic, n in health.events.items())
    yield from ((metrics.INVALID, (reason,), n) for reason, n in health.invalid.items())
    yield metrics.UNKNOWN_FIELDS, (), sum(health.unknown_fields.values())
    yield metrics.DUPLICATES, (), health.duplicates
    yield metrics.CONFLICTS, (), health.conflicts
    yield metrics.MISROUTED, (), health.misrouted
    yield from ((metrics.LOST, (topic,), n) for topic, n in health.lost.items())
    yield from ((metrics.UNDECLARED, (model,), n) for model, n in health.undeclared.items())
    yield from ((metrics.PERSONAL, (model,), n) for model, n in health.personal.items())
    yield metrics.CAPPED, (), health.capped
    yield from ((metrics.SET_ASIDE, (model,), n) for model, n in health.set_aside.items())
    yield metrics.ORPHANS, (), health.orphans
    yield metrics.PENDING, (), health.pending
    for topic, partitions in health.lag.items():
        yield from ((metrics.LAG, (topic, str(p)), n) for p, n in partitions.items())
    for name, table in health.tables.items():
        yield metrics.TABLE_ROWS, (name,), table.rows
        yield metrics.TABLE_BYTES, (name,), table.bytes
    yield metrics.ASSIGNED, (), health.assigned
    yield metrics.RECOVERED, (), health.recovered
    yield metrics.LAST_ARRIVAL, (), health.last_arrival
    yield metrics.CLOCK, (), _seconds(health.clock)
    yield metrics.READY, (), health.ready
    yield metrics.BUILD, (health.version,), 1


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
