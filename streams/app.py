"""One worker: the Faust app with its three agents, as what the dashboards look at."""

from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from faust.types import TP

from alerts.notifier import Sender
from dashboards.view import AlertView, Health, Latency
from dashboards.view import Table as TableSize
from monitor.arrays.hashing import partitions as partitions_of
from monitor.arrays.texts import Texts
from monitor.baseline import Baseline
from monitor.config import Broker, Config, Model
from monitor.readings import Reading
from streams import tls
from streams.collect import Collect
from streams.evaluate import Evaluate
from streams.notify import Notify
from streams.process import App, make_app
from streams.settings import read_baseline
from streams.tables import Table
from streams.topics import Topics


class Worker:
    """A worker of the deployment. It is a `dashboards.view.View`.

    `partitions`, `panes` and `alerts` are the partition counts of the events' topics, of the panes' topic
    and of the alerts' topic (as the panes' unless given); `settings` are Faust's.
    """

    def __init__(
        self,
        config: Config,
        topics: Topics,
        notifiers: Mapping[str, Sender],
        *,
        partitions: int,
        panes: int,
        alerts: int | None = None,
        embedded: bool = False,
        **settings: Any,
    ) -> None:
        self.config = config
        self._panes = panes
        broker = config.broker.url.replace(",", ";")
        self.app: App = make_app(
            config.broker.group, broker, embedded=embedded, **_credentials(config.broker), **settings
        )
        self.collect = Collect(self.app, config, topics, partitions, panes)
        self.evaluate = Evaluate(self.app, config, topics, _references(config))
        self.notify = Notify(self.app, config, topics, notifiers, alerts or panes)

    # what the dashboards ask

    def models(self) -> dict[str, Model]:
        """The models that this worker evaluates: those whose panes come through its partitions."""
        names = list(self.config.models)
        places = partitions_of(Texts(names), self._panes).tolist()
        held = self.evaluate.desks
        return {
            name: self.config.models[name] for name, place in zip(names, places, strict=True) if place in held
        }

    def readings(self) -> list[Reading]:
        found = [w.readings for desk in self.evaluate.desks.values() for w in desk.models.values()]
        return [reading for readings in found for reading in readings]

    def alerts(self) -> list[AlertView]:
        return list[AlertView](self.evaluate.alerts())

    def health(self) -> Health:
        counts, held = self.collect.counts, self.collect.partitions.values()
        evaluate = self.evaluate
        assigned = {tp.partition for tp in self._inputs() if tp.topic == self.config.broker.decisions}
        recovered = len(self.collect.table.partitions_ready())
        reason = self._unready()
        return Health(
            ready=not reason,
            reason=reason,
            version=version("fairlead"),
            events=_under(counts, "events"),
            invalid=_under(counts, "invalid"),
            unknown_fields=_under(counts, "unknown"),
            duplicates=counts["duplicates"],
            conflicts=counts["conflicts"],
            misrouted=counts["misrouted"],
            lost=self._lost(),
            undeclared={name: counts[f"undeclared.{name}"] for name in self.config.models},
            personal={name: counts[f"personal.{name}"] for name in self.config.models},
            capped=counts["capped"],
            set_aside=dict(evaluate.set_aside),
            orphans=sum(state.facts.waiting for state in held),
            pending=sum(state.facts.pending for state in held),
            lag=self._lag(),
            tables={t.name: _size(t) for t in (self.collect.table, evaluate.table, self.notify.table)},
            assigned=len(assigned),
            recovered=recovered,
            last_arrival=self.collect.last_arrival,
            clock=max((d.clock for d in evaluate.desks.values() if d.clock is not None), default=None),
            latency=Latency(counts=list(evaluate.latency), total=evaluate.latency_total),
        )

    def _unready(self) -> str:
        tables = (self.collect.table, self.evaluate.table, self.notify.table)
        if not self.app.started:
            return "starting"
        waiting = [table.name for table in tables if table.recovering]
        return f"recovering {', '.join(waiting)}" if waiting else ""

    def _inputs(self) -> set[TP]:
        return set(self.app.consumer.inputs()) if self.app.started else set()

    def _lost(self) -> dict[str, int]:
        lost = Counter(dict.fromkeys((self.config.broker.decisions, self.config.broker.feedback), 0))
        for tp, n in self.app.consumer.lost.items() if self.app.started else ():
            lost[tp.topic] += n
        return dict(lost)

    def _lag(self) -> dict[str, dict[int, int]]:
        lag: dict[str, dict[int, int]] = {}
        for tp in sorted(self._inputs()):
            behind = self.app.consumer.lag(tp)
            if behind is not None:
                lag.setdefault(tp.topic, {})[tp.partition] = behind
        return lag


def _references(config: Config) -> dict[str, Baseline]:
    """The drift baselines that come from files."""
    found = {name: read_baseline(name, model) for name, model in config.models.items()}
    return {name: baseline for name, baseline in found.items() if baseline is not None}


def _under(counts: Mapping[str, int], stem: str) -> dict[str, int]:
    """The counts whose names begin with a stem, without it."""
    return {name.partition(".")[2]: n for name, n in counts.items() if name.partition(".")[0] == stem}


def _size(table: Table) -> TableSize:
    items = [item for partition in table.partitions_ready() for item in table.items(partition).items()]
    return TableSize(rows=len(items), bytes=sum(len(key) + len(value) for key, value in items))


def _credentials(broker: Broker) -> dict[str, Any]:
    """Faust's settings for TLS and SASL."""
    if broker.security_protocol == "PLAINTEXT":
        return {}
    import faust

    context = tls.context(broker)
    if not broker.security_protocol.startswith("SASL"):
        return {"broker_credentials": faust.SSLCredentials(context=context)}
    password = broker.sasl_password.value if broker.sasl_password else None
    return {
        "broker_credentials": faust.SASLCredentials(
            mechanism=broker.sasl_mechanism,
            username=broker.sasl_username,
            password=password,
            ssl_context=context,
        )
    }
