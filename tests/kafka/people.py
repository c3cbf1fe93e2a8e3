"""Slack's webhook and a mailbox on 127.0.0.1, in a thread of their own, for workers in other processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.alerts.notifiers.servers import Mail, Slack, in_a_thread, mailing, serving


class People:
    """Who is told: `slack` and `mail` keep what they got."""

    def __init__(self) -> None:
        self.slack, self.mail = Slack(), Mail()

    def configuration(self, folder: Path) -> str:
        """Routes that tell both of every alert. Slack's address is a secret, so it is in a file."""
        secret = folder / "slack"
        secret.write_text(self.slack.url + Slack.PATH)
        return f"""
            [alerts]
            link = "https://fair.example.com"
            [[alerts.routes]]
            to = ["slack:risk", "email:officer"]
            [notifiers.slack.risk]
            url = {{ file = "{secret}" }}
            [notifiers.email.officer]
            host = "127.0.0.1"
            port = {self.mail.port}
            security = "none"
            sender = "fairlead@example.com"
            to = ["officer@example.com"]
        """

    def messages(self) -> tuple[list[str], list[str]]:
        """What each got: Slack's payloads, and the mails' subjects with their text behind."""
        texts = []
        for _, mail in self.mail.got:
            body = mail.get_body(("plain",))
            assert body is not None
            texts.append(f"{mail['Subject']}\n{body.get_content()}")
        return [request.body.decode() for request in self.slack.requests], texts


@contextmanager
def listening() -> Iterator[People]:
    """People, while their servers run."""
    people = People()
    with in_a_thread(serving(people.slack), mailing(people.mail)):
        yield people
