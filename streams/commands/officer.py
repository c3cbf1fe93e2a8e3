"""`fairlead alerts list | show | history | ack | silence | unsilence`, against a running worker."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, to_builtins
from rich.console import Console
from rich.text import Text

from alerts import history
from alerts.actions import Action, Kind
from alerts.alert import Alert, Evidence, State
from alerts.silences import Silence
from monitor import words
from monitor.config import ConfigError
from monitor.events.exposed import Exposure
from monitor.readings import Comparison
from streams.commands.remote import Remote
from streams.commands.show import interval, number, sheet
from streams.office import ALERTS, Affairs

SHORT = 8  # characters of an id that are shown


def ask(remote: Remote) -> Affairs:
    """All that the worker knows of alerts. Raises RemoteError."""
    return remote.get(ALERTS, Affairs)


def act(remote: Remote, kind: Kind, **wanted: Any) -> Action:
    """Acts on alerts. Raises RemoteError."""
    return remote.post(ALERTS, {"kind": kind.value, **wanted}, Action)


def chosen(found: Sequence[Alert] | Sequence[Silence], begins: str) -> str:
    """The only id that begins so. Raises ConfigError."""
    ids = [one.id for one in found if one.id.startswith(begins)]
    if len(ids) != 1:
        allowed = ", ".join(one.id[:SHORT] for one in found) or "nothing, as there is none"
        raise ConfigError("ID", begins, f"what one id alone begins with: {allowed}")
    return ids[0]


def acks(affairs: Affairs) -> dict[str, Action]:
    """By alert, who took on what fires now; the newest."""
    episodes = {alert.id: alert.episode for alert in affairs.alerts}
    found = [a for a in affairs.actions if a.kind is Kind.ACK and a.episode == episodes.get(a.about)]
    return {action.about: action for action in reversed(found)}


class Listed(Struct, frozen=True):
    """An alert as `list --json` prints it, with who has taken it on."""

    alert: history.Row
    ack: Action | None


def listed(affairs: Affairs) -> list[Listed]:
    """The alerts, firing ones first."""
    taken = acks(affairs)
    return [Listed(row, taken.get(row.id)) for row in history.rows(affairs.alerts)]


def show_list(console: Console, affairs: Affairs) -> None:
    """Prints the alerts, and the silences that mute."""
    table = sheet("alerts", "id", "state", "severity", "model", "rule", "about", "changed", "taken on by")
    for one in listed(affairs):
        row, ack = one.alert, one.ack
        state = Text(row.state.value, style="bold red" if row.state is State.FIRING else "dim")
        about = (Text(row.model), Text(row.rule), Text(row.subject), words.moment(row.changed))
        table.add_row(row.id[:SHORT], state, row.severity, *about, Text("" if ack is None else ack.by))
    console.print(table)
    if affairs.silences:
        console.print(_silences(affairs.silences))


def _silences(found: Sequence[Silence]) -> Any:
    table = sheet("silences", "id", "mutes", "until", "by", "comment")
    for one in found:
        table.add_row(
            one.id[:SHORT], Text(mutes(one)), words.moment(one.until), Text(one.by), Text(one.comment)
        )
    return table


def mutes(silence: Silence) -> str:
    """What a silence is about, in words.

    >>> mutes(Silence(id="1", until=0, model="credit")), mutes(Silence(id="1", until=0))
    ('model credit', 'every alert')
    """
    fields = {name: getattr(silence, name) for name in ("model", "rule", "group")}
    return (
        ", ".join(f"{name} {value}" for name, value in fields.items() if value is not None) or "every alert"
    )


def show_one(console: Console, affairs: Affairs, id: str) -> None:
    """Prints an alert with its evidence, and what was done and told about it."""
    alert = next(one for one in affairs.alerts if one.id == id)
    evidence = alert.evidence
    facts = [
        ("alert", alert.id),
        ("state", f"{alert.state.value} since {words.moment(alert.changed)}{_noted(alert.note)}"),
        ("severity", alert.severity),
        ("model", alert.model),
        ("rule", alert.rule),
        ("about", history.subject(evidence)),
        *_measured(evidence),
        ("episode", f"{alert.episode}"),
    ]
    if isinstance(evidence, Comparison) and evidence.restart is not None:
        facts.append(("its test", words.restart(evidence.restart)))
    for name, value in facts:
        console.print(Text(f"{name:11}", style="bold").append(value, style="not bold"), highlight=False)
    show_history(console, of_one(affairs, id))


def _measured(evidence: Evidence) -> list[tuple[str, str]]:
    """What was found."""
    if isinstance(evidence, Exposure):
        return [("kind", evidence.kind), ("seen", f"at least {evidence.times:,} times")]
    least = evidence.min if isinstance(evidence, Comparison) else None
    return [
        ("value", f"{number(evidence.value)} ({interval(evidence.low, evidence.high)})"),
        ("allowed", interval(least, evidence.max)),
        ("window", evidence.window),
    ]


def _noted(note: str) -> str:
    return f": {note}" if note else ""


def of_one(affairs: Affairs, id: str) -> Affairs:
    """Only what is about one alert."""
    return Affairs(
        alerts=[alert for alert in affairs.alerts if alert.id == id],
        deliveries=[event for event in affairs.deliveries if event.id == id],
        actions=[action for action in affairs.actions if action.about == id],
        silences=[],
    )


def show_history(console: Console, affairs: Affairs) -> None:
    """Prints what was told, and what people did, the newest first."""
    told = sheet("told", "when", "alert", "state", "model", "about", "to", "how far")
    for event in affairs.deliveries:
        far = f"{event.progress.value}{_noted(event.reason)}"
        row = (event.state.value, Text(event.model), Text(event.subject), event.destination, Text(far))
        told.add_row(words.moment(event.at), event.id[:SHORT], *row)
    console.print(told)
    done = sheet("done", "when", "who", "what", "about", "comment")
    for action in affairs.actions:
        what = action.kind.value if action.silence is None else f"silence {mutes(action.silence)}"
        when, about = words.moment(action.at), action.about[:SHORT]
        done.add_row(when, Text(action.by), Text(what), about, Text(action.comment))
    console.print(done)


def document(found: Any) -> Any:
    """As `--json` prints it."""
    return to_builtins(found, str_keys=True)
