"""`fairlead status`: how a worker does, and what fires."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, to_builtins
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts import history
from dashboards.state import ModelSummary
from dashboards.suppression import PublicAlert
from dashboards.view import Health
from monitor import words
from monitor.readings import Comparison
from streams.commands.remote import Remote
from streams.commands.show import sheet

VERDICTS = {"out_of_limits": "out", "undecided": "undecided", "within_limits": "within"}


class Status(Struct, frozen=True, kw_only=True):
    """What a worker says of itself: the part of `/api/state` that is about the stream and alerts."""

    models: list[ModelSummary]
    alerts: list[PublicAlert]
    health: Health

    @property
    def firing(self) -> list[PublicAlert]:
        return [alert for alert in self.alerts if alert.state == "firing"]

    @property
    def lag(self) -> int:
        """Messages that this worker has not read yet."""
        return sum(sum(partitions.values()) for partitions in self.health.lag.values())

    @property
    def well(self) -> bool:
        """Whether it is ready and nothing fires."""
        return self.health.ready and not self.firing


def ask(remote: Remote) -> Status:
    """Asks a worker. Raises RemoteError."""
    return remote.get("/api/state", Status)


def document(status: Status) -> dict[str, Any]:
    """What `status --json` prints."""
    models = [
        {
            "name": m.name,
            "decisions": m.decisions,
            "verdicts": m.verdicts,
            "firing": m.firing,
            "restarts": m.restarts,
        }
        for m in status.models
    ]
    return {
        "well": status.well,
        "lag": status.lag,
        "models": models,
        "firing": to_builtins(status.firing, str_keys=True),
        "health": to_builtins(status.health, str_keys=True),
    }


def show(console: Console, status: Status) -> None:
    """Prints it for people."""
    for name, value in _facts(status):
        console.print(Text(f"{name:11}", style="bold").append(value, style="not bold"), highlight=False)
    if status.models:
        console.print(_models(status))
    if status.firing:
        console.print(_firing(status))


def _facts(status: Status) -> Iterator[tuple[str, str]]:
    health = status.health
    yield "worker", "ready" if health.ready else f"not ready: {health.reason}"
    yield "version", health.version
    yield "partitions", f"{health.recovered} of {health.assigned} ready"
    yield "lag", f"{status.lag:,} messages"
    yield "events", f"{sum(health.events.values()):,}, and {sum(health.invalid.values()):,} refused"
    yield "waiting", f"{health.pending:,} decisions for an outcome, {health.orphans:,} ids for a decision"
    yield "as of", "no event yet" if health.clock is None else words.moment(health.clock)


def _models(status: Status) -> Table:
    table = sheet("models", "model", "decisions", *VERDICTS.values(), "firing", "tests begun anew")
    for model in status.models:
        counts = [f"{model.verdicts.get(verdict, 0):,}" for verdict in VERDICTS]
        anew = ", ".join(f"{n:,} {reason.replace('_', ' ')}" for reason, n in model.restarts.items())
        table.add_row(Text(model.name), f"{model.decisions:,}", *counts, f"{model.firing:,}", anew or "none")
    return table


def _firing(status: Status) -> Table:
    table = sheet("firing", "severity", "model", "rule", "about", "since")
    for alert in status.firing:
        row = (Text(alert.model), Text(alert.rule), Text(_about(alert)), words.moment(alert.since))
        table.add_row(Text(alert.severity, style="bold red" if alert.severity == "critical" else ""), *row)
    return table


def _about(alert: PublicAlert) -> str:
    """What an alert is about, as everybody may see it."""
    if alert.evidence is None:
        return "a small group"
    if isinstance(alert.evidence, Comparison):
        return f"{words.clean(alert.evidence.attribute)}: {words.clean(alert.evidence.group)}"
    return history.subject(alert.evidence)
