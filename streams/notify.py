"""The third agent: alerts become messages to people, through an outbox that survives a crash."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

from alerts import actions, alert, message, routes
from alerts.actions import Action, Journal
from alerts.alert import Alert
from alerts.delivery import Outbox
from alerts.notifier import Sender
from alerts.outbox import Delivery
from alerts.silences import Silence
from monitor.config import Config
from streams.bundles import Bundle
from streams.guard import fatal
from streams.process import App
from streams.tables import Table, send
from streams.topics import Topics

DELIVER_SECONDS = 1.0


class _Store:
    """One partition of the table, as an outbox sees it."""

    def __init__(self, table: Table, partition: int) -> None:
        self._table, self._partition = table, partition

    async def put(self, key: bytes, value: bytes | None, /) -> None:
        await self._table.put(self._partition, key, value)


class Notify:
    """Consumes alerts, and what people do about them; keeps the outbox and a journal of both.

    Delivers through `notifiers`, by "kind:name". `partitions` is the partition count of the alerts' topic:
    what people do is told to every partition, as a silence may be about the alerts of any.
    """

    def __init__(
        self, app: App, config: Config, topics: Topics, notifiers: Mapping[str, Sender], partitions: int
    ) -> None:
        self.boxes: dict[int, Outbox] = {}
        self.journals: dict[int, Journal] = {}
        self._app, self._topics, self._partitions = app, topics, partitions
        self._config, self._notifiers = config, notifiers
        self._running: set[asyncio.Future[None]] = set()
        self.table = Table(
            app, "notify", like=[topics.alerts], on_recovered=self._recovered, on_revoked=self._revoked
        )
        app.consume(self._take, topics.alerts, name="notify")
        app.timer(DELIVER_SECONDS)(fatal(self._deliver))

    def deliveries(self) -> list[Delivery]:
        """All deliveries that this worker knows."""
        return [delivery for box in self.boxes.values() for delivery in box.deliveries()]

    def actions(self) -> list[Action]:
        """What people did, the newest first: all of it, if this worker has a partition at all."""
        return actions.together(self.journals.values())

    def silences(self) -> list[Silence]:
        """The silences that nobody has ended; some may be over."""
        found = {silence.id: silence for journal in self.journals.values() for silence in journal.silences()}
        return list(found.values())

    async def act(self, action: Action) -> None:
        """Tells every partition; returns when Kafka has it."""
        key, record = actions.key(action), actions.encode(action)
        told = (
            send(self._app, self._topics.alerts, record, key=key, partition=partition)
            for partition in range(self._partitions)
        )
        await asyncio.gather(*told)

    def _recovered(self, partition: int, items: Mapping[bytes, bytes]) -> None:
        journal = Journal()
        journal.restore(items)
        box = Outbox(
            notifiers=self._notifiers,
            route=partial(routes.route, self._config),
            render=lambda a: message.render(a, self._config),
            store=_Store(self.table, partition),
            now=_now,
            silences=journal.silences,
        )
        box.restore(items)
        self.boxes[partition], self.journals[partition] = box, journal

    def _revoked(self, partition: int) -> None:
        del self.boxes[partition], self.journals[partition]

    async def _take(self, bundle: Bundle) -> None:
        told = defaultdict[str, list[Alert]](list)
        for key, record in zip(bundle.keys, bundle.values, strict=True):
            if key is not None and key.startswith(actions.PREFIX):
                await self._note(bundle.partition, actions.decode(record or b""))
            else:
                each = alert.decode(record or b"")
                told[each.id].append(each)
        await asyncio.gather(*(self._accept(bundle.partition, states) for states in told.values()))
        self._start(bundle.partition)

    async def _accept(self, partition: int, states: Sequence[Alert]) -> None:
        """Takes the states of one alert in their order: what of them is news depends on those before."""
        for state in states:
            await self.boxes[partition].accept(state)

    async def _note(self, partition: int, action: Action) -> None:
        """Takes an action, durably when it returns."""
        journal = self.journals[partition]
        await self.table.put(partition, actions.key(action), actions.encode(action))
        journal.put(action)
        for old in journal.forget(_now()):
            await self.table.put(partition, old, None)

    async def _deliver(self) -> None:
        """Tries again what did not succeed at once."""
        for partition in self.table.partitions_ready():
            self._start(partition)

    def _start(self, partition: int) -> None:
        """Starts a round of an outbox; a slow destination holds up only itself, not the next round."""
        task = asyncio.ensure_future(_round(self.boxes[partition]))
        self._running.add(task)
        task.add_done_callback(self._running.discard)


def _now() -> int:
    return time.time_ns() // 1_000_000


@fatal
async def _round(box: Outbox) -> None:
    await box.deliver()
