"""Faust's tables made safe: partitioned, durable before they answer, forgotten when they move.

A table is a dictionary of bytes per partition, kept by a compacted changelog topic. A write returns
when the broker has it; a partition's items are dropped when it moves to another worker; the state that
agents derive from the items is rebuilt by `on_recovered`. What a zombie writes counts for nothing (see
streams/stores.py). Whatever fails here ends the process.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import faust
from faust.exceptions import NotReady
from faust.types import TP, EventT, RecordMetadata
from mode.utils.futures import maybe_async

from streams.guard import Revoked, die
from streams.process import App
from streams.stores import HOLDER, Store, following

log = logging.getLogger(__name__)

MAX_RECORD = 900_000
"""Bytes of a key and its value together; brokers refuse records of more than 1 MB."""

STALL_SECONDS = 60.0
"""A recovery that reads nothing for so long ends the process."""

Recovered = Callable[[int, Mapping[bytes, bytes]], Awaitable[None] | None]
Revocation = Callable[[int], Awaitable[None] | None]


async def send(
    app: App,
    topic: str,
    value: bytes | None,
    *,
    key: bytes | None = None,
    partition: int | None = None,
    headers: Mapping[str, bytes] | None = None,
) -> RecordMetadata:
    """Sends a record and returns when all in-sync replicas have it; without a partition, by murmur2(key).

    Raises `ValueError` for records above 900 kB, `Revoked` when the worker stops, and Kafka's errors,
    which `fatal` turns into an exit.
    """
    size = len(key or b"") + len(value or b"")
    if size > MAX_RECORD:
        raise ValueError(f"{topic}: a record of {size:,} bytes; at most {MAX_RECORD:,}")
    try:
        sent = await app.producer.send(topic, key, value, partition, None, headers)
    except NotReady:  # a timer's turn that outlives the producer while the worker stops
        raise Revoked(f"{topic}: the producer does not run") from None
    return await sent


class Table(faust.Table):  # type: ignore[misc]
    """A durable table, partitioned like the topics that its agent consumes.

    `on_recovered(partition, items)` is called after recovery for every partition that came to this
    worker or that another writer changed: build the derived state from the items, from scratch.
    `on_revoked(partition)` is called when the partition has left: drop the derived state.
    """

    def __init__(
        self,
        app: App,
        name: str,
        *,
        like: Sequence[str],
        on_recovered: Recovered = lambda _partition, _items: None,
        on_revoked: Revocation = lambda _partition: None,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        super().__init__(app, name=name, key_type=bytes, value_type=bytes, recovery_buffer_size=16)
        self.like = tuple(like)
        self.on_recovered = on_recovered
        self.on_revoked = on_revoked
        self.stall_seconds = stall_seconds
        self.ready: frozenset[int] = frozenset()
        self._generation = -1
        self._holdings: dict[int, bytes] = {}  # our names of those that have begun, by partition
        self._hooks = asyncio.Lock()
        app.tables.add(self)

    @property
    def together(self) -> tuple[str, ...]:
        """The topics whose partitions belong together: those of the agent and the changelog."""
        return (*self.like, self.changelog_topic_name)

    def partitions_ready(self) -> list[int]:
        """The recovered partitions, in order; none while a rebalance goes on. For timers."""
        return [] if self.app.rebalancing else sorted(self.ready)

    @property
    def recovering(self) -> bool:
        """Whether partitions were not assigned yet, or those that this worker holds are not recovered."""
        assigned = self._generation >= 0
        return bool(not assigned or self.app.rebalancing or self.data.partitions.keys() - self.ready)

    def items(self, partition: int) -> Mapping[bytes, bytes]:
        """The items of a partition that this worker holds, else `Revoked`. A live view: copy to keep."""
        self._require(partition)
        items: Mapping[bytes, bytes] = self.data.partitions[partition]
        return items

    async def put(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Writes an item (None removes it) and returns when all in-sync replicas have it.

        Put blocks side by side with `asyncio.gather`. Raises `Revoked` when this worker does not hold
        the partition and `ValueError` for more than 900 kB.
        """
        self._require(partition)
        await self._write(partition, key, value)

    async def _write(self, partition: int, key: bytes, value: bytes | None) -> None:
        topic, holder = self.changelog_topic_name, self._holdings.get(partition)
        headers = {HOLDER.decode(): holder} if holder else None
        done = await send(self.app, topic, value, key=key, partition=partition, headers=headers)
        if holder == self._holdings.get(partition):  # else it counts for nothing by now
            self.data.wrote(partition, key, value, done.offset)

    def _require(self, partition: int) -> None:
        if partition not in self.data.partitions:
            raise Revoked(f"table {self.name}: partition {partition} is not held by this worker")

    # Faust's side.

    def _new_store(self) -> Store:
        return Store("partitioned://", self.app, self, key_type=bytes, value_type=bytes)

    def on_key_set(self, *_: Any) -> None:
        raise TypeError(f"table {self.name}: use put(partition, key, value)")

    def on_key_del(self, *_: Any) -> None:
        raise TypeError(f"table {self.name}: use put(partition, key, None)")

    async def on_start(self) -> None:
        """Watches the recoveries."""
        await super().on_start()
        self.add_future(self._watch_recovery())

    async def on_rebalance(
        self, assigned: set[TP], _revoked: set[TP], _new: set[TP], generation: int
    ) -> None:
        """Drops what has left and opens what has come."""
        async with self._hooks:
            mine = self._require_inputs(assigned)
            held = self.data.partitions.keys()
            left = sorted((held - mine) | set(filter(self.data.lags, held)))  # what lags begins anew
            known, self.ready = self.ready, self.ready & mine - {*left}
            for partition in left:
                self.data.drop(partition)
                self._holdings.pop(partition, None)
                if partition in known:
                    await self._run(self.on_revoked, partition)
            for partition in mine:
                self.data.open(partition)
            self._generation = generation

    def _require_inputs(self, assigned: set[TP]) -> set[int]:
        """The changelog's partitions: those of each input, else Faust has split the topics."""
        found = {t: {tp.partition for tp in assigned if tp.topic == t} for t in self.together}
        mine = found[self.changelog_topic_name]
        for topic, partitions in found.items():
            if partitions != mine:
                die(
                    f"table {self.name}: partitions {sorted(mine)} came with {sorted(partitions)} of {topic};"
                    " start again when all topics exist"
                )
        return mine

    def apply_changelog_batch(self, batch: Iterable[EventT]) -> None:
        """Faust would only log an error here, and go on without the record."""
        try:
            self.data.apply_changelog_batch(batch)
        except Exception as error:
            die(f"table {self.name}: recovery failed", error)

    async def on_recovery_completed(self, active: set[TP], _standby: set[TP]) -> None:
        """Calls the hooks. Faust swallows errors of this method, and calls it for outdated recoveries."""
        async with self._hooks:
            if self._is_outdated(self.app.tables.recovery):
                return
            self._require_recovered(active)
            await asyncio.gather(*(self._run(self._hold, partition) for partition in self.data.partitions))
            for partition in sorted(self.data.changed):
                await self._run(self.on_recovered, partition, self.data.partitions[partition])
                self.data.changed.discard(partition)
            self.ready = frozenset(self.data.partitions)

    async def _hold(self, partition: int) -> None:
        """Begins a holding, unless ours goes on, and mends what a zombie wrote over."""
        items, newest = self.data.partitions[partition], self.data.holders.get(partition, b"")
        if not newest or self._holdings.get(partition) != newest:
            self._holdings[partition] = name = following(newest, self._generation)
            await self._write(partition, HOLDER, name)
        counts = {key: items.get(key) for key in self.data.overwritten[partition]}
        if HOLDER in counts:
            counts[HOLDER] = self._holdings[partition]
        await asyncio.gather(*(self._write(partition, key, value) for key, value in counts.items()))

    def _is_outdated(self, recovery: Any) -> bool:
        """Whether another rebalance has begun: Faust then calls a recovery complete that it broke off."""
        begun = self._generation != recovery._generation_id
        return bool(begun or recovery.signal_recovery_start.is_set())

    async def _run(self, hook: Callable[..., Any], *arguments: Any) -> None:
        try:
            await maybe_async(hook(*arguments))
        except Revoked:  # the worker stops
            log.info("table %s: %s gave up", self.name, hook.__qualname__)
        except Exception as error:
            die(f"table {self.name}: {getattr(hook, '__qualname__', hook)} failed", error)

    def _require_recovered(self, active: set[TP]) -> None:
        """Every partition was read to its end."""
        if {tp.partition for tp in active} != self.data.partitions.keys():
            die(f"table {self.name}: not all of partitions {sorted(self.data.partitions)} were recovered")
        short = [tp for tp, missing in self.app.tables.recovery.active_remaining().items() if missing > 0]
        if behind := sorted(tp.partition for tp in short if tp in active):
            die(f"table {self.name}: partitions {behind} were not recovered")

    async def _watch_recovery(self) -> None:
        """Ends the process when a recovery reads nothing for `stall_seconds`."""
        loop = asyncio.get_running_loop()
        last, since = (self._generation, self._missing()), loop.time()
        while not self.should_stop:
            await self.sleep(self.stall_seconds / 10)
            missing = self._missing()
            if missing is None or (self._generation, missing) != last:
                last, since = (self._generation, missing), loop.time()
            elif loop.time() - since >= self.stall_seconds:
                die(f"table {self.name}: recovery stands still with {missing} offsets to read")

    def _missing(self) -> dict[int, int] | None:
        """Offsets that are still to be read, by partition; None if none is awaited, or another table's.

        None are known before the broker has said where the logs end. Faust gives that up after a while, in
        silence.
        """
        if self._hooks.locked() or not self.data.partitions.keys() - self.ready:
            return None
        remaining = self.app.tables.recovery.active_remaining()
        every = {tp: n for tp, n in remaining.items() if n > 0}
        ours = {tp.partition: n for tp, n in every.items() if tp.topic == self.changelog_topic_name}
        return ours if ours or not every else None
