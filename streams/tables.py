"""Faust's tables made safe: partitioned, durable before they answer, forgotten when they move.

A table is a dictionary of bytes per partition, kept by a compacted changelog topic. A write returns
when the broker has it; a partition's items are dropped when it moves to another worker; the state that
agents derive from the items is rebuilt by `on_recovered`. Whatever fails here ends the process.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import faust
from faust.exceptions import NotReady
from faust.stores.base import Store as BaseStore
from faust.types import TP, EventT, RecordMetadata
from mode.utils.futures import maybe_async

from streams.guard import Revoked, die
from streams.process import App

MAX_RECORD = 900_000
"""Bytes of a key and its value together; brokers refuse records of more than 1 MB."""

AHEAD = 10_000
"""Own records that are remembered behind one that is missing; further ones are read again by a recovery."""

STALL_SECONDS = 60.0
"""A recovery that reads nothing for so long ends the process."""

Recovered = Callable[[int, Mapping[bytes, bytes]], Awaitable[None] | None]
Revocation = Callable[[int], Awaitable[None] | None]


async def send(
    app: App, topic: str, value: bytes | None, *, key: bytes | None = None, partition: int | None = None
) -> RecordMetadata:
    """Sends a record and returns when all in-sync replicas have it; without a partition, by murmur2(key).

    Raises `ValueError` for records above 900 kB, `Revoked` when the worker stops, and Kafka's errors,
    which `fatal` turns into an exit.
    """
    size = len(key or b"") + len(value or b"")
    if size > MAX_RECORD:
        raise ValueError(f"{topic}: a record of {size:,} bytes; at most {MAX_RECORD:,}")
    try:
        sent = await app.producer.send(topic, key, value, partition, None, None)
    except NotReady:  # a timer's turn that outlives the producer while the worker stops
        raise Revoked(f"{topic}: the producer does not run") from None
    return await sent


class Store(BaseStore):  # type: ignore[misc]
    """The items of the partitions that this worker holds, and the offset up to which they hold everything."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.partitions: dict[int, dict[bytes, bytes]] = {}
        self.offsets: dict[int, int] = {}
        self.changed: set[int] = set()
        self._ahead: dict[int, set[int]] = {}  # by partition: own records behind one that is not known yet

    def open(self, partition: int) -> None:
        """Starts to hold a partition; nothing if it is held."""
        if partition not in self.partitions:
            self.partitions[partition] = {}
            self.changed.add(partition)

    def drop(self, partition: int) -> None:
        """Forgets a partition."""
        self.partitions.pop(partition, None)
        self.offsets.pop(partition, None)
        self._ahead.pop(partition, None)
        self.changed.discard(partition)

    def read(self, partition: int, key: bytes, value: bytes | None, offset: int) -> None:
        """Follows the next record of the changelog; nothing if the partition is not held."""
        if self._set(partition, key, value):
            self.offsets[partition] = max(offset, self.offsets.get(partition, -1))
            self._ahead.get(partition, set()).discard(offset)

    def wrote(self, partition: int, key: bytes, value: bytes | None, offset: int) -> None:
        """Follows a record of our own; nothing if the partition is not held.

        Before it there may be records of another worker, which held the partition while we stood still. They
        are read at the next recovery, as long as the offset stays before them.
        """
        if not self._set(partition, key, value):
            return
        ahead = self._ahead.setdefault(partition, set())
        if len(ahead) < AHEAD:
            ahead.add(offset)
        last = self.offsets.get(partition, -1)
        while last + 1 in ahead:
            last += 1
            ahead.discard(last)
            self.offsets[partition] = last

    def _set(self, partition: int, key: bytes, value: bytes | None) -> bool:
        """Sets or removes an item; False if the partition is not held."""
        items = self.partitions.get(partition)
        if items is None:
            return False
        if value is None:
            items.pop(key, None)
        else:
            items[key] = value
        return True

    def apply_changelog_batch(self, batch: Iterable[EventT], **_: Any) -> None:
        """Recovery's records. Faust may hand us another table's after a rebalance."""
        for event in batch:
            message = event.message
            if message.topic == self.table.changelog_topic_name:
                self.read(message.partition, message.key, message.value, message.offset)
                self.changed |= self.partitions.keys() & {message.partition}

    def persisted_offset(self, tp: TP) -> int:
        """Where recovery goes on; -1, not None, else Faust may keep the offset of an earlier holding."""
        return self.offsets.get(tp.partition, -1)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Nothing: `read` and `wrote` do it."""

    def reset_state(self) -> None:
        """Forgets everything."""
        for partition in list(self.partitions):
            self.drop(partition)

    async def backup_partition(self, *_: Any, **__: Any) -> None:
        """Nothing: the changelog is the backup."""

    def restore_backup(self, *_: Any, **__: Any) -> None:
        """Nothing: recovery reads the changelog."""


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
        done = await send(self.app, self.changelog_topic_name, value, key=key, partition=partition)
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
            left = sorted(self.data.partitions.keys() - mine)
            known, self.ready = self.ready, self.ready & mine
            for partition in left:
                self.data.drop(partition)
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
            for partition in sorted(self.data.changed):
                await self._run(self.on_recovered, partition, self.data.partitions[partition])
                self.data.changed.discard(partition)
            self.ready = frozenset(self.data.partitions)

    def _is_outdated(self, recovery: Any) -> bool:
        """Whether another rebalance has begun: Faust then calls a recovery complete that it broke off."""
        begun = self._generation != recovery._generation_id
        return bool(begun or recovery.signal_recovery_start.is_set())

    async def _run(self, hook: Callable[..., Any], *arguments: Any) -> None:
        try:
            await maybe_async(hook(*arguments))
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
        last, since = self._missing(), loop.time()
        while not self.should_stop:
            await self.sleep(self.stall_seconds / 10)
            missing = self._missing()
            if not missing or missing != last:
                last, since = missing, loop.time()
            elif loop.time() - since >= self.stall_seconds:
                die(f"table {self.name}: recovery stands still with {missing} offsets to read")

    def _missing(self) -> dict[int, int]:
        """Offsets that a running recovery has still to read, by partition."""
        recovery = self.app.tables.recovery
        if not recovery.in_recovery:
            return {}
        remaining = recovery.active_remaining().items()
        topic = self.changelog_topic_name
        return {tp.partition: n for tp, n in remaining if n > 0 and tp.topic == topic}
