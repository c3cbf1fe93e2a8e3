"""From readings to Slack and a mailbox: the whole of `alerts` against servers that fail and recover."""

from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from alerts import lifecycle, message, routes
from alerts.alert import Alert, decode, encode
from alerts.delivery import Outbox
from alerts.outbox import Progress
from monitor.config import Alerts, Config, Route, Secret
from monitor.readings import Verdict
from tests.alerts.doubles import Clock, Crash, Store, make_outbox
from tests.alerts.notifiers.servers import Answer, Mail, Slack, mailing, serving
from tests.alerts.sample import MODEL, config
from tests.readings import GAP, NOW, gap, reading

BACK = gap(value=0.05, verdict=Verdict.UNDECIDED)


@dataclass
class Line:
    """Everything between a reading and the people, restartable at any time."""

    slack: Slack
    mail: Mail
    clock: Clock = field(default_factory=Clock)
    store: Store = field(default_factory=Store)
    alerts: dict[str, Alert] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.outbox = self.restart()

    def restart(self) -> Outbox:
        notifiers = routes.build(self.config())
        to = ["slack:risk", "email:officer"]
        self.outbox = make_outbox(notifiers, self.store, self.clock, to)
        return self.outbox

    def config(self) -> Config:
        mail = {"host": "127.0.0.1", "port": self.mail.port, "security": "none"}
        mail |= {"sender": "fairlead@example.com", "to": ["officer@example.com"]}
        return config(
            alerts=Alerts(
                link="https://fair.example.com", routes=[Route(to=["slack:risk", "email:officer"])]
            ),
            notifiers={
                "slack": {"risk": {"url": Secret(self.slack.url + Slack.PATH)}},
                "email": {"officer": mail},
            },
        )

    async def see(self, comparison, at: int) -> None:
        changed = lifecycle.step(MODEL, "compas", [reading(comparison)], self.alerts, NOW + at)
        self.alerts |= {alert.id: alert for alert in changed}
        for alert in changed:
            await self.outbox.accept(decode(encode(alert)))
        await self.outbox.deliver()

    async def resend(self) -> None:
        """What `evaluate` does after a restart: every alert's state again."""
        for alert in self.alerts.values():
            await self.outbox.accept(alert)
        await self.outbox.deliver()

    def titles(self) -> list[str]:
        return [request.json()["text"] for request in self.slack.requests]

    def subjects(self) -> list[str]:
        return [mail["Subject"] for _, mail in self.mail.got]


@pytest.fixture
async def line():
    async with serving(Slack()) as slack, mailing(Mail()) as mail:
        yield Line(slack, mail)


async def test_a_gap_reaches_both_once_with_all_that_one_needs(line):
    for at in range(3):
        await line.see(GAP, at)
    line.restart()
    await line.resend()
    (payload,) = [request.json() for request in line.slack.requests]
    ((_, mail),) = line.mail.got
    for content in (str(payload), mail.get_body(("plain",)).get_content()):
        for needed in (
            "compas",
            "false positive rate",
            "African-American",
            "Caucasian",
            "44.9 %",
            "23.5 %",
            "+21.4 points (95 % interval: +18.0 to +24.7 points)",
            "1,795",
            "1,488",
            "all decisions so far",
            "https://fair.example.com/#compas",
        ):
            assert needed in content


async def test_a_second_run_over_the_same_events_sends_nothing_new(line):
    await line.see(GAP, at=0)
    await line.see(BACK, at=1)
    line.alerts = {}
    line.restart()
    await line.see(GAP, at=0)
    await line.see(BACK, at=1)
    assert len(line.titles()) == len(line.subjects()) == 2
    assert line.titles()[1].startswith("[resolved]")


async def test_both_fail_and_recover(line):
    line.slack.answers = [Answer(429, "rate_limited", {"Retry-After": "30"}), Answer(503, "")]
    line.mail.answers = ["451 later", "451 later"]
    await line.see(GAP, at=0)
    await line.see(BACK, at=1)
    assert line.titles() == line.subjects() == []
    for seconds in (30, 20, 1, 1):
        line.clock.pass_(seconds)
        await line.outbox.deliver()
    title = message.render(line.alerts[next(iter(line.alerts))], line.config()).title
    for told in (line.titles(), line.subjects()):
        assert len(told) == 2
        assert told[0].startswith("[CRITICAL]")
        assert told[1] == f"[resolved] {title}"


async def test_a_webhook_that_was_deleted_does_not_hold_back_the_mail(line):
    line.slack.answers = [Answer(404, "no_service")]
    await line.see(GAP, at=0)
    assert line.titles() == []
    assert len(line.subjects()) == 1
    reasons = {d.destination: (d.state, d.reason) for d in line.outbox.deliveries()}
    assert reasons["slack:risk"] == (Progress.FAILED, "HTTP 404 no_service")


@pytest.mark.parametrize("writes", range(8))
async def test_a_crash_anywhere_repeats_at_most_one_message_and_loses_none(line, writes):
    line.store.crash_after = writes
    with suppress(Crash):
        await line.see(GAP, at=0)
        await line.see(BACK, at=1)
    line.store.crash_after = None
    line.restart()
    await line.resend()
    await line.see(BACK, at=1)
    for _ in range(2):
        await line.resend()
    repeats = 0
    for told in (line.titles(), line.subjects()):
        assert [text.split("]")[0] for text in dict.fromkeys(told)] == ["[CRITICAL", "[resolved"]
        repeats += len(told) - 2
    assert repeats <= 2, "at most the one message a destination that was under way"
    ids = [mail["Message-ID"] for _, mail in line.mail.got]
    assert len(set(ids)) == 2, "a mailbox can tell a repeat by its id"
