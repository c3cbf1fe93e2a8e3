"""Who is told of alerts: a webhook that keeps what it got, in a thread of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.alerts.notifiers.servers import Http, in_a_thread, serving

PATH = "/told"


class Told(Http):
    """What people have been told, by alert: the state of each sequence."""

    def configuration(self) -> str:
        """A route that tells it of every alert."""
        return f"""
[[alerts.routes]]
to = ["webhook:people"]
[notifiers.webhook.people]
url = "{self.url}{PATH}"
"""

    def states(self) -> dict[str, dict[int, str]]:
        """By alert: the state of each sequence. Raises AssertionError where one was told in two states."""
        found: dict[str, dict[int, str]] = {}
        for message in [request.json() for request in list(self.requests)]:
            state = found.setdefault(message["id"], {}).setdefault(message["sequence"], message["state"])
            assert state == message["state"], (
                f"{message['id']}: {message['sequence']} was told twice otherwise"
            )
        return found

    def last(self) -> dict[str, str]:
        """What was told last of each alert."""
        return {id: states[max(states)] for id, states in self.states().items()}


@contextmanager
def listening() -> Iterator[Told]:
    """It listens on 127.0.0.1."""
    told = Told()
    with in_a_thread(serving(told)):
        yield told
