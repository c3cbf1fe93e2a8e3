"""Stand-ins for what the delivery of alerts needs: a clock, a store and a notifier."""

from collections.abc import Callable
from functools import partial

from alerts import message, routes
from alerts.delivery import Outbox
from alerts.message import Message
from alerts.notifier import Sender
from monitor.config import Alerts, Config, Route
from tests.alerts.sample import config


class Clock:
    """A wall clock that moves when told."""

    def __init__(self, now: int = 1_800_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += int(seconds * 1000)


class Crash(BaseException):
    """The process ends here, as by kill -9: nothing may catch it."""


class Store:
    """A table. `crash_after` ends the process after so many further writes."""

    def __init__(self) -> None:
        self.items: dict[bytes, bytes] = {}
        self.crash_after: int | None = None

    async def put(self, key: bytes, value: bytes | None) -> None:
        if self.crash_after == 0:
            raise Crash
        if self.crash_after is not None:
            self.crash_after -= 1
        if value is None:
            del self.items[key]
        else:
            self.items[key] = value


class Recorder(Sender):
    """A notifier that keeps what it is given, or raises what it is told to."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.troubles: list[BaseException] = []

    async def send(self, message: Message) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.got.append(message)

    def told(self) -> list[tuple[str, int]]:
        return [(message.state.value, message.sequence) for message in self.got]


def configured(*to: str) -> Config:
    """The sample's configuration with one route that takes all."""
    return config(alerts=Alerts(link="https://fair.example.com", routes=[Route(to=list(to))]))


def make_outbox(
    notifiers: dict[str, Sender], store: Store, clock: Callable[[], int], to: list[str] | None = None, **rest
) -> Outbox:
    """An outbox as `notify` makes it, restored from the store."""
    conf = configured(*(to or notifiers))
    outbox = Outbox(
        notifiers=notifiers,
        route=partial(routes.route, conf),
        render=partial(message.render, config=conf),
        store=store,
        now=clock,
        **rest,
    )
    outbox.restore(store.items)
    return outbox
