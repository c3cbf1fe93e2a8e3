"""The second agent: panes become readings with verdicts, and alerts."""

import asyncio
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping

from alerts import alert
from alerts.alert import Alert
from dashboards.view import LATENCY_BOUNDS
from monitor.baseline import Baseline
from monitor.config import Config
from monitor.panes import packed
from monitor.panes.packed import Pane
from streams import messages, parts
from streams.bundles import Bundle
from streams.desk import ALERT, Desk
from streams.guard import fatal
from streams.lanes import together
from streams.messages import Clock, Found, Part
from streams.pace import Pace, is_behind
from streams.process import App
from streams.tables import Table, send
from streams.topics import Topics
from streams.turns import Turns
from streams.watched import Watched

EVALUATE_SECONDS = 0.1
QUICK_SECONDS = 0.02  # what takes no longer is read at once; a thread would share the interpreter


class Evaluate:
    """Consumes panes; keeps the table of panes and alert states; sends the alerts that change.

    `references` are the drift baselines that come from files, by model.
    """

    def __init__(self, app: App, config: Config, topics: Topics, references: Mapping[str, Baseline]) -> None:
        self.desks: dict[int, Desk] = {}
        self.latency = [0] * (len(LATENCY_BOUNDS) + 1)
        self.latency_total = 0.0
        self.rounds = 0  # in each, readings whose turn it is are made, judged, and their alerts sent
        self._turns = Turns()
        self._pace = Pace(rest=0.0, longest=0.0)  # how long a model rests its turns know
        self._behind = False
        self.set_aside: Counter[str] = Counter()  # panes that another configuration cut, by model
        self._app, self._config, self._topics, self._references = app, config, topics, references
        self.table = Table(
            app,
            "evaluate",
            like=[topics.panes],
            on_recovered=self._recovered,
            on_revoked=self._revoked,
        )
        app.consume(self._take, topics.panes, name="evaluate")
        app.timer(EVALUATE_SECONDS)(fatal(self._turn))

    def alerts(self) -> list[Alert]:
        """The alerts of all models that this worker evaluates."""
        return [found for desk in self.desks.values() for found in desk.alerts.values()]

    def _recovered(self, partition: int, items: Mapping[bytes, bytes]) -> None:
        self.desks[partition] = Desk(self._config, self._references, self.set_aside)
        self.desks[partition].restore(items)

    def _revoked(self, partition: int) -> None:
        self._turns.forget(self.desks.pop(partition).models)

    async def _take(self, bundle: Bundle) -> None:
        desk = self.desks[bundle.partition]
        async with desk.lock:
            panes: dict[tuple[str, int, int], Pane] = {}
            clocks: list[Clock] = []
            for record in bundle.values:
                message = messages.decode(record or b"")
                if isinstance(message, Clock):
                    clocks.append(message)
                elif isinstance(message, Part):
                    await self._take_part(bundle.partition, desk, message)
                elif isinstance(message, Found):
                    await parts.put(self.table, bundle.partition, desk.hear(message))
                else:
                    newest(panes, map(packed.load, message.panes))
            items = [item for pane in panes.values() if (item := desk.take(pane))]
            await parts.put(self.table, bundle.partition, dict(items))
            for clock in clocks:
                desk.tick(clock, time.monotonic())
                self._note(clock)

    async def _take_part(self, partition: int, desk: Desk, part: Part) -> None:
        """Lays a part of a large pane down; takes the pane when the last of them has come."""
        await self.table.put(partition, part.key, part.data)
        keys, record = parts.together(self.table.items(partition), part.key)
        if record is None:
            return
        pane = packed.load(record)
        item = desk.take(pane)
        await parts.put(self.table, partition, dict([item] if item else []))
        await parts.refuse(self.table, partition, messages.pane_key(pane), keys)

    async def _turn(self) -> None:
        """Evaluates where it is time: at once where news has come, seldom while the worker catches up."""
        if self._pace.is_due(time.monotonic()):
            await self._evaluate()
            self._pace.turned(time.monotonic(), 0.0, behind=self._behind)

    def _note(self, clock: Clock) -> None:
        """Whether the worker catches up: by how old events are when they come here, not when they are read.

        Models that are many or costly wait for their turns also while it keeps up.
        """
        if clock.arrived:
            self._behind = is_behind(clock.arrived)

    async def _evaluate(self) -> None:
        """All desks side by side: while one waits for Kafka, or for a model that takes long, others go on."""
        await together(*map(self._attend, self.table.partitions_ready()))
        self.rounds += 1

    async def _attend(self, partition: int) -> None:
        """Moves a desk's clock on, and reads the models whose turn it is."""
        desk = self.desks.get(partition)
        if desk is None:  # it moved while others were waited for
            return
        async with desk.lock:
            if self.desks.get(partition) is not desk:
                return
            desk.settle(time.monotonic())
            await parts.put(self.table, partition, desk.unsaved())
            await self._tell(desk.untold)
            desk.untold = []
            await self._raise(partition, desk, [*desk.judge_removed(), *desk.judge_exposures()])
        for _ in range(len(desk.models)):
            async with desk.lock:  # between two models, panes may come
                name = self._turns.next(desk.models, time.monotonic())
                if name is None or self.desks.get(partition) is not desk:
                    return
                await self._look(partition, desk, desk.models[name])

    async def _look(self, partition: int, desk: Desk, watched: Watched) -> None:
        """Reads a model; makes durable and tells what follows."""
        found, spent = await self._read(desk, watched)
        if self.desks.get(partition) is not desk:  # it moved while a thread read
            return
        self._turns.took(watched.name, spent, time.monotonic())
        came = watched.came
        if desk.clock is not None:  # before that nothing is decided
            watched.came = 0
        if found:
            watched.took = spent
            self._time(came)
            await parts.put(self.table, partition, watched.unsaved())
            await self._raise(partition, desk, desk.judge(watched))
            await self._age(partition, desk, watched)

    async def _read(self, desk: Desk, watched: Watched) -> tuple[bool, float]:
        """In a thread: the page and Kafka's heartbeats do not wait for what takes long."""
        if watched.took < QUICK_SECONDS:
            return _timed(watched, desk.clock)
        return await asyncio.to_thread(_timed, watched, desk.clock)

    async def _age(self, partition: int, desk: Desk, watched: Watched) -> None:
        if desk.clock is not None:
            written, replaced = watched.age(desk.clock)
            await parts.put(self.table, partition, written)
            await parts.remove(self.table, partition, replaced)

    async def _raise(self, partition: int, desk: Desk, changes: list[Alert]) -> None:
        """Makes the changed alerts durable, and only then sends them."""
        records = {ALERT + change.id.encode(): alert.encode(change) for change in changes}
        await parts.put(self.table, partition, records)
        desk.alerts.update({change.id: change for change in changes})
        await self._tell(changes)

    async def _tell(self, changes: list[Alert]) -> None:
        await asyncio.gather(
            *(
                send(self._app, self._topics.alerts, alert.encode(change), key=change.id.encode())
                for change in changes
            )
        )

    def _time(self, came: int) -> None:
        """Notes how long the oldest event since a model's last reading took, from Kafka to here."""
        if came:
            seconds = max(0.0, time.time() - came / 1000)
            self.latency[bisect_left(LATENCY_BOUNDS, seconds)] += 1
            self.latency_total += seconds


def _timed(watched: Watched, clock: int | None) -> tuple[bool, float]:
    """Whether a reading was made, and what it took of the processor (s)."""
    start = time.thread_time()
    return watched.read(clock, time.time()), time.thread_time() - start


def newest(held: dict[tuple[str, int, int], Pane], panes: Iterable[Pane]) -> None:
    """Keeps of the panes of one partition and slot the newest alone."""
    for pane in panes:
        name = pane.model, pane.partition, pane.slot
        if name not in held or int(pane.phi, 16) > int(held[name].phi, 16):
            held[name] = pane
