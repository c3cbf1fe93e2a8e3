"""What people are told, as plain data: rendered from an alert and its model's configuration.

A message holds plain text without markup. Each notifier escapes it for its own medium. Slack and email
count as public, so that groups under the model's `min_group` are never named, nor their numbers given.
"""

from urllib.parse import quote

from msgspec import Struct

from alerts import story_drift, story_exposure, story_gap
from alerts.alert import Alert, State
from alerts.story import Story
from monitor import words
from monitor.config import Config, Model, Severity
from monitor.events.exposed import Exposure
from monitor.readings import Comparison


class Section(Struct, frozen=True):
    """A heading and what stands below it, one string a line."""

    title: str
    lines: list[str]


class Message(Struct, frozen=True, kw_only=True):
    """One notification, ready for any notifier. Times are event times in ms.

    `facts` are for people, as (name, value) in words; `labels` and `numbers` carry the same for machines.
    """

    id: str
    sequence: int
    episode: int
    state: State
    severity: Severity
    model: str
    rule: str
    since: int
    changed: int
    title: str
    summary: str
    facts: list[tuple[str, str]]
    sections: list[Section]
    link: str
    labels: dict[str, str]
    numbers: dict[str, float | None]


def render(alert: Alert, config: Config) -> Message:
    """The message that tells of the alert's state."""
    model = config.models.get(alert.model, Model(positive=[]))
    story = _story(alert, model)
    name = words.clean(alert.model)
    return Message(
        id=alert.id,
        sequence=alert.sequence,
        episode=alert.episode,
        state=alert.state,
        severity=alert.severity,
        model=name,
        rule=words.clean(alert.rule, 160),
        since=alert.since,
        changed=alert.changed,
        title=f"{name}: {story.headline}",
        summary=_summary(alert, story),
        facts=[*story.facts, *_times(alert), ("Rule", words.clean(alert.rule, 160))],
        sections=_sections(alert, model, story),
        link=page(config, alert.model),
        labels={"model": name, "severity": alert.severity, **story.labels},
        numbers=story.numbers,
    )


def trial(config: Config) -> Message:
    """A message that says that a destination works; what `fairlead alerts test` sends."""
    return Message(
        id="test",
        sequence=0,
        episode=0,
        state=State.FIRING,
        severity="info",
        model="test",
        rule="test",
        since=0,
        changed=0,
        title="Fairlead can reach you here",
        summary="This is a test. Nothing is wrong, and nothing needs to be done.",
        facts=[],
        sections=[],
        link=config.alerts.link,
        labels={"model": "test", "severity": "info"},
        numbers={},
    )


def text(message: Message) -> str:
    """The whole message as plain text, for people."""
    facts = [f"  {name}: {value}" for name, value in message.facts]
    sections = [
        "\n".join([section.title, *(f"  {line}" for line in section.lines)]) for section in message.sections
    ]
    blocks = [f"{badge(message)} {message.title}", message.summary, "\n".join(facts), *sections, message.link]
    return "\n\n".join(block for block in blocks if block)


def badge(message: Message) -> str:
    """The state in brackets: "[CRITICAL]", "[resolved]"."""
    return "[resolved]" if message.state is State.RESOLVED else f"[{message.severity.upper()}]"


def page(config: Config, model: str) -> str:
    """The address of the model on the page; "" when the configuration has no link."""
    base = config.alerts.link.rstrip("/")
    return f"{base}/#{quote(model, safe='')}" if base else ""


def _story(alert: Alert, model: Model) -> Story:
    if isinstance(alert.evidence, Comparison):
        return story_gap.tell(alert, alert.evidence, model)
    if isinstance(alert.evidence, Exposure):
        return story_exposure.tell(alert, alert.evidence)
    return story_drift.tell(alert, alert.evidence, model)


def _summary(alert: Alert, story: Story) -> str:
    lasted = f"The alert lasted {words.lasting(alert.changed - alert.since)}."
    if alert.note:
        return f"{lasted} It ended because {alert.note}. The numbers are the last ones there were."
    opening = ["Back inside the limits.", lasted] if alert.state is State.RESOLVED else []
    return " ".join(part for part in (*opening, *story.summary) if part)


def _times(alert: Alert) -> list[tuple[str, str]]:
    since = "Seen since" if isinstance(alert.evidence, Exposure) else "Out of limits since"
    facts = [(since, words.moment(alert.since))]
    if alert.state is State.RESOLVED:
        facts.append(("Resolved", words.moment(alert.changed)))
    if alert.episode > 1:
        facts.append(("Times this alert has fired", str(alert.episode)))
    return facts


def _sections(alert: Alert, model: Model, story: Story) -> list[Section]:
    about = [
        ("What it is for: ", model.purpose),
        ("Owner: ", model.owner),
        ("Where people can appeal: ", model.appeal),
    ]
    sections = [
        Section("What this means", story.meaning),
        Section("What you can do next", [] if alert.state is State.RESOLVED else story.advice),
        Section("About the model", [label + words.clean(value, 300) for label, value in about if value]),
    ]
    return [section for section in sections if section.lines]
