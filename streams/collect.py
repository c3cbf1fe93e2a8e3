"""The first agent: decisions and feedback become facts, made durable, and panes, sent on."""

import asyncio
import hashlib
import logging
import time
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from faust.types import TP

from monitor import records
from monitor.config import Config, Secret
from streams import messages
from streams.bundles import Bundle
from streams.guard import fatal
from streams.lanes import in_steps, together
from streams.messages import Clock
from streams.pace import Pace, is_behind
from streams.partition import SEALED, Partition, Taken
from streams.process import App
from streams.tables import Table, send
from streams.topics import Topics

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.1
REST, LONGEST = 6, 1.0  # making panes takes a seventh of a core at most
BUNDLES, PAUSE = 3, 0.3  # taking bundles takes a third of a core while the worker keeps up; s at most
REPEAT_SECONDS = 0.4  # after which a clock is said again though nothing changed: see streams/clocks.py


class News(NamedTuple):
    """What a partition has to tell: panes by model, packed; its clock, and as of when (s) that is true."""

    panes: list[tuple[str, bytes]]
    clock: Clock
    as_of: float


class Collect:
    """Consumes decisions and feedback; keeps the table of facts; sends panes and clocks.

    `partitions` and `panes` are the partition counts of the events' topics and of the panes' topic.
    """

    def __init__(self, app: App, config: Config, topics: Topics, partitions: int, panes: int) -> None:
        self.counts: Counter[str] = Counter()
        self.last_arrival: float | None = None
        self.partitions: dict[int, Partition] = {}
        self._app, self._config, self._topics = app, config, topics
        self._count, self._panes = partitions, panes
        self._key = hash_key(config.hash_key)
        self._pace, self._spent = Pace(REST, LONGEST), 0.0
        self._working = asyncio.Lock()
        self._inputs = [topics.decisions, topics.feedback, topics.entities, topics.repeats]
        self.table = Table(
            app, "facts", like=self._inputs, on_recovered=self._recovered, on_revoked=self._revoked
        )
        app.consume(self._take, *self._inputs, name="collect")
        app.timer(FLUSH_SECONDS)(fatal(self._turn))

    def _recovered(self, partition: int, items: Mapping[bytes, bytes]) -> None:
        state = Partition(partition, self._config, self._count, self._key, self.counts)
        state.restore(items)
        self.partitions[partition] = state

    def _revoked(self, partition: int) -> None:
        del self.partitions[partition]

    async def _take(self, bundle: Bundle) -> float:
        state = self.partitions[bundle.partition]
        async with state.lock:
            if bundle.topic in (self._topics.entities, self._topics.repeats):
                await self._keep(state, bundle.topic, state.hear(bundle))
                return 0.0
            self.last_arrival = time.time()
            async with self._working:  # of several lanes one at a time: Kafka is waited for side by side
                taken, spent = await in_steps(state.take(bundle))
            await self._keep(state, bundle.topic, taken)
        return self._rest(bundle, spent)

    def _rest(self, bundle: Bundle, spent: float) -> float:
        """How long (s) a topic's partition rests after a bundle that took `spent` seconds of the processor.

        Most of that is spent whatever is in it: few large bundles leave the thread time for all that comes
        after them. Who is behind does not rest.
        """
        if not self._app.consumer.is_live(TP(bundle.topic, bundle.partition)):
            return 0.0
        lanes = 2 * len(self.partitions)  # decisions and feedback
        return min(BUNDLES * spent * lanes, PAUSE)

    async def _keep(self, state: Partition, topic: str, taken: Taken) -> None:
        """Makes durable what a bundle left."""
        invalid, topics = self._topics.invalid, self._topics
        assert topic in self._inputs
        await asyncio.gather(*(send(self._app, topics.repeats, r, partition=p) for p, r in taken.repeats))
        await asyncio.gather(
            *(self._put(state, key, record) for key, record in taken.blocks.items()),
            *(send(self._app, invalid, record) for record in taken.invalid),
            *(send(self._app, topics.panes, record, key=model.encode()) for model, record in taken.found),
            *(send(self._app, topic, value, key=key, partition=p) for p, key, value in taken.misrouted),
            *(send(self._app, topics.entities, record, partition=p) for p, record in taken.claims),
        )

    async def _put(self, state: Partition, key: bytes, record: bytes | None) -> None:
        await self.table.put(state.number, key, record)
        if record is None:
            state.shelf.remove(key)
        else:
            state.shelf.put(key, record)

    async def _turn(self) -> None:
        """Flushes where it is time: soon after news has come, seldom while the worker catches up."""
        if self._pace.is_due(time.monotonic()):
            behind = any(is_behind(state.arrived) for state in self.partitions.values())
            self._spent = 0.0
            await self._flush()
            self._pace.turned(time.monotonic(), self._spent, behind=behind)

    async def _flush(self) -> None:
        """Sends what changed since the last time. Panes go out after their facts are durable.

        All partitions at once: each waits for the events that it has in hand, and for Kafka.
        """
        await together(*map(self._flush_one, self.table.partitions_ready()))

    async def _flush_one(self, number: int) -> None:
        state = self.partitions.get(number)
        if state is None:
            return
        async with state.lock:  # until what is in hand is durable
            if not self._holds(state):
                return
            news = self._news(state)
        await self._send(state, news)
        await self._merge(state)
        await self._drop(state)

    def _holds(self, state: Partition) -> bool:
        """Whether a partition has not moved while something else was waited for."""
        return self.partitions.get(state.number) is state

    def _news(self, state: Partition) -> News:
        """What changed of a partition of which all facts are durable."""
        start = time.thread_time()
        panes = [*messages.bundles(state.take_panes())]
        self._spent += time.thread_time() - start
        ends = {topic: self._app.consumer.ended(TP(topic, state.number)) for topic in self._inputs}
        now, idle, as_of = state.clock(ends)
        clock, state.arrived = Clock(state.number, self._count, now, idle, state.arrived), 0
        return News(panes, clock, as_of)

    async def _send(self, state: Partition, news: News) -> None:
        """Sends panes, and behind them the clock, while the partition takes what comes next."""
        panes, clock, as_of = news
        topic = self._topics.panes
        await asyncio.gather(*(send(self._app, topic, record, key=m.encode()) for m, record in panes))
        if panes or state.speaker.is_due(clock, time.monotonic(), REPEAT_SECONDS):
            word = state.speaker.word(clock, as_of)
            record = messages.encode(word)
            await asyncio.gather(*(send(self._app, topic, record, partition=p) for p in range(self._panes)))
            state.speaker.logged(word, time.monotonic())

    async def _merge(self, state: Partition) -> None:
        """Writes merged blocks durably, and only then removes those that they replace."""
        if not self._holds(state):
            return
        merged, replaced = state.merge(self.table.items(state.number))
        await asyncio.gather(*(self._put(state, key, record) for key, record in merged.items()))
        await asyncio.gather(*(self._put(state, key, None) for key in replaced))

    async def _drop(self, state: Partition) -> None:
        """Drops facts whose time is over, after their panes have gone out: seals, rewrites, removes."""
        async with state.lock:
            if not self._holds(state) or not (ends := state.age(state.speaker.time)):
                return
            await self.table.put(state.number, SEALED, records.encode(ends))
            living, old = state.renew(ends)
            await asyncio.gather(*(self._put(state, key, record) for key, record in living.items()))
            await asyncio.gather(*(self._put(state, key, None) for key in old))


def hash_key(secret: Secret | None) -> bytes:
    """The 16 bytes that make pseudonyms of ids; without a secret a constant, which hides little."""
    if secret is None:
        log.warning("hash_key is not set: whoever reads the facts' topic can find out if an id is in it")
        return bytes(16)
    return hashlib.blake2b(secret.value.encode(), digest_size=16, person=b"fairlead ids").digest()
