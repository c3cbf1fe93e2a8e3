"""The third agent: alerts become messages to people, through an outbox that survives a crash."""

import asyncio
import time
from collections.abc import Mapping
from functools import partial

import faust

from alerts import alert, message, routes
from alerts.delivery import Outbox
from alerts.notifier import Sender
from alerts.outbox import Delivery
from monitor.config import Config
from streams.consumer import App, Bundle
from streams.guard import fatal
from streams.tables import Table
from streams.topics import Topics

DELIVER_SECONDS = 1.0


class _Store:
    """One partition of the table, as an outbox sees it."""

    def __init__(self, table: Table, partition: int) -> None:
        self._table, self._partition = table, partition

    async def put(self, key: bytes, value: bytes | None, /) -> None:
        await self._table.put(self._partition, key, value)


class Notify:
    """Consumes alerts; keeps the outbox; delivers through `notifiers`, by "kind:name"."""

    def __init__(self, app: App, config: Config, topics: Topics, notifiers: Mapping[str, Sender]) -> None:
        self.boxes: dict[int, Outbox] = {}
        self._config, self._notifiers = config, notifiers
        self._running: set[asyncio.Future[None]] = set()
        self.table = Table(
            app, "notify", like=[topics.alerts], on_recovered=self._recovered, on_revoked=self._revoked
        )
        app.agent(app.inputs(topics.alerts), name="notify")(fatal(self._accept))
        app.timer(DELIVER_SECONDS)(fatal(self._deliver))

    def deliveries(self) -> list[Delivery]:
        """All deliveries that this worker knows."""
        return [delivery for box in self.boxes.values() for delivery in box.deliveries()]

    def _recovered(self, partition: int, items: Mapping[bytes, bytes]) -> None:
        box = Outbox(
            notifiers=self._notifiers,
            route=partial(routes.route, self._config),
            render=lambda a: message.render(a, self._config),
            store=_Store(self.table, partition),
            now=lambda: time.time_ns() // 1_000_000,
        )
        box.restore(items)
        self.boxes[partition] = box

    def _revoked(self, partition: int) -> None:
        del self.boxes[partition]

    async def _accept(self, stream: faust.StreamT[Bundle]) -> None:
        async for bundle in stream:
            for record in bundle.values:
                await self.boxes[bundle.partition].accept(alert.decode(record or b""))

    async def _deliver(self) -> None:
        """Starts a round for each outbox; a slow destination holds up only itself, not the next round."""
        for partition in self.table.partitions_ready():
            task = asyncio.ensure_future(_round(self.boxes[partition]))
            self._running.add(task)
            task.add_done_callback(self._running.discard)


@fatal
async def _round(box: Outbox) -> None:
    await box.deliver()
